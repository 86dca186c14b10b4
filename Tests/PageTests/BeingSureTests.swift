import Foundation
import Support
import Testing

/// What becomes of what one says, and how the connection fares.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct BeingSureTests {
    private static let field = "document.querySelector('#message')"
    private static let status = "document.querySelector('[role=status]').textContent"

    @Test func aMessageIsPendingAtOnceAndSentWhenItsEventComesBack() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            scene.server.child.signal(SIGSTOP)
            try ada.say("hello")
            try ada.wait(forRow: "hello")
            _ = try ada.find("image", "Sending")
            try ada.screenshot("pending")
            try ada.evaluate("document.querySelector('.message').isTheSame = true")
            scene.server.child.signal(SIGCONT)
            try ada.wait(forMessage: "hello")
            _ = try ada.find("image", "Sent")
            // It is the same row: nothing moved, and nothing is read out twice.
            #expect(try ada.bool("document.querySelector('.message').isTheSame === true"))
            #expect(try ada.messages() == ["hello"])
        }
    }

    @Test func aRefusedOneSaysWhyAndCanBeEditedResentAndDropped() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            let bad = "a bell \u{7} rings"
            try ada.say(bad)
            try ada.wait(forRow: "Not sent: It has characters that cannot be sent.")
            _ = try ada.find("image", "Not sent")
            try ada.screenshot("refused")
            // It holds up nothing else, and a reload does not lose it.
            try ada.say("next")
            try ada.wait(forMessage: "next")
            try ada.reload()
            try ada.wait(forRow: "Not sent")
            try ada.find("button", "Try again").click()
            try ada.wait(forRow: "Not sent")
            try ada.wait(for: "document.querySelectorAll('.refused').length === 1")
            try ada.find("button", "Edit").click()
            try ada.wait(for: "!document.querySelector('.refused') && \(Self.field).value === \(quoted(bad))")
            try ada.press("a", control: true)
            try ada.insert("it rings")
            try ada.press("Enter")
            try ada.wait(forMessage: "it rings")
            // Up in the empty field brings back a refused one before one that was sent.
            try ada.say(bad)
            try ada.wait(forRow: "Not sent")
            try ada.press("ArrowUp")
            try ada.wait(for: "!document.querySelector('.refused') && \(Self.field).value === \(quoted(bad))")
            try ada.press("Enter")
            try ada.wait(forRow: "Not sent")
            try ada.find("button", "Drop").click()
            try ada.wait(for: "!document.querySelector('.refused')")
            #expect(try ada.messages() == ["next", "it rings"])
        }
    }

    @Test func whatIsSaidTooFastIsSaidLater() throws {
        try Scene.play("--message-rate", "5") { scene in
            let ada = try scene.enter("Ada")
            let bo = try scene.client("Bo")
            let texts = (1...24).map { "line \($0)" }
            for text in texts { try ada.say(text) }
            for text in texts { #expect(try bo.skip(to: "message").said == text) }
            try ada.wait(forMessage: "line 24")
            #expect(try ada.messages() == texts)
            #expect(try ada.int("document.querySelectorAll('.refused').length") == 0)
        }
    }

    @Test func aLostConnectionComesBackAndTheStatusSaysSo() throws {
        try Scene.play(lost: true) { scene in
            let tab = try scene.enter("Ada")
            try scene.crash()
            try tab.wait(for: "\(Self.status).match(/^Reconnecting in \\d+ s/)")
            let button = try tab.find("button", "Try now")
            try tab.screenshot("reconnecting")
            #expect(try tab.find("status", "Connection").text().hasPrefix("Reconnecting"))
            try tab.say("said meanwhile")
            try tab.wait(forRow: "said meanwhile")
            try scene.restart()
            try button.click()
            try tab.wait(forStatus: "Connected")
            try tab.wait(forMessage: "said meanwhile")
            // This server has kept nothing: the page is honest about it.
            try tab.wait(forRow: "Some of what happened before this was missed.")
            try tab.screenshot("missed")
        }
    }

    @Test func withoutNetworkItIsOfflineAndComesBackAtOnce() throws {
        try Scene.play(lost: true) { scene in
            let tab = try scene.enter("Ada")
            let bo = try scene.client("Bo")
            try tab.say("before")
            try tab.wait(forMessage: "before")
            try tab.setNetwork(false)
            try tab.wait(forStatus: "Offline")
            try tab.say("written offline")
            try tab.say("and more")
            try tab.wait(forRow: "and more")
            try tab.screenshot("offline")
            try tab.setNetwork(true)
            try tab.wait(forStatus: "Connected")
            try tab.wait(forMessage: "and more")
            for text in ["before", "written offline", "and more"] { #expect(try bo.skip(to: "message").said == text) }
            try bo.expectNothingElse()
            #expect(try tab.messages() == ["before", "written offline", "and more"])
        }
    }

    @Test func whoIsTakenOverIsToldAndCanContinueHere() throws {
        try Scene.play { scene in
            let tab = try scene.enter("Ada")
            let find = "Object.entries(sessionStorage).find(([key]) => key.endsWith(' session'))[1]"
            let session = try tab.string("JSON.parse(\(find))")
            let other = try TestClient(scene.server)
            try other.join("Ada", session: session)
            try tab.wait(forStatus: "Offline – this chat went on in another window")
            try tab.screenshot("taken-over")
            try tab.find("button", "Continue here").click()
            try tab.wait(forStatus: "Connected")
            #expect(try other.expectClose().code == 4001)
        }
    }

    @Test func aFullServerIsWaitedFor() throws {
        try Scene.play("--max-connections", "12") { scene in
            var (tab, isFull) = (try scene.open(), false)
            var clients: [TestClient] = []
            // The browser itself keeps some connections, on which it has fetched the page, and gives them up when it likes.
            for attempt in 0..<20 where !isFull {
                if attempt > 0 { tab = try scene.open() }
                while let client = try? TestClient(scene.server), (try? client.join("Guest \(clients.count)")) != nil {
                    clients.append(client)
                }
                try tab.find("textbox", "Username").focus()
                try tab.press("a", control: true)
                try tab.insert("Ada \(attempt)")
                try tab.press("Enter")
                try tab.wait(for: "/^Connected|the server is full/.test(\(Self.status))")
                isFull = try tab.string(Self.status).contains("full")
            }
            #expect(isFull)
            try tab.screenshot("full")
            for client in clients { try client.close(.normal) }
            try tab.find("button", "Try now").click()
            try tab.wait(forStatus: "Connected")
        }
    }

    /// A proxy that passes no upgrade on, and one that refuses it: the page asks without, once, and shows what it is told.
    @Test(arguments: [426, 403]) func whyNoSocketOpensIsShown(status: Int) throws {
        try Scene.play(lost: true) { scene in
            let tab = try scene.blank()
            try tab.prepare(
                """
                window.asked = 0;
                window.WebSocket = class extends WebSocket { constructor() { super(`ws://${location.host}/nothing`); } };
                const before = window.fetch;
                window.fetch = (address, ...rest) => {
                    if (!String(address).includes('/chat')) return before(address, ...rest);
                    asked += 1;
                    return Promise.resolve(new Response('this origin may not\\n', { status: \(status) }));
                };
                """)
            try tab.navigate(to: scene.server.url)
            try tab.find("textbox", "Username").focus()
            try tab.insert("Ada")
            try tab.press("Enter")
            let words = status == 426 ? "lets no WebSocket through" : "the server says: 403: this origin may not"
            try tab.wait(for: "\(Self.status).includes(\(quoted(words)))")
            try tab.screenshot("no-socket-\(status)")
            try tab.evaluate("new Promise((done) => setTimeout(done, 3000))")
            #expect(try tab.int("asked") == 1)
        }
    }

    @Test func whoIsTooSlowIsTold() throws {
        try Scene.play { scene in
            let tab = try scene.blank()
            try tab.prepare(
                """
                window.sockets = [];
                window.WebSocket = class extends WebSocket { constructor(...given) { super(...given); sockets.push(this); } };
                """)
            try tab.navigate(to: scene.server.url)
            try tab.join("Ada")
            // What the server does with a page that does not read for a while.
            try tab.evaluate("sockets[0].onclose({ code: 1013 })")
            try tab.wait(for: "\(Self.status).includes('this page could not keep up')")
            try tab.wait(forStatus: "Connected")
        }
    }

    @Test func whatIsTooMuchToCatchUpWithIsMarked() throws {
        let past = try PastFolder(messages: 20)
        try Scene.play("--data", past.path, "--message-rate", "0") { scene in
            let tab = try scene.enter("Ada")
            let bo = try scene.client("Bo")
            try tab.wait(forRow: "message 20")
            try tab.navigate(to: "about:blank")
            for number in 1...1200 { try bo.say("meanwhile \(number)") }
            _ = try bo.skip(to: "message", of: "Bo")
            try tab.navigate(to: scene.server.url)
            try tab.wait(forStatus: "Connected")
            try tab.wait(forRow: "meanwhile 1200")
            try tab.evaluate("document.querySelector('[role=log]').focus()")
            try tab.wait(
                for: """
                    (document.querySelector('[role=log]').scrollTop = 0)
                        || document.querySelector('.gap') || document.querySelector('.start')
                    """)
            try tab.wait(forRow: "Some of what happened before this was missed.")
        }
    }
}
