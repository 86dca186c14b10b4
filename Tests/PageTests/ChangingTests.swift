import Support
import Testing

/// The page and the server together: what is done to messages, by people who see each other.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct ChangingTests {
    @Test func whatIsDoneIsSeen_andAReloadShowsTheSame() throws {
        try Scene.play { scene in
            // Two tabs of one browser are one user: so Bo is somewhere else.
            let ada = try scene.enter("Ada")
            let bo = try scene.client("Bo", key: String(repeating: "b", count: 16))
            try ada.say("helo Bo")
            let seq = try bo.skip(to: "message").seq
            // Mended by Up in the empty field.
            try ada.find("textbox", "Message").focus()
            try ada.press("ArrowUp")
            try ada.press("a", control: true)
            try ada.insert("hello Bo")
            try ada.press("Enter")
            #expect(try bo.skip(to: "edit")["text"] == "hello Bo")
            try ada.wait(forMessage: "hello Bo (edited)")
            // Answered and nodded to.
            try bo.send(#"{"type":"message","text":"hello yourself","reply":\#(seq)}"#)
            let answer = try bo.skip(to: "message").seq
            try ada.wait(forMessage: "hello yourself")
            _ = try ada.find("button", "Ada: hello Bo")
            try bo.send(#"{"type":"react","target":\#(seq),"emoji":"🎉"}"#)
            #expect(try bo.skip(to: "react")["emoji"] == "🎉")
            try ada.find("button", "🎉 1").click()
            #expect(try bo.skip(to: "react")["username"] == "Ada")
            try ada.choose("React", fromMenuOf: "hello yourself")
            try ada.find("searchbox", "Search emoji").focus()
            try ada.insert("thumbs")
            try ada.press("Enter")
            #expect(try bo.skip(to: "react")["target"] == answer)
            // Taken back.
            try ada.say("a secret")
            #expect(try bo.skip(to: "message").said == "a secret")
            try ada.choose("Delete", fromMenuOf: "a secret")
            #expect(try bo.skip(to: "delete")["username"] == "Ada")
            try ada.wait(forRow: "This message was deleted.")
            #expect(try !ada.string("document.body.innerText").contains("a secret"))
            try ada.screenshot("changes")
            let before = try ada.messages()
            try ada.call("Page.reload")
            try ada.wait(forStatus: "Connected")
            try ada.wait(forMessage: "hello yourself")
            #expect(try ada.messages() == before)
            let mine = try ada.find("button", "🎉 2")
            #expect(try mine.bool("this.getAttribute('aria-pressed') === 'true'"))
            scene.keep(bo)
        }
    }

    @Test func whatWasSaidIsFound() throws {
        try Scene.play { scene in
            let talker = try scene.client("Talker")
            for number in 0..<20 { try talker.say("about Lunch \(number)") }
            try talker.say("something else")
            scene.keep(talker)
            let ada = try scene.enter("Ada")
            try ada.wait(forMessage: "something else")
            try ada.say("/search LUNCH 7")
            try ada.wait(for: "document.querySelectorAll('#results li').length === 1")
            #expect(try ada.string("document.querySelector('#results li').innerText").contains("about Lunch 7"))
        }
    }
}
