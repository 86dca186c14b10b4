import Support
import Testing

/// What the page is for: people who chat.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct ChattingTests {
    @Test func twoPagesChat() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            let bo = try scene.enter("Bo")
            try ada.wait(forRow: "Bo joined")
            #expect(try bo.find("heading", "lobby").bool("this.tagName === 'H1'"))
            try ada.say("Hello Bo!")
            try bo.wait(forMessage: "Hello Bo!")
            try bo.say("Hello Ada.\nHow are you?")
            try ada.wait(forMessage: "Hello Ada.\nHow are you?")
            #expect(try ada.messages() == bo.messages())
            #expect(try ada.messages() == ["Hello Bo!", "Hello Ada.\nHow are you?"])
            try ada.wait(forPeople: ["Ada", "Bo"])
            try ada.screenshot("two-people")
            try bo.close()
            try ada.wait(forRow: "Bo left")
            try ada.wait(forPeople: ["Ada"])
        }
    }

    @Test func whatTheyDoIsRecordedAndReplayed() throws {
        let folder = try TemporaryFolder()
        let recording = folder.path + "/recording"
        try Scene.play("--record", recording, "--ephemeral", lost: true) { scene in
            let ada = try scene.enter("Ada")
            let bo = try scene.enter("Bo")
            try ada.say("Hello Bo!")
            try bo.wait(forMessage: "Hello Bo!")
            try bo.say("/rename Bob")
            try ada.wait(forRow: "Bo is now Bob")
            try bo.close()
            try ada.wait(forRow: "Bob left")
            try scene.crash()
        }
        let replay = try Command.start(["replay", recording])
        let words = try replay.rest()
        #expect(words.contains("all of them agree") && words != "0 ticks replayed; all of them agree\n", "\(words)")
        #expect(try replay.wait() == .exited(0))
    }
}
