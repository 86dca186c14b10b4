import Support
import Testing

/// Search, other rooms, and what a hidden page asks for.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct FindingTests {
    @Test func whatWasSaidIsFoundAndLedTo() throws {
        try Scene.play { scene in
            let tab = try scene.enterScripted(
                "server.older = Array.from({ length: 400 }, (_, n) => server.message(n + 1, n % 100 === 50 ? `a needle ${n}` : `straw ${n}`)); server.seq = 401; server.past = server.older.slice(-50);"
            )
            try tab.find("searchbox", "Search messages").focus()
            try tab.insert("needle")
            try tab.press("Enter")
            let results = try tab.find("list", "Results")
            try tab.wait(for: "document.querySelectorAll('#results li').length === 4")
            #expect(try results.text().contains("a needle 350"))
            try tab.wait(for: "document.querySelector('#searchState').textContent === '4 messages'")
            try tab.screenshot("results")
            // The newest comes first.
            #expect(try tab.string("document.querySelector('.result span:last-child').textContent") == "a needle 350")
            try tab.evaluate("[...document.querySelectorAll('.result')][2].click()")
            try tab.wait(for: "document.querySelector('.visited .text')?.textContent === 'a needle 150'")
            #expect(try tab.messages().contains("straw 149"))
            try tab.say("/search nothing like it")
            try tab.wait(for: "document.querySelector('#searchState').textContent === 'Nothing found.'")
        }
    }

    @Test func otherRoomsShowThatThereIsSomethingNew() throws {
        try Scene.play { scene in
            let garden = try scene.enterScripted("server.seq = 40", at: "r/garden")
            try garden.evaluate("server.event('message', { text: 'seen there' })")
            try garden.wait(forMessage: "seen there")
            let tab = try scene.enterScripted()
            try tab.wait(for: "server.of('watch').length === 1")
            #expect(try tab.strings("server.of('watch')[0].rooms") == ["garden"])
            // What one has seen there is nothing new.
            try tab.evaluate("server.say({ type: 'unread', room: 'garden', seq: 42 })")
            #expect(try tab.bool("document.querySelector('#newElsewhere').hidden"))
            try tab.evaluate("server.say({ type: 'unread', room: 'garden', seq: 43 })")
            try tab.wait(for: "!document.querySelector('#newElsewhere').hidden")
            _ = try tab.find("button", "Rooms (unread)")
            try tab.openRooms()
            #expect(try tab.find("list", "Rooms").text().contains("unread"))
            try tab.screenshot("unread-elsewhere")
        }
    }

    @Test func aHiddenPageAsksForASlowerPace() throws {
        try Scene.play { scene in
            let tab = try scene.enterScripted()
            try tab.setVisible(false)
            try tab.setVisible(true)
            #expect(try tab.sent("pace", "slow") == ["false", "true", "false"])
        }
    }

    /// An older server says that it does not know this; it is asked once, and nothing else suffers.
    @Test func whatAServerDoesNotKnowIsNotAskedAgain() throws {
        try Scene.play { scene in
            let tab = try scene.enterScripted("server.refuses.pace = server.refuses.watch = 'unknown_type'")
            for _ in 0..<3 {
                try tab.setVisible(false)
                try tab.setVisible(true)
            }
            #expect(try tab.int("server.of('pace').length") <= 2)
            #expect(try tab.string("document.querySelector('#note').textContent") == "")
            try tab.say("hello")
            try tab.wait(forMessage: "hello")
        }
    }
}
