import Bytes
import Foundation
import Support
import Testing

/// The server is killed, or stopped, and comes back while people write: nothing is lost, doubled or out of order.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct PageRestartTests {
    @Test(arguments: [SIGKILL, SIGTERM]) func fivePagesWriteOnThroughARestart(signal: Int32) throws {
        let folder = try TemporaryFolder()
        try Scene.play("--data", folder.path, lost: true) { scene in
            let names = ["Ada", "Bo", "Cy", "Di", "Ed"]
            let tabs = try names.map { try scene.enter($0) }
            for tab in tabs { try tab.wait(forPeople: names) }
            var said: [String] = []
            func everyoneSays(_ number: Int) throws {
                for (name, tab) in zip(names, tabs) {
                    try tab.say("\(name) \(number)")
                    said.append("\(name) \(number)")
                }
            }
            try everyoneSays(1)
            try everyoneSays(2)
            try tabs[0].find("textbox", "Message").focus()
            try tabs[0].type("mid-sen")
            if signal == SIGKILL { try scene.crash() } else { try scene.server.stop(signal) }
            try tabs[0].type("tence")
            try tabs[0].wait(for: "!document.querySelector('[role=status]').textContent.startsWith('Connected')")
            #expect(try tabs[0].string("document.querySelector('#message').value") == "mid-sentence")
            try tabs[0].press("Enter")
            said.append("mid-sentence")
            try everyoneSays(3)
            try scene.restart()
            try everyoneSays(4)
            for tab in tabs {
                try tab.wait(
                    for: """
                        document.querySelectorAll('.sent, .message:not(.own)').length === 21
                            && document.querySelectorAll('.message').length === 21
                        """)
            }
            let transcripts = try tabs.map { try $0.messages() }
            for (name, transcript) in zip(names, transcripts) {
                #expect(transcript == transcripts[0], "\(name)")
                #expect(transcript.sorted() == said.sorted())
            }
            for name in names {
                // Each one's own words are in the order in which they were said.
                #expect(transcripts[0].filter { $0.hasPrefix(name) } == (1...4).map { "\(name) \($0)" })
            }
            // Nobody was gone.
            for tab in tabs {
                try tab.wait(forPeople: names)
                #expect(try tab.notices().filter { $0.contains("left") || $0.contains("back") }.isEmpty)
            }
        }
    }

    /// After a stop everyone would be back in the same moment: each takes a moment of its own within a second and a half, and
    /// where that does not help, somewhere within the second half of a time that doubles.
    @Test func nobodyComesBackInTheSameMomentAsTheOthers() throws {
        try Scene.play(lost: true) { scene in
            let chances = [0.1, 0.9]
            let tabs = try chances.map { chance in
                let tab = try scene.enter("Guest \(Int(chance * 10))")
                try tab.evaluate(
                    """
                    window.waits = [];
                    Math.random = () => \(chance);
                    const real = window.setTimeout;
                    window.setTimeout = (f, ms, ...rest) => (waits.push(Math.round(ms)), real(f, ms, ...rest));
                    """)
                return tab
            }
            #expect(try scene.server.stop() == .exited(0))
            for (chance, tab) in zip(chances, tabs) {
                try tab.wait(for: "waits.includes(\(Int(chance * 1500)))")
                for most in [1000.0, 2000] {
                    try tab.wait(for: "waits.includes(\(Int((most * (0.5 + chance / 2)).rounded())))")
                }
            }
            try scene.restart()
            for tab in tabs { try tab.wait(forPeople: ["Guest 1", "Guest 9"]) }
        }
    }

    /// The server has forgotten the session, and the name has gone to someone else: one says who one is, and goes on.
    @Test func whoseNameIsGoneChoosesAnotherAndLosesNothing() throws {
        try Scene.play(lost: true) { scene in
            let tab = try scene.enter("Ada")
            try tab.say("before")
            try tab.wait(forMessage: "before")
            try scene.crash()
            try tab.wait(forStatus: "Reconnecting")
            try tab.setNetwork(false)
            try tab.wait(forStatus: "Offline")
            try tab.say("written meanwhile")
            try scene.restart()
            let other = try scene.client("Ada")
            try tab.setNetwork(true)
            try tab.wait(for: "document.querySelector('#usernameError').textContent.includes('has this name')")
            try tab.settle()
            try tab.screenshot("name-gone")
            #expect(try tab.bool("document.activeElement.id === 'username'"))
            // What there was to read can still be read.
            #expect(try tab.messages().first == "before")
            try tab.join("Ada B")
            try tab.wait(forMessage: "written meanwhile")
            #expect(try other.skip(to: "message", of: "Ada B").said == "written meanwhile")
        }
    }

    @Test func whoJoinsWhileTheServerIsAwayIsLetInWhenItIsBack() throws {
        try Scene.play(lost: true) { scene in
            let tab = try scene.open()
            try scene.crash()
            try tab.find("textbox", "Username").focus()
            try tab.insert("Ada")
            try tab.press("Enter")
            try tab.wait(forStatus: "Reconnecting")
            _ = try tab.find("button", "Try now")
            try tab.screenshot("joining-lost")
            try scene.restart()
            try tab.wait(forStatus: "Connected")
            try tab.wait(forPeople: ["Ada"])
            #expect(try tab.bool("document.activeElement.id === 'message'"))
        }
    }

    @Test func theOutboxOutlivesAReload() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            let bo = try scene.client("Bo")
            scene.server.child.signal(SIGSTOP)
            for text in ["one", "two", "three"] { try ada.say(text) }
            try ada.wait(forRow: "three")
            // The first is under way already: its event will come to nobody, and it must not be said twice.
            try ada.evaluate("window.isOld = true")
            try ada.call("Page.reload")
            scene.server.child.signal(SIGCONT)
            try ada.wait(for: "!window.isOld && document.readyState === 'complete'")
            try ada.wait(forMessage: "three")
            for text in ["one", "two", "three"] { #expect(try bo.skip(to: "message").said == text) }
            try bo.expectNothingElse()
            #expect(try ada.messages() == ["one", "two", "three"])
        }
    }

    @Test func aServerThatDoesNotAnswerIsLeftAfterTenSeconds() throws {
        try Scene.play(lost: true) { scene in
            let ada = try scene.enter("Ada")
            scene.server.child.signal(SIGSTOP)
            try ada.say("is anyone there?")
            try ada.wait(forStatus: "Reconnecting")
            scene.server.child.signal(SIGCONT)
            try ada.wait(forStatus: "Connected")
            try ada.wait(forMessage: "is anyone there?")
            #expect(try ada.messages() == ["is anyone there?"])
        }
    }
}
