import Support
import Testing

/// Coming in: the name, the form, a reload, and more than one tab.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct ArrivingTests {
    @Test func theRoomIsNamedAndEnterJoins() throws {
        try Scene.play { scene in
            let tab = try scene.open(room: "garden")
            #expect(try tab.find("heading", "garden").bool("this.tagName === 'H1'"))
            #expect(try tab.string("document.title") == "garden · Chatloop")
            try tab.wait(for: "document.activeElement.id === 'username'")
            try tab.type("Ada")
            try tab.press("Enter")
            try tab.wait(forStatus: "Connected")
            #expect(try tab.find("textbox", "Message").bool("this === document.activeElement"))
            #expect(try tab.all("textbox", "Username").isEmpty)
            #expect(try tab.all("button", "Join").isEmpty)
        }
    }

    @Test func theButtonJoinsToo() throws {
        try Scene.play { scene in
            let tab = try scene.open()
            try tab.find("textbox", "Username").focus()
            try tab.insert("Ada")
            try tab.find("button", "Join").click()
            try tab.wait(forStatus: "Connected")
        }
    }

    /// The second press falls between the join and its answer.
    @Test func joinPressedTwiceIsOneJoin() throws {
        try Scene.play { scene in
            let tab = try scene.blank()
            try tab.prepare(
                """
                const { send } = WebSocket.prototype;
                let isAgain = false;
                WebSocket.prototype.send = function (data) {
                    send.call(this, data);
                    if (isAgain) return;
                    isAgain = true;
                    document.querySelector('#entry').requestSubmit();
                };
                """)
            try tab.navigate(to: scene.server.url)
            try tab.join("Ada")
            try tab.wait(forPeople: ["Ada"])
        }
    }

    @Test func theLastNameIsFilledIn() throws {
        try Scene.play { scene in
            _ = try scene.enter("Ada")
            let next = try scene.open(room: "garden")
            #expect(try next.find("textbox", "Username").string("this.value") == "Ada")
            // Whoever wants another one types it in its place.
            try next.wait(for: "document.activeElement.id === 'username'")
            try next.type("Bea")
            #expect(try next.find("textbox", "Username").string("this.value") == "Bea")
        }
    }

    @Test func whoNamesNobodyIsAGuest() throws {
        try Scene.play { scene in
            let tab = try scene.open()
            try tab.wait(for: "document.querySelector('#guest').textContent.includes('Guest ')")
            let field = try tab.find("textbox", "Username")
            let offer = try tab.string("document.querySelector('#guest').textContent")
            #expect(offer.contains("Guest "))
            #expect(field.description.contains("Guest "))
            try field.focus()
            try tab.press("Enter")
            try tab.wait(forStatus: "Connected")
            let guest = try #require(offer.firstMatch(of: /Guest \d+/)).output
            try tab.wait(forPeople: [String(guest)])
            // Nobody wants to be called so for ever.
            #expect(try scene.open(room: "garden").find("textbox", "Username").string("this.value") == "")
        }
    }

    @Test func aRefusedNameIsExplainedBesideItsField() throws {
        try Scene.play { scene in
            _ = try scene.client("Ada")
            let tab = try scene.open()
            for (name, reason) in [
                ("ADA", "has this name"), (String(repeating: "a", count: 33), "1 to 32"), ("a\u{200B}b", "visible"),
                (" \u{3000}", "visible"),
            ] {
                let field = try tab.find("textbox", "Username")
                try field.focus()
                try tab.press("a", control: true)
                try tab.insert(name)
                try tab.press("Enter")
                try tab.wait(for: "document.querySelector('#usernameError').textContent.includes('\(reason)')")
                #expect(try tab.find("textbox", "Username").description.contains(reason))
                #expect(try tab.find("alert").text().contains(reason))
                #expect(
                    try field.bool("this.getAttribute('aria-invalid') === 'true' && this === document.activeElement"))
            }
            // A name is as long as it has scalars: these are 64 units of the page's language.
            try tab.join(String(repeating: "\u{1D4D0}", count: 32))
        }
    }

    @Test func aReloadComesBackToTheSamePlaceWithoutAsking() throws {
        let past = try PastFolder(messages: 90)
        try Scene.play("--data", past.path) { scene in
            let tab = try scene.enter("Cy")
            try tab.insert("half a thou")
            try tab.wait(forRow: "message 90")
            try tab.evaluate("document.querySelector('[role=log]').scrollTop = 700")
            try tab.wait(for: "!document.querySelector('#unread').hidden")
            let before = try tab.string(Self.place)
            try tab.reload()
            try tab.wait(forStatus: "Connected")
            try tab.settle()
            #expect(try tab.string(Self.place) == before)
            #expect(try tab.find("textbox", "Message").string("this.value") == "half a thou")
            try tab.wait(forPeople: ["Cy"])
            // For the others nothing has happened.
            #expect(try tab.notices().filter { $0.contains("left") }.isEmpty)
        }
    }

    /// The row at the top of the view, and how far above it begins (px).
    private static let place = """
        (() => {
            const log = document.querySelector('[role=log]');
            const { top } = log.getBoundingClientRect();
            const row = [...log.querySelectorAll('.message')].find((one) => one.getBoundingClientRect().bottom > top);
            return row.querySelector('.text').textContent + ' at ' + Math.round(row.getBoundingClientRect().top - top);
        })()
        """

    @Test func aSecondTabSaysSoAndGoesOnHereOrAsSomebodyElse() throws {
        try Scene.play { scene in
            let first = try scene.enter("Ada")
            try first.say("from the first")
            try first.wait(forMessage: "from the first")
            let second = try scene.open()
            try second.wait(for: "document.querySelector('#already').innerText.includes('in another tab, as Ada')")
            try second.screenshot("already-here")
            try second.find("button", "Go on here").click()
            try second.wait(forStatus: "Connected")
            try second.wait(forPeople: ["Ada"])
            try second.wait(forMessage: "from the first")
            try first.wait(forStatus: "Offline – this chat went on in another window")
            // In another room one is nowhere else.
            let garden = try scene.open(room: "garden")
            try garden.settle()
            #expect(try garden.bool("document.querySelector('#already').hidden"))
        }
    }

    @Test func aDroppedFileNeverReplacesThePage() throws {
        try Scene.play { scene in
            let tab = try scene.enter("Ada")
            for type in ["dragover", "drop"] {
                let prevented = try tab.bool(
                    """
                    (() => {
                        const data = new DataTransfer();
                        data.items.add(new File(['x'], 'x.txt'));
                        return !document.body.dispatchEvent(new DragEvent('\(type)', { dataTransfer: data, bubbles: true, cancelable: true }));
                    })()
                    """)
                #expect(prevented, "\(type)")
            }
        }
    }

    @Test func twoTabsAreTwoPeople() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            let other = try scene.open()
            try other.join("Ada B")
            try ada.wait(forRow: "Ada B joined")
            try ada.say("still here")
            try other.wait(forMessage: "still here")
            #expect(try other.find("status", "Connection").text().hasPrefix("Connected"))
        }
    }

    /// With locks, and without: they are there only where the connection is secure.
    @Test(arguments: [true, false]) func aDuplicatedTabIsAnotherPerson(hasLocks: Bool) throws {
        try Scene.play { scene in
            let hide = "Object.defineProperty(Navigator.prototype, 'locks', { get: () => undefined })"
            let ada = try scene.blank()
            if !hasLocks { try ada.prepare(hide) }
            try ada.navigate(to: scene.server.url)
            try ada.join("Ada")
            try ada.say("the first")
            try ada.wait(forMessage: "the first")
            let copy = try scene.duplicate(ada, prepared: hasLocks ? nil : hide)
            #expect(try copy.find("textbox", "Username").string("this.value") == "Ada")
            try copy.join("Ada B")
            try ada.wait(forRow: "Ada B joined")
            try ada.wait(forStatus: "Connected")
            try ada.wait(forPeople: ["Ada", "Ada B"])
            // And each of the two comes back as itself.
            for tab in [copy, ada] {
                try tab.reload()
                try tab.wait(forStatus: "Connected")
            }
            try ada.wait(for: "document.querySelectorAll('#people li').length === 2")
            #expect(try copy.string("document.querySelector('#people li:has(small) bdi').textContent") == "Ada B")
            #expect(try ada.string("document.querySelector('#people li:has(small) bdi').textContent") == "Ada")
        }
    }
}
