import Foundation
import Support
import Testing

/// How messages look to who reads them.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct ReadingTests {
    @Test func rowsOfOneAuthorWithinFiveMinutesAreGrouped() throws {
        // At yesterday's noon, so that no midnight comes in between.
        let noon = Date().timeIntervalSince(Calendar.current.startOfDay(for: Date())) / 60 + 720
        let past = try PastFolder([
            .said("Ada", "one", minutesAgo: noon), .said("Ada", "two", minutesAgo: noon - 2),
            .said("Ada", "three", minutesAgo: noon - 6), .said("Bo", "four", minutesAgo: noon - 6.1),
            .said("Bo", "five", minutesAgo: noon - 6.2),
        ])
        try Scene.play("--data", past.path) { scene in
            let tab = try scene.enter("Cy")
            try tab.wait(forRow: "five")
            let heads = try tab.strings(
                """
                [...document.querySelectorAll('.message')].filter((row) => row.querySelector('.head').clientHeight > 9)
                    .map((row) => row.querySelector('.text').textContent)
                """)
            #expect(heads == ["one", "three", "four"])
        }
    }

    @Test func ownRowsAreToldApartByMoreThanColour() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            let bo = try scene.client("Bo")
            try bo.say("from Bo")
            try ada.wait(forMessage: "from Bo")
            try ada.say("from me")
            try ada.wait(forMessage: "from me")
            let rows = try ada.all("listitem").map { try $0.text() }
            #expect(try #require(rows.first { $0.contains("from me") }).contains("you"))
            #expect(try !#require(rows.first { $0.contains("from Bo") }).contains("you"))
        }
    }

    @Test func daysAreSeparatedAndTimesAreLocal() throws {
        let past = try PastFolder([
            .said("Ada", "last week", minutesAgo: 7 * 24 * 60), .said("Ada", "yesterday", minutesAgo: 24 * 60),
            .said("Ada", "today", minutesAgo: 0),
        ])
        try Scene.play("--data", past.path) { scene in
            let tab = try scene.blank()
            try tab.call("Emulation.setTimezoneOverride", ["timezoneId": "Asia/Kathmandu"])
            try tab.navigate(to: scene.server.url)
            try tab.join("Cy")
            try tab.wait(forRow: "today")
            let days = try tab.strings("[...document.querySelectorAll('.day')].map((day) => day.textContent)")
            let formatter = DateFormatter()
            formatter.locale = Locale(identifier: "en_US")
            formatter.timeZone = TimeZone(identifier: "Asia/Kathmandu")
            formatter.dateStyle = .full
            formatter.timeStyle = .none
            #expect(days == [7.0, 1, 0].map { formatter.string(from: Date(timeIntervalSinceNow: -$0 * 86400)) })
            let time = try tab.strings(
                "[...document.querySelectorAll('.message time')].slice(0, 1).flatMap((one) => [one.dateTime, one.textContent])"
            )
            let instant = try #require(ISO8601DateFormatter.withFractions.date(from: time[0]))
            #expect(abs(instant.timeIntervalSinceNow + 7 * 86400) < 60)
            formatter.dateFormat = "h:mm"
            #expect(time[1].hasPrefix(formatter.string(from: instant)))
        }
    }

    /// For a thousand names, on every ground that a name stands on.
    @Test(arguments: ["light", "dark"]) func namesHaveTheirOwnReadableColour(scheme: String) throws {
        try Scene.play { scene in
            let tab = try scene.blank()
            try tab.prefer(["prefers-color-scheme": scheme])
            try tab.navigate(to: scene.server.url)
            try tab.join("Ada")
            try tab.say("mine")
            try tab.wait(forMessage: "mine")
            let worst = try tab.double(
                """
                (async () => {
                    const { hueOf } = await import('./people.js');
                    window.hue = (username) => hueOf({ username });
                    const canvas = new OffscreenCanvas(1, 1).getContext('2d', { willReadFrequently: true });
                    const luminance = (colour) => {
                        canvas.fillStyle = colour;
                        canvas.fillRect(0, 0, 1, 1);
                        const parts = [...canvas.getImageData(0, 0, 1, 1).data].slice(0, 3).map((part) => part / 255)
                            .map((part) => (part <= 0.04045 ? part / 12.92 : ((part + 0.055) / 1.055) ** 2.4));
                        return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2];
                    };
                    const name = document.querySelector('.name');
                    const style = getComputedStyle(document.documentElement);
                    const grounds = ['--paper', '--own', '--called'].map((key) => luminance(style.getPropertyValue(key)));
                    let worst = 21;
                    for (let number = 0; number < 1000; number += 1) {
                        name.style.setProperty('--hue', hue('name ' + number));
                        const own = luminance(getComputedStyle(name).color);
                        for (const ground of grounds) {
                            const [dark, light] = [own, ground].sort((a, b) => a - b);
                            worst = Math.min(worst, (light + 0.05) / (dark + 0.05));
                        }
                    }
                    return worst;
                })()
                """)
            #expect(worst >= 4.5)
            #expect(try tab.bool("hue('Ada') === hue('Ada') && hue('Ada') !== hue('Adb')"))
        }
    }

    @Test func textStaysAsItWasWritten() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            let bo = try scene.client("Bo")
            let long = String(repeating: "unbroken", count: 60)
            for text in ["two\nlines", long, "שלום world", "  indented\n\n\nfar below"] { try bo.say(text) }
            try ada.wait(forMessage: "  indented\n\n\nfar below")
            #expect(try ada.messages() == ["two\nlines", long, "שלום world", "  indented\n\n\nfar below"])
            let texts = "[...document.querySelectorAll('.message .text')]"
            #expect(try ada.int("\(texts)[0].clientHeight") == 48)
            #expect(
                try ada.bool("\(texts).every((text) => text.dir === 'auto' && text.scrollWidth <= text.clientWidth)"))
            #expect(try ada.string("getComputedStyle(\(texts)[2]).direction") == "rtl")
            #expect(try ada.bool("document.documentElement.scrollWidth <= innerWidth"))
        }
    }

    @Test func addressesBecomeLinks() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            let bo = try scene.client("Bo")
            try bo.say(
                """
                See https://example.org/a_(b)?c=d#e, (http://example.org/x) and HTTPS://EXAMPLE.ORG. Also www.example.org, \
                example.org/x_y. Not javascript:alert(1), ftp://example.org, data:text/html,x, me@example.org/x or example.org.
                """)
            try ada.wait(forRow: "See")
            let links = try ada.strings("[...document.querySelectorAll('.text a')].map((link) => link.href)")
            #expect(
                links == [
                    "https://example.org/a_(b)?c=d#e", "http://example.org/x", "https://example.org/",
                    "https://www.example.org/",
                    "https://example.org/x_y",
                ])
            #expect(
                try ada.bool(
                    "[...document.querySelectorAll('.text a')].every((a) => a.target === '_blank' && a.rel.includes('noopener'))"
                ))
            // Within a text from right to left, an address keeps its order.
            #expect(
                try ada.bool(
                    "[...document.querySelectorAll('.text a')].every((a) => getComputedStyle(a).direction === 'ltr')"))
        }
    }

    @Test func marksAreShownAsSuch() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            let bo = try scene.client("Bo")
            try bo.say("*bold* _italic_ ~struck~ *both _at once_* `*no*` 2*3*4 snake_case_name * no * ~/tmp and ~/x")
            try bo.say("> quoted\n> twice\nsaid\n- one\n- *two*\n1. first\n2. second\n- alone")
            try ada.wait(forRow: "alone")
            let marks = "[...document.querySelectorAll('.text strong, .text em, .text s, .text code')]"
            let found = try ada.strings("\(marks).map((mark) => mark.localName + ' ' + mark.textContent)")
            #expect(
                found == [
                    "strong bold", "em italic", "s struck", "strong both at once", "em at once", "code *no*",
                    "strong two",
                ])
            let blocks = try ada.strings(
                "[...document.querySelectorAll('.text blockquote, .text li')].map((one) => one.textContent)")
            #expect(blocks == ["quoted\ntwice", "one", "two", "first", "second"])
            #expect(try ada.messages()[0].hasSuffix("2*3*4 snake_case_name * no * ~/tmp and ~/x"))
            try ada.screenshot("marks")
        }
    }

    @Test func aLongMessageFoldsAndOpens() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            let bo = try scene.client("Bo")
            try bo.say((1...1000).map { "\($0)" }.joined(separator: "\n"))
            try bo.say(String(repeating: "word ", count: 790))
            try bo.say((1...20).map { "\($0)" }.joined(separator: "\n"))
            try ada.wait(for: "document.querySelectorAll('.text').length === 3")
            let heights = "[...document.querySelectorAll('.text')].map((text) => text.clientHeight)"
            #expect(try ada.bool("\(heights)[0] < 400 && \(heights)[1] < 400"))
            #expect(try ada.int("document.querySelectorAll('.fold').length") == 2)
            let button = try ada.find("button", "Show all")
            try button.click()
            #expect(try ada.bool("\(heights)[0] > 10000"))
            try ada.find("button", "Show less").click()
            #expect(try ada.bool("\(heights)[0] < 400"))
        }
    }

    /// The time of a row without a head shows where one points.
    @Test func groupedRowsShowTheirTimeOnHoverAndFocus() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            let bo = try scene.client("Bo")
            try bo.say("one")
            try bo.say("two")
            try ada.wait(forMessage: "two")
            let seen = "getComputedStyle(document.querySelector('.under time')).opacity"
            #expect(try ada.string(seen) == "0")
            try ada.evaluate("document.querySelector('.under .actions').focus()")
            #expect(try ada.string(seen) == "1")
        }
    }

    @Test func codeAndEmojiAreShownAsSuch() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            let bo = try scene.client("Bo")
            try bo.say("try `let x = <b>1</b>` and\n```swift\nfunc f() {\n\t`x` https://example.org\n}\n```\ndone")
            for text in ["👍", "👩‍👩‍👧‍👦 🇩🇪 ❤️", "👍👍👍👍", "123", "hi 👍"] { try bo.say(text) }
            try ada.wait(forMessage: "hi 👍")
            let code = try ada.strings("[...document.querySelectorAll('.text code')].map((code) => code.textContent)")
            #expect(code == ["let x = <b>1</b>", "func f() {\n\t`x` https://example.org\n}"])
            #expect(try ada.int("document.querySelectorAll('.text pre').length") == 1)
            #expect(try ada.int("document.querySelectorAll('.text a, .text b').length") == 0)
            let large = try ada.strings("[...document.querySelectorAll('.large')].map((text) => text.textContent)")
            #expect(large == ["👍", "👩‍👩‍👧‍👦 🇩🇪 ❤️"])
            try ada.screenshot("code-and-emoji")
        }
    }
}

extension ISO8601DateFormatter {
    fileprivate static var withFractions: ISO8601DateFormatter {
        let formatter = ISO8601DateFormatter()
        formatter.formatOptions.insert(.withFractionalSeconds)
        return formatter
    }
}
