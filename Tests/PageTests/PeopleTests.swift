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
