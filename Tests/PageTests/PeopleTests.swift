import Support
import Testing

/// Who is here, and who is typing.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct PeopleTests {
    @Test func theListIsSortedCountedAndMarksOneself() throws {
        try Scene.play { scene in
            let names = ["Zoë", "ada 10", "Ada 2", "émile"]
            let clients = try names.map { try scene.client($0) }
            let tab = try scene.enter("Mia")
            try tab.wait(forPeople: ["Ada 2", "ada 10", "émile", "Mia", "Zoë"])
            #expect(try tab.find("list", "People").text().contains("you"))
            #expect(try tab.string("document.querySelector('#peopleCount').textContent") == "5")
            try clients[3].close(.normal)
            try tab.wait(forPeople: ["Ada 2", "ada 10", "Mia", "Zoë"])
            #expect(try tab.string("document.querySelector('#peopleCount').textContent") == "4")
        }
    }

    @Test func aCrowdIsShownInPartWhichIsSaid() throws {
        try Scene.play { scene in
            let tab = try scene.enterScripted(
                """
                const { say } = server;
                server.say = (message) => say(message.type !== 'welcome' ? message : { ...message, userCount: 621, people: undefined,
                    users: Array.from({ length: 500 }, (_, n) => n ? `Guest ${n}` : 'Ada') });
                """)
            try tab.wait(for: "document.querySelectorAll('#people li').length === 500")
            #expect(try tab.string("document.querySelector('#peopleCount').textContent") == "621")
            #expect(try tab.string("document.querySelector('#morePeople').textContent") == "and 121 more")
            try tab.say("/who")
            try tab.wait(for: "document.querySelector('#note').textContent.endsWith('and 121 more')")
        }
    }

    @Test func theNameIsChangedInTheMenu() throws {
        try Scene.play { scene in
            let tab = try scene.enter("Ada")
            scene.keep(try scene.client("Bo"))
            try tab.find("button", "Person actions: Ada").click()
            try tab.find("menuitem", "Change name").click()
            try tab.wait(for: "document.activeElement.id === 'newName'")
            try tab.press("a", control: true)
            try tab.insert("Bo")
            try tab.press("Enter")
            try tab.wait(for: "document.querySelector('#nameError').textContent.includes('has this name')")
            try tab.press("a", control: true)
            try tab.insert("Ada Lovelace")
            try tab.press("Enter")
            try tab.wait(forPeople: ["Ada Lovelace", "Bo"])
            try tab.wait(for: "!document.querySelector('dialog[open]')")
        }
    }

    @Test func nobodyHereLooksLikeAnother() throws {
        try Scene.play { scene in
            let people =
                "server.people = Array.from({ length: 20 }, (_, n) => ({ username: `Guest ${n}`, user: `user-${n}` }))"
            let tab = try scene.enterScripted(people)
            try tab.wait(for: "document.querySelectorAll('#people li').length === 21")
            let hues = try tab.strings(
                "[...document.querySelectorAll('#people .name')].map((name) => name.style.getPropertyValue('--hue'))")
            #expect(Set(hues).count == 21)
        }
    }

    @Test func onAPhoneItIsADrawer() throws {
        try Scene.play { scene in
            let tab = try scene.blank()
            try tab.becomePhone()
            try tab.navigate(to: scene.server.url)
            try tab.join("Ada")
            _ = try scene.client("Bo")
            try tab.wait(for: "document.querySelector('#headcount').textContent === '2'")
            #expect(try tab.all("list", "People").isEmpty)
            let button = try tab.find("button", "People\u{A0}2")
            try tab.screenshot("phone")
            try button.click()
            #expect(try tab.find("list", "People").text().contains("Bo"))
            try tab.screenshot("phone-drawer")
            try tab.press("Escape")
            try tab.wait(for: "!document.querySelector('#drawer').open")
            #expect(try tab.bool("document.activeElement.id === 'menu'"))
        }
    }

    @Test func typingIsShownToOthersUntilTheMessage() throws {
        try Scene.play { scene in
            let (ada, bo) = (try scene.enter("Ada"), try scene.client("Bo"))
            let (cy, di, ed) = (try scene.client("Cy"), try scene.client("Di"), try scene.client("Ed"))
            let shown = "document.querySelector('#typing').textContent"
            try ada.type("hel")
            for name in ["Cy", "Di", "Ed"] { _ = try bo.expect("join", of: name) }
            _ = try bo.expect("typing", of: "Ada")
            // The next letters are no news for three seconds.
            try ada.type("lo")
            try ada.press("Enter")
            #expect(try bo.expect("message").said == "hello")
            try bo.send(["type": "typing"])
            try ada.wait(for: "\(shown) === 'Bo is typing…'")
            try cy.send(["type": "typing"])
            try ada.wait(for: "\(shown) === 'Bo and Cy are typing…'")
            try di.send(["type": "typing"])
            try ada.wait(for: "\(shown) === 'Bo, Cy, and Di are typing…'")
            try ada.screenshot("typing")
            try ed.send(["type": "typing"])
            try ada.wait(for: "\(shown) === 'Several people are typing…'")
            for client in [bo, di, ed] { try client.say("done") }
            try ada.wait(for: "\(shown) === 'Cy is typing…'")
            // It ends by itself five seconds after the last sign.
            let start = Deadline.now
            try ada.wait(for: "\(shown) === ''")
            #expect(Deadline.now - start > 3 && Deadline.now - start < 8)
            #expect(try ada.bool("document.querySelector('#typing').closest('[aria-live]') === null"))
        }
    }
}
