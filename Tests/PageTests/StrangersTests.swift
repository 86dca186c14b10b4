import Support
import Testing

/// Strangers, two by two, with the real server.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct StrangersTests {
    @Test func twoMeetTalkAndGoOn() throws {
        try Scene.play("--pairing") { scene in
            let tab = try scene.seekStranger("Ada")
            #expect(try tab.string("document.title") == "Two strangers · Chatloop")
            #expect(try tab.shown("button") == ["Rooms", "Stop waiting"])
            let bo = try scene.stranger("Bo", "b")
            try tab.wait(forStatus: "Connected")
            #expect(try tab.bool("document.activeElement.id === 'message'"))
            try tab.wait(forPeople: ["Ada", "Bo"])
            try tab.say("hello stranger")
            try tab.wait(forMessage: "hello stranger")
            #expect(try bo.skip(to: "message")["text"] == "hello stranger")
            try bo.say("hello yourself")
            try tab.wait(forMessage: "hello yourself")
            // There is nobody to invite, nothing to link to, and no host.
            #expect(try !tab.shown("button").contains("Invite"))
            try tab.openMenu(of: "hello yourself")
            #expect(try tab.shown("[role=menuitem]") == ["Reply", "React", "Copy text"])
            try tab.press("Escape")
            // What is left of a talk is for nobody else.
            try tab.evaluate("document.querySelector('#next').click()")
            #expect(try bo.skip(to: "leave")["username"] == "Ada")
            #expect(try bo.expectClose().code == 1000)
            try tab.wait(for: "document.querySelector('.waiting').checkVisibility()")
            #expect(try tab.messages().isEmpty)
            let cy = try scene.stranger("Cy", "c")
            try tab.wait(forStatus: "Connected")
            try tab.wait(forPeople: ["Ada", "Cy"])
            #expect(try tab.messages().isEmpty)
            try cy.say("and who are you?")
            try tab.wait(forMessage: "and who are you?")
        }
    }

    @Test func whenTheOtherHasLeftThePageSaysSoAndOffersTheNext() throws {
        try Scene.play("--pairing") { scene in
            let tab = try scene.meetStranger()
            try tab.find("textbox", "Message").focus()
            try scene.strangers.removeLast().close(.normal)
            try tab.wait(forStatus: "Offline – the other person has left")
            #expect(try tab.bool("document.activeElement.id === 'next'"))
            #expect(try !tab.shown("button").contains("Send") && !tab.shown("button").contains("Come back"))
            #expect(try tab.messages() == ["Hello, whoever you are."])
            try tab.press("Enter")
            try tab.wait(for: "document.querySelector('.waiting').checkVisibility()")
            _ = try scene.stranger("Cy", "c")
            try tab.wait(forStatus: "Connected")
            try tab.wait(forPeople: ["Ada", "Cy"])
        }
    }

    @Test func aReloadComesBackAndAfterARestartTheOtherIsGone() throws {
        try Scene.play(options: ["--pairing"], lost: true) { scene in
            let tab = try scene.meetStranger()
            try tab.reload()
            try tab.wait(forStatus: "Connected")
            try tab.wait(forMessage: "Hello, whoever you are.")
            try scene.crash()
            try scene.restart()
            try tab.wait(for: "document.querySelector('#usernameError').textContent === 'The other person is gone.'")
            try tab.screenshot("stranger-gone")
            try tab.press("Enter")
            try tab.wait(for: "document.querySelector('.waiting').checkVisibility()")
            #expect(try tab.messages().isEmpty)
            _ = try scene.stranger("Cy", "c")
            try tab.wait(forStatus: "Connected")
        }
    }

    @Test func oneMayStopWaitingAndTheWaitOutlivesTheServer() throws {
        try Scene.play(options: ["--pairing"], lost: true) { scene in
            let tab = try scene.seekStranger("Ada")
            try tab.find("button", "Stop waiting").click()
            try tab.wait(for: "document.activeElement.id === 'username'")
            let early = try TestClient(scene.server, target: "/pair")
            try early.send(["type": "join", "key": "eeeeeeeeeeeeeeee"])
            #expect(try early.expect("waiting")["count"] == 1)
            try early.close(.normal)
            #expect(try early.expectClose().code == 1000)
            try tab.press("Enter")
            try tab.wait(for: "document.querySelector('.waiting').checkVisibility()")
            try scene.crash()
            try tab.wait(for: "document.querySelector('.waiting').textContent.startsWith('Reconnecting')")
            try scene.restart()
            try tab.wait(for: "document.querySelector('.waiting').textContent.startsWith('Waiting')")
            _ = try scene.stranger("Bo", "b")
            try tab.wait(forStatus: "Connected")
        }
    }

    @Test func aNameThatTheOtherHasIsAskedForAgain() throws {
        try Scene.play("--pairing") { scene in
            let tab = try scene.seekStranger("Ada")
            // The other one is there first, under the same name.
            try tab.evaluate(
                """
                const send = WebSocket.prototype.send;
                WebSocket.prototype.send = function (text) { setTimeout(() => send.call(this, text), 1000); }
                """)
            scene.keep(try scene.stranger("Ada", "b"))
            try tab.wait(for: "document.querySelector('#usernameError').textContent.startsWith('Someone here')")
            try tab.join("Eve")
            try tab.wait(forPeople: ["Ada", "Eve"])
        }
    }
}

extension Scene {
    /// Opens the page of strangers and waits for one.
    func seekStranger(_ username: String) throws -> Tab {
        let tab = try blank()
        try tab.navigate(to: server.url + "pair")
        try tab.find("textbox", "Username").focus()
        try tab.press("a", control: true)
        try tab.insert(username)
        try tab.press("Enter")
        try tab.wait(for: "document.querySelector('.waiting')?.textContent.startsWith('Waiting for somebody')")
        return tab
    }

    /// Somebody who waits, too, and goes to the room for two.
    func stranger(_ username: String, _ letter: Character) throws -> TestClient {
        let key = String(repeating: letter, count: 16)
        let waiting = try TestClient(server, target: "/pair")
        try waiting.send(["type": "join", "key": key])
        let paired = try waiting.skip(to: "paired")
        let client = try TestClient(server, room: paired["room"] ?? "")
        let invite: String = paired["invite"] ?? ""
        try client.send(["type": "join", "username": username, "key": key, "invite": invite])
        _ = try client.expect("welcome")
        strangers.append(client)
        return client
    }

    /// Ada has met Bo.
    func meetStranger() throws -> Tab {
        let tab = try seekStranger("Ada")
        let bo = try stranger("Bo", "b")
        try tab.wait(forStatus: "Connected")
        try tab.wait(forPeople: ["Ada", "Bo"])
        try bo.say("Hello, whoever you are.")
        try tab.wait(forMessage: "Hello, whoever you are.")
        return tab
    }
}

extension Tab {
    /// The names of what is to be seen of this kind, in the page's order.
    fileprivate func shown(_ selector: String) throws -> [String] {
        try strings(
            """
            [...document.querySelectorAll(\(quoted(selector)))].filter((one) => one.checkVisibility())
                .map((one) => one.getAttribute('aria-label') ?? one.textContent.trim())
            """)
    }
}
