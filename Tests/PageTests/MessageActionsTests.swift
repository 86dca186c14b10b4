import Support
import Testing

/// Messages that live: replies, edits, deletions, reactions.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct MessageActionsTests {
    private static let past = """
        server.past = [server.message(1, 'the oldest'), server.message(2, 'a question'), { ...server.message(3, 'mine'), username: 'Ada', user: server.me },
            server.message(4, 'edited', { edited: Date.now() }), { ...server.message(5), text: undefined, deleted: true },
            server.message(6, 'liked', { reactions: { '👍': { count: 2, names: ['Bo', 'Ada'], users: ['user-of-bo', server.me], mine: true } } }),
            server.message(7, 'an answer', { reply: 2 })];
        """

    @Test func theMenuOffersWhatIsAllowed() throws {
        try Scene.play { scene in
            let tab = try scene.enterScripted(Self.past)
            try tab.openMenu(of: "a question")
            #expect(try tab.menu() == ["Reply", "React", "Copy text", "Copy link"])
            #expect(try tab.find("menu", "Message actions").bool("this.contains(document.activeElement)"))
            // Arrows go round, letters jump, Escape gives the focus back.
            try tab.press("ArrowUp")
            #expect(try tab.string("document.activeElement.textContent") == "Copy link")
            try tab.press("Escape")
            #expect(
                try tab.bool("document.activeElement.matches('.actions') && !document.querySelector('[role=menu]')"))
            try tab.openMenu(of: "mine")
            #expect(try tab.menu() == ["Reply", "React", "Edit", "Delete", "Copy text", "Copy link"])
            try tab.press("Escape")
            // One that is deleted has no actions.
            #expect(try tab.bool("document.querySelector('.deleted > .actions').hidden"))
            #expect(try tab.messages().contains("This message was deleted."))
            #expect(try tab.messages().contains("edited (edited)"))
        }
    }

    /// On a phone there is no pointing at a message: a finger that stays opens its menu, one that moves scrolls.
    @Test func aLongPressOpensTheMenu() throws {
        try Scene.play { scene in
            let tab = try scene.openScripted(Self.past)
            try tab.becomePhone()
            try tab.join("Ada")
            try tab.wait(forMessage: "an answer")
            let box =
                "[...document.querySelectorAll('.text')].find((text) => text.textContent === 'a question').getBoundingClientRect()"
            let (x, y) = (try tab.double("\(box).left + 20"), try tab.double("\(box).top + 10"))
            func touch(_ type: String, _ points: [(Double, Double)]) throws {
                try tab.call(
                    "Input.dispatchTouchEvent", ["type": type, "touchPoints": points.map { ["x": $0.0, "y": $0.1] }])
            }
            // Whoever came in by touching has touched the page before.
            try touch("touchStart", [(5, 5)])
            try touch("touchEnd", [])
            try tab.wait(for: "document.querySelector('.actions[tabindex=\"0\"]')")
            try touch("touchStart", [(x, y)])
            try touch("touchMove", [(x, y + 40)])
            try tab.evaluate("new Promise((done) => setTimeout(done, 700))")
            try touch("touchEnd", [])
            #expect(try tab.bool("!document.querySelector('[role=menu]')"))
            try touch("touchStart", [(x, y)])
            try tab.wait(for: "document.querySelector('[role=menu]')")
            try touch("touchEnd", [])
            try tab.screenshot("long-press")
            #expect(try tab.menu().first == "Reply")
            // The row shows its time.
            #expect(try tab.bool("document.querySelector('.touched .text').textContent === 'a question'"))
        }
    }

    @Test func hostsDeleteWhatOthersSaid() throws {
        try Scene.play { scene in
            let tab = try scene.enterScripted("\(Self.past); server.role = 'host'")
            try tab.openMenu(of: "a question")
            #expect(try tab.menu() == ["Reply", "React", "Delete", "Copy text", "Copy link"])
            try tab.find("menuitem", "Delete").click()
            try tab.wait(for: "server.of('delete').length === 1")
            #expect(try tab.sent("delete", "target") == ["2"])
            try tab.wait(forRow: "This message was deleted by Ada.")
            #expect(try !tab.string("document.body.innerText").contains("a question"))
        }
    }

    @Test func aReplyQuotesAndLeadsToWhatItAnswers() throws {
        try Scene.play { scene in
            let tab = try scene.enterScripted(Self.past)
            try tab.choose("Reply", fromMenuOf: "the oldest")
            #expect(try tab.bool("document.activeElement.id === 'message'"))
            #expect(try tab.string("document.querySelector('#context').innerText").contains("Reply to Bo: the oldest"))
            try tab.say("so be it")
            try tab.wait(forMessage: "so be it")
            #expect(try tab.sent("message", "reply") == ["1"])
            #expect(try tab.bool("document.querySelector('#context').hidden"))
            let quotes = try tab.strings("[...document.querySelectorAll('.quote')].map((quote) => quote.textContent)")
            #expect(quotes == ["Bo: a question", "Bo: the oldest"])
            try tab.find("button", "Bo: the oldest").click()
            try tab.wait(for: "document.querySelector('.visited .text')?.textContent === 'the oldest'")
            #expect(try tab.bool("document.activeElement.matches('.visited')"))
        }
    }

    @Test func ownMessagesAreEditedByMenuByUpAndByKey() throws {
        try Scene.play { scene in
            let tab = try scene.enterScripted(Self.past)
            try tab.find("textbox", "Message").focus()
            try tab.insert("a draft")
            try tab.choose("Edit", fromMenuOf: "mine")
            let field = "document.querySelector('#message').value"
            #expect(try tab.string(field) == "mine")
            try tab.press("a", control: true)
            try tab.insert("mine, mended")
            try tab.press("Enter")
            try tab.wait(forMessage: "mine, mended (edited)")
            #expect(try tab.sent("edit", "target") == ["3"])
            // What was being written comes back.
            #expect(try tab.string(field) == "a draft")
            try tab.press("a", control: true)
            try tab.press("Backspace")
            try tab.press("ArrowUp")
            #expect(try tab.string(field) == "mine, mended")
            try tab.press("Escape")
            #expect(try tab.string(field) == "")
            // In the log, arrows go from message to message; E edits, R replies.
            try tab.evaluate("[...document.querySelectorAll('.message > .actions')][2].focus()")
            try tab.type("e")
            #expect(try tab.string(field) == "mine, mended")
            try tab.press("Escape")
            try tab.evaluate("[...document.querySelectorAll('.message > .actions')][2].focus()")
            try tab.press("ArrowUp")
            try tab.type("r")
            try tab.wait(for: "document.querySelector('#context').innerText.includes('a question')")
            #expect(try tab.string(field) == "")
        }
    }

    @Test func reactionsAreShownAddedAndTakenBack() throws {
        try Scene.play { scene in
            let tab = try scene.enterScripted(Self.past)
            let thumb = try tab.find("button", "👍 2")
            #expect(try thumb.bool("this.getAttribute('aria-pressed') === 'true'"))
            try thumb.click()
            let back = try tab.find("button", "👍 1")
            #expect(try back.bool("this.getAttribute('aria-pressed') === 'false'"))
            #expect(try tab.sent("react", "on") == ["false"])
            try tab.evaluate("server.event('react', { target: 6, emoji: '🎉', on: true })")
            _ = try tab.find("button", "🎉 1")
            // The same again changes nothing.
            try tab.evaluate("server.event('react', { target: 6, emoji: '🎉', on: true })")
            try tab.evaluate("server.event('react', { target: 6, emoji: '👍', on: false })")
            try tab.wait(
                for: "![...document.querySelectorAll('.reaction')].some((one) => one.textContent.includes('👍'))")
            _ = try tab.find("button", "🎉 1")
            // By the picker: the frequent ones at once, all others by their names.
            try tab.choose("React", fromMenuOf: "the oldest")
            try tab.find("searchbox", "Search emoji").focus()
            try tab.insert("tada")
            try tab.wait(for: "document.querySelector('#emojiGrid button')?.textContent === '🎉'")
            try tab.press("Enter")
            try tab.wait(for: "document.querySelectorAll('.reaction').length === 2")
            #expect(try tab.sent("react", "target") == ["6", "1"])
        }
    }

    @Test func whatOthersDoIsSeenAndOnlyWhatConcernsMeIsAnnounced() throws {
        try Scene.play { scene in
            let tab = try scene.enterScripted(Self.past)
            try tab.evaluate(
                "window.heard = []; new MutationObserver(() => heard.push(announcer.textContent)).observe(announcer, { childList: true })"
            )
            try tab.evaluate("server.event('edit', { target: 2, text: 'another question' })")
            try tab.wait(forMessage: "another question (edited)")
            try tab.evaluate("server.event('delete', { target: 2 })")
            // A deletion beats an edit.
            try tab.evaluate("server.event('edit', { target: 2, text: 'too late' })")
            try tab.wait(for: "document.querySelectorAll('.deleted').length === 2")
            try tab.evaluate(
                "server.event('react', { target: 2, emoji: '👍' }); server.event('react', { target: 3, emoji: '👍' })")
            _ = try tab.find("button", "👍 1")
            try tab.wait(for: "heard.length > 0")
            #expect(try tab.strings("heard") == ["Bo reacted with 👍 to your message: mine"])
            #expect(
                try !tab.messages().contains {
                    $0.contains("too late") || $0.contains("question") && !$0.contains("deleted")
                })
        }
    }

    @Test func aRefusedActionSaysWhyAndIsForgotten() throws {
        try Scene.play { scene in
            let tab = try scene.enterScripted("\(Self.past); server.refuses.edit = 'too_late'")
            try tab.choose("Edit", fromMenuOf: "mine")
            try tab.insert("!")
            try tab.press("Enter")
            try tab.wait(for: "document.querySelector('#note').textContent === 'It is too old to be changed.'")
            #expect(try tab.messages().contains("mine"))
            // What comes next is not held up.
            try tab.say("next")
            try tab.wait(forMessage: "next")
        }
    }

    @Test func aResumeBringsChangesOfWhatIsShown() throws {
        try Scene.play { scene in
            let tab = try scene.enterScripted(Self.past)
            try tab.evaluate(
                """
                server.past = [...server.past, { type: 'edit', seq: 110, time: Date.now(), username: 'Bo', user: 'user-of-bo', target: 2, text: 'resumed' },
                    server.message(111, 'new', { reactions: { '👍': { count: 1, names: ['Bo'], users: ['user-of-bo'] } } }),
                    { type: 'react', seq: 112, time: Date.now(), username: 'Bo', user: 'user-of-bo', target: 111, emoji: '👍', on: true }];
                server.seq = 112;
                server.socket.onclose({ code: 1006 });
                """)
            try tab.wait(forMessage: "resumed (edited)")
            // A message that comes with the resume is as it is now already.
            _ = try tab.find("button", "👍 1")
        }
    }

    @Test func aLinkOpensAMessageOfLongAgo() throws {
        try Scene.play { scene in
            let long =
                "server.older = Array.from({ length: 900 }, (_, n) => server.message(n + 1, `message ${n + 1}`)); server.seq = 901; server.past = server.older.slice(-100);"
            let tab = try scene.enterScripted(long, at: "#m=100")
            try tab.wait(for: "document.querySelector('.visited .text')?.textContent === 'message 100'")
            #expect(try tab.messages().contains("message 99") && !tab.messages().contains("message 900"))
            // New ones come in at the end, which one goes back to.
            try tab.evaluate("server.event('message', { text: 'meanwhile' })")
            _ = try tab.find("button", "New messages (1)")
            #expect(try !tab.messages().contains("meanwhile"))
            try tab.find("button", "New messages (1)").click()
            try tab.wait(forMessage: "meanwhile")
            try tab.wait(for: "document.querySelector('#unread').hidden")
            #expect(try !tab.messages().contains("message 100"))
            // Or one reads on, until one is there again.
            try tab.evaluate("location.hash = '#m=700'")
            try tab.wait(for: "document.querySelector('.visited .text')?.textContent === 'message 700'")
            try tab.wait(
                for: """
                    (() => {
                        const log = document.querySelector('[role=log]');
                        log.scrollTop = log.scrollHeight;
                        return [...log.querySelectorAll('.text')].some((text) => text.textContent === 'meanwhile');
                    })()
                    """)
            let shown = try tab.messages()
            let numbers = shown.compactMap { Int($0.dropFirst("message ".count)) }
            #expect(numbers.count > 100 && numbers == Array((numbers.first ?? 0)...(numbers.last ?? 0)))
            // A message that is gone is not sought for ever.
            try tab.evaluate("location.hash = '#m=5000'")
            try tab.wait(for: "document.querySelector('#note').textContent === 'This message is not here any more.'")
        }
    }
}
