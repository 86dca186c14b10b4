import Support
import Testing

/// Where the reader is stays where it is, unless that is the end.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct ScrollingTests {
    private static let log = "document.querySelector('[role=log]')"
    private static let below = "(\(log).scrollHeight - \(log).scrollTop - \(log).clientHeight)"
    /// The place of the first message in view, to the pixel.
    private static let place = """
        (() => {
            const { top } = \(log).getBoundingClientRect();
            const row = [...\(log).querySelectorAll('.message')].find((one) => one.getBoundingClientRect().bottom > top);
            return row.querySelector('.text').textContent + ' at ' + (row.getBoundingClientRect().top - top).toFixed(1);
        })()
        """

    @Test func followsAtTheEndAndStaysPutElsewhere() throws {
        let past = try PastFolder(messages: 80)
        try Scene.play("--data", past.path, "--message-rate", "0") { scene in
            let tab = try scene.enter("Cy")
            let bo = try scene.client("Bo")
            try tab.wait(forRow: "message 80")
            try bo.say("one more\nof two lines")
            try tab.wait(forMessage: "one more\nof two lines")
            try tab.wait(for: "\(Self.below) <= 1")
            // Within 100 px of the end it follows still.
            // Only while one is going up there, it does not: the button comes, and goes again.
            try tab.evaluate(
                """
                new Promise((done) => {
                    const button = document.querySelector('#unread');
                    new MutationObserver(() => button.hidden && done(true)).observe(button, { attributes: true });
                    \(Self.log).scrollTop -= 60;
                })
                """)
            try tab.wait(for: "\(Self.below) > 50")
            try bo.say("another")
            try tab.wait(forMessage: "another")
            try tab.wait(for: "\(Self.below) <= 1")

            try tab.evaluate("\(Self.log).scrollTop -= 500")
            try tab.wait(for: "!document.querySelector('#unread').hidden")
            let before = try tab.string(Self.place)
            for number in 1...5 { try bo.say("unread \(number)") }
            let button = try tab.find("button", "New messages (5)")
            #expect(try tab.string(Self.place) == before)
            try tab.screenshot("new-messages")
            try button.click()
            try tab.settle()
            // The line stands at the top or the end is reached, and the first unread row is right below it.
            let next = "document.querySelector('.unread').nextSibling.querySelector('.text').textContent"
            #expect(try tab.string(next) == "unread 1")
            try tab.wait(for: "document.querySelector('#unread').hidden")
            #expect(try tab.all("button").filter { $0.name.hasPrefix("New messages") }.isEmpty)
        }
    }

    @Test func theEndIsKeptWhileALongerDraftIsWritten() throws {
        let past = try PastFolder(messages: 80)
        try Scene.play("--data", past.path) { scene in
            let tab = try scene.enter("Cy")
            try tab.wait(forRow: "message 80")
            try tab.wait(for: "\(Self.below) <= 1")
            for _ in 1...7 {
                try tab.type("a line\n")
                try tab.settle()
                #expect(try tab.double(Self.below) <= 1)
            }
            for _ in 1...7 {
                for _ in "a line\n" { try tab.press("Backspace") }
                try tab.settle()
                #expect(try tab.double(Self.below) <= 1)
            }
            // Who reads further up is not moved either, not even where the log is longer for a moment.
            try tab.evaluate("\(Self.log).scrollTop -= 110")
            try tab.wait(for: "!document.querySelector('#unread').hidden")
            let before = try tab.string(Self.place)
            try tab.type("a\nb\nc\nd\ne\nf\ng")
            try tab.settle()
            #expect(try tab.string(Self.place) == before)
        }
    }

    @Test func theWayToTheUnreadPutsTheirLineAtTheTop() throws {
        let past = try PastFolder(messages: 80)
        try Scene.play("--data", past.path, "--message-rate", "0") { scene in
            let (tab, bo) = (try scene.enter("Cy"), try scene.client("Bo"))
            try tab.wait(forRow: "message 80")
            try tab.evaluate("\(Self.log).scrollTop -= 500")
            try tab.wait(for: "!document.querySelector('#unread').hidden")
            for number in 1...40 { try bo.say("unread \(number)") }
            try tab.find("button", "New messages (40)").click()
            try tab.settle()
            let top = "getBoundingClientRect().top"
            #expect(try tab.double("Math.abs(document.querySelector('.unread').\(top) - \(Self.log).\(top))") <= 1)
        }
    }

    @Test func ownWordsAreAlwaysShown() throws {
        let past = try PastFolder(messages: 80)
        try Scene.play("--data", past.path) { scene in
            let tab = try scene.enter("Cy")
            try tab.wait(forRow: "message 80")
            try tab.evaluate("\(Self.log).scrollTop -= 800")
            try tab.wait(for: "!document.querySelector('#unread').hidden")
            try tab.say("mine")
            try tab.wait(forMessage: "mine")
            try tab.wait(for: "\(Self.below) <= 1")
        }
    }

    @Test func olderHistoryLoadsWithTheViewHeldStill() throws {
        let past = try PastFolder(messages: 450)
        try Scene.play("--data", past.path) { scene in
            let tab = try scene.enter("Cy")
            try tab.wait(forRow: "message 450")
            #expect(try tab.messages().first == "message 351")
            try tab.evaluate(
                """
                window.places = [];
                (function watch() {
                    places.push(\(Self.place));
                    requestAnimationFrame(watch);
                })();
                """)
            try tab.evaluate("\(Self.log).scrollTop = 300")
            try tab.wait(for: "document.querySelector('.message .text').textContent === 'message 251'")
            try tab.settle()
            // Once it was scrolled, nothing moved any more, whatever came in above.
            let places = try tab.strings("[...new Set(places)]")
            #expect(places.count == 2, "\(places)")
            for top in ["151", "51", "1"] {
                try tab.evaluate("\(Self.log).scrollTop = 0")
                try tab.wait(for: "document.querySelector('.message .text').textContent === 'message \(top)'")
            }
            try tab.wait(for: "document.querySelector('.start').textContent.includes('begins')")
            let all = try tab.messages()
            #expect(
                all.first == "message 1" && all == all.sorted { $0.compare($1, options: .numeric) == .orderedAscending }
            )
        }
    }

    /// The first row gets older ones of its author before it: its name goes, and its text stays.
    @Test func theTextStaysWhereItIsWhenItsNameGoes() throws {
        let past = try PastFolder(messages: 450)
        try Scene.play("--data", past.path) { scene in
            let tab = try scene.enter("Cy")
            try tab.wait(forRow: "message 450")
            try tab.evaluate(
                """
                window.text = document.querySelector('.message .text');
                window.tops = [];
                \(Self.log).scrollTop = 0;
                (function watch() {
                    tops.push(text.getBoundingClientRect().top);
                    requestAnimationFrame(watch);
                })();
                """)
            try tab.wait(for: "document.querySelector('.message .text').textContent === 'message 251'")
            try tab.settle()
            #expect(try tab.bool("text.textContent === 'message 351' && text.parentNode.matches('.under')"))
            let tops = try tab.evaluate("[...new Set(tops)]") as? [Double] ?? []
            #expect(tops.count == 1, "\(tops)")
        }
    }

    @Test func thousandsOfMessagesAreAWindowOfRows() throws {
        let past = try PastFolder(messages: 3_000)
        try Scene.play("--data", past.path) { scene in
            let tab = try scene.enter("Cy")
            try tab.wait(forRow: "message 3000")
            // All the way up, as fast as it comes.
            try tab.wait(
                for: """
                    (() => {
                        if (\(Self.log).scrollTop) \(Self.log).scrollTop = 0;
                        return document.querySelector('.message .text').textContent === 'message 1';
                    })()
                    """, within: 120)
            #expect(try tab.int("\(Self.log).querySelectorAll('li').length") < 1000)
            // And back to the end at once, and up again: that costs what the window costs, however much there is besides.
            _ = try tab.processorTime()
            let before = try tab.processorTime()
            for _ in 0..<4 {
                try tab.find("button", "To the end").click()
                try tab.wait(forRow: "message 3000")
                try tab.wait(for: "\(Self.below) <= 1")
                #expect(try tab.int("\(Self.log).querySelectorAll('li').length") < 1000)
                try tab.evaluate("\(Self.log).scrollTop = 0")
                try tab.wait(for: "!document.querySelector('#unread').hidden")
            }
            let each = (try tab.processorTime() - before) / 8
            #expect(each < 0.2)
        }
    }
}
