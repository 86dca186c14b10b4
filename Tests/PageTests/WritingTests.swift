import Support
import Testing

/// The field Message.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct WritingTests {
    private static let field = "document.querySelector('#message')"

    @Test func enterSendsAndShiftEnterBreaksTheLine() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            try ada.type("one")
            try ada.press("Enter", shift: true)
            try ada.type("two")
            #expect(try ada.string("\(Self.field).value") == "one\ntwo")
            try ada.press("Enter")
            try ada.wait(forMessage: "one\ntwo")
            #expect(try ada.string("\(Self.field).value") == "")
            try ada.insert("by button")
            try ada.find("button", "Send").click()
            try ada.wait(forMessage: "by button")
            // White space alone is nothing to say.
            try ada.find("textbox", "Message").focus()
            try ada.insert("  \n ")
            try ada.press("Enter")
            try ada.press("a", control: true)
            try ada.say("after")
            try ada.wait(forMessage: "after")
            #expect(try ada.messages() == ["one\ntwo", "by button", "after"])
        }
    }

    @Test func growsToSixLines() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            var heights: [Int] = []
            for _ in 0..<8 {
                heights.append(try ada.int("\(Self.field).clientHeight"))
                try ada.type("x\n")
            }
            #expect(heights == [44, 68, 92, 116, 140, 164, 164, 164])
            #expect(try ada.bool("\(Self.field).scrollHeight > \(Self.field).clientHeight"))
            try ada.press("Enter")
            #expect(try ada.int("\(Self.field).clientHeight") == 44)
        }
    }

    @Test func noEnterOfAnInputMethodSends() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            try ada.compose("に")
            try ada.compose("日本")
            try ada.press("Enter", processed: true)
            #expect(try ada.string("\(Self.field).value") == "日本")
            try ada.insert("日本")
            // Safari ends the composition before the key: only its code tells.
            try ada.press("Enter", processed: true)
            #expect(try ada.string("\(Self.field).value") == "日本")
            try ada.press("Enter")
            try ada.wait(forMessage: "日本")
            #expect(try ada.messages() == ["日本"])
        }
    }

    @Test func onAPhoneReturnMakesALineAndSendSends() throws {
        try Scene.play { scene in
            let tab = try scene.blank()
            try tab.becomePhone()
            try tab.prefer(["hover": "none", "pointer": "coarse"])
            try tab.navigate(to: scene.server.url)
            try tab.join("Ada")
            try tab.find("textbox", "Message").focus()
            try tab.type("one")
            try tab.press("Enter")
            try tab.type("two")
            #expect(try tab.string("\(Self.field).value") == "one\ntwo")
            try tab.find("button", "Send").click()
            try tab.wait(forMessage: "one\ntwo")
            try tab.insert("/help")
            try tab.find("button", "Send").click()
            try tab.wait(for: "document.querySelector('#note').textContent.startsWith('Return: new line')")
        }
    }

    @Test func namesAfterAnAtAndEmojiAfterAColonAreOffered() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            scene.keep(try scene.client("Bob"), try scene.client("Boris Vian"))
            try ada.wait(forPeople: ["Ada", "Bob", "Boris Vian"])
            try ada.type("hi @bo")
            let list = try ada.find("listbox", "Matching names")
            #expect(try list.text().split(separator: "\n") == ["Bob", "Boris Vian"])
            try ada.screenshot("at-list")
            try ada.press("ArrowDown")
            try ada.press("Enter")
            #expect(try ada.string("\(Self.field).value") == "hi @Boris Vian ")
            try ada.type("@vi")
            try ada.wait(for: "document.querySelector('#completions').innerText === 'Boris Vian'")
            // By touching, too; the field keeps the focus.
            try ada.find("option", "Boris Vian").click()
            #expect(try ada.string("\(Self.field).value") == "hi @Boris Vian @Boris Vian ")
            #expect(try ada.bool("document.activeElement === \(Self.field)"))
            try ada.type(":tad")
            try ada.wait(for: "document.querySelector('#completions li')?.innerText === '🎉 party popper'")
            try ada.press("Tab")
            try ada.press("Enter")
            try ada.wait(forMessage: "hi @Boris Vian @Boris Vian 🎉")
            // Nothing is offered in an address or a time.
            try ada.type("at 10:30 ")
            #expect(try ada.bool("document.querySelector('#completions').hidden"))
        }
    }

    @Test func theEmojiPickerPutsInWhatIsChosen() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            try ada.insert("so ")
            try ada.find("button", "Emoji").click()
            try ada.wait(for: "document.querySelectorAll('#emojiGrid button').length > 1000")
            try ada.screenshot("picker")
            try ada.find("searchbox", "Search emoji").focus()
            try ada.insert("rocket")
            try ada.find("button", "rocket").click()
            #expect(try ada.string("\(Self.field).value") == "so 🚀")
            try ada.press("Enter")
            try ada.wait(forMessage: "so 🚀")
            // What one uses stands first the next time.
            try ada.find("button", "Emoji").click()
            try ada.wait(for: "document.querySelector('#emojiGrid button')?.textContent === '🚀'")
        }
    }

    @Test func aClockThatIsSetBackHoldsNothingUp() throws {
        try Scene.play("--message-rate", "5") { scene in
            let ada = try scene.enter("Ada")
            let bo = try scene.client("Bo")
            try ada.type("a")
            _ = try bo.skip(to: "typing", of: "Ada")
            for number in 1...17 { try ada.say("line \(number)") }
            try ada.evaluate("(() => { const { now } = Date; Date.now = () => now() - 3_600_000; })()")
            try ada.wait(forMessage: "line 17")
            try ada.evaluate("new Promise((done) => setTimeout(done, 3000))")
            try ada.type("b")
            _ = try bo.skip(to: "typing", of: "Ada")
        }
    }

    @Test func eachRoomKeepsItsDraft() throws {
        try Scene.play { scene in
            let tab = try scene.enter("Ada")
            try tab.insert("for the lobby")
            try tab.navigate(to: scene.url(ofRoom: "garden"))
            try tab.join("Ada")
            #expect(try tab.string("\(Self.field).value") == "")
            try tab.insert("for the garden")
            try tab.reload()
            try tab.wait(forStatus: "Connected")
            #expect(try tab.string("\(Self.field).value") == "for the garden")
            try tab.navigate(to: scene.url(ofRoom: "lobby"))
            try tab.wait(forStatus: "Connected")
            #expect(try tab.string("\(Self.field).value") == "for the lobby")
        }
    }

    @Test func theCountShowsNearTheLimit() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            let count = "document.querySelector('#count').textContent"
            try ada.insert(String(repeating: "😀", count: 3700))
            #expect(try ada.string(count) == "")
            try ada.insert(String(repeating: "😀", count: 299))
            #expect(try ada.string(count) == "1 left")
            #expect(try ada.find("textbox", "Message").description.contains("1 left"))
            try ada.insert("aa")
            #expect(try ada.string(count) == "1 too many")
            try ada.press("Enter")
            try ada.wait(for: "document.querySelector('#note').textContent.includes('4,000')")
            #expect(try ada.string(count) == "1 too many")
            try ada.screenshot("too-long")
            try ada.press("Backspace")
            try ada.press("Enter")
            try ada.wait(forRow: "😀a")
            #expect(try ada.int("document.querySelectorAll('.message').length") == 1)
        }
    }

    @Test func upBringsBackWhatWasSaid() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            try ada.say("said before")
            try ada.wait(forMessage: "said before")
            try ada.press("ArrowUp")
            #expect(try ada.string("\(Self.field).value") == "said before")
            try ada.insert(" and edited")
            try ada.press("ArrowUp")
            #expect(try ada.string("\(Self.field).value") == "said before and edited")
        }
    }

    @Test func theEmptyFieldTellsOfHelp() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            #expect(try ada.find("textbox", "Message").bool("this.placeholder.includes('/help')"))
        }
    }

    @Test func commandsAreObeyed() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            let bo = try scene.client("Bo")
            let note = "document.querySelector('#note').innerText"
            try ada.say("/who")
            try ada.wait(for: "\(note).includes('Here: Ada and Bo')")
            try ada.say("/help")
            try ada.wait(for: "\(note).includes('/rename')")
            try ada.screenshot("help")
            try ada.press("Escape")
            try ada.wait(for: "\(note) === ''")
            try ada.say("/rename Ada Lovelace")
            try ada.wait(forRow: "Ada is now Ada Lovelace")
            try ada.wait(forPeople: ["Ada Lovelace", "Bo"])
            _ = try bo.skip(to: "rename")
            try ada.say("/rename Bo")
            try ada.wait(for: "\(note).includes('has this name')")
            // What was typed can be mended, and is not in the way of what is typed meanwhile.
            #expect(try ada.string("\(Self.field).value") == "/rename Bo")
            // What is no command is left in the field, with a word of help, and is said to nobody.
            try ada.say("/nonsense")
            try ada.wait(for: "\(note).includes('/rename') && \(Self.field).value === '/nonsense'")
            try ada.press("a", control: true)
            try ada.insert("//path/of")
            try ada.press("Enter")
            try ada.wait(forMessage: "/path/of")
            #expect(try ada.messages() == ["/path/of"])
            // The name is kept through a reload.
            try ada.reload()
            try ada.wait(forPeople: ["Ada Lovelace", "Bo"])
        }
    }

    @Test func tabCompletesNames() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            let others = [try scene.client("Bob"), try scene.client("Boris")]
            try ada.wait(forPeople: ["Ada", "Bob", "Boris"])
            try ada.type("bo")
            try ada.press("Tab")
            try ada.wait(for: "\(Self.field).value === 'Bob: '")
            try ada.press("Tab")
            #expect(try ada.string("\(Self.field).value") == "Boris: ")
            try ada.type("hi @bob")
            try ada.press("Tab")
            #expect(try ada.string("\(Self.field).value") == "Boris: hi @Bob ")
            #expect(try ada.bool("document.activeElement === \(Self.field)"))
            // With nothing to complete, Tab goes on to the next, as it always does.
            try ada.press("Tab")
            #expect(try ada.bool("document.activeElement !== \(Self.field)"))
            _ = others
        }
    }
}
