import Support
import Testing

/// Names and texts that try to be more than text.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct InjectionTests {
    private static let attempts = [
        "<script>window.hacked = 1</script>",
        "<img src=x onerror=hacked=1>",
        "\"><svg onload=hacked=1>",
        "' onfocus='hacked=1' autofocus='",
        "{{constructor.constructor('hacked=1')()}}",
        "${hacked=1}`",
        "javascript:hacked=1",
        "&lt;b&gt;&amp;&#60;i&#62;",
        "__proto__",
        "$& $1 \\u003cb\\u003e %3Cb%3E",
    ]

    @Test func stayText() throws {
        try Scene.play("--message-rate", "0") { scene in
            let texts =
                Self.attempts + [
                    "https://example.org/\"onmouseover=\"hacked=1", "http://a'><img src=x onerror=hacked=1>",
                    "`<img src=x onerror=hacked=1>` ```\n<script>hacked=1</script>\n```",
                    "https://javascript:hacked=1@x",
                    "]]><!--", "\u{2028}\u{2029}\u{FEFF}",
                ]
            let ada = try scene.enter("Ada")
            var villains: [TestClient] = []
            for (index, name) in Self.attempts.enumerated() {
                let villain = try scene.client(String(name.prefix(32)))
                try villain.say(texts[index])
                try villain.send(["type": "typing"])
                villains.append(villain)
            }
            for text in texts.dropFirst(Self.attempts.count) { try villains[0].say(text) }
            try villains[0].say("the end")
            try ada.wait(forMessage: "the end")
            let names = (Self.attempts.map { String($0.prefix(32)) } + ["Ada"])
            try ada.wait(for: "document.querySelectorAll('#people li').length === \(names.count)")
            let listed = try ada.strings(
                "[...document.querySelectorAll('#people bdi')].map((name) => name.textContent)")
            #expect(Set(listed) == Set(names))
            let authors = try ada.strings("[...document.querySelectorAll('.name')].map((name) => name.textContent)")
            #expect(Array(authors.prefix(10)) == Array(names.prefix(10)))
            let shown = try ada.messages().map { $0.replacing("`", with: "") }
            for text in texts where !text.contains("```") && !text.contains("\u{2028}") {
                #expect(shown.contains(text.replacing("`", with: "")), "\(text)")
            }
            // Nothing of it became a part of the page, and nothing ran.
            let parts =
                "[...document.querySelectorAll('[role=log] *, #people *')].map((one) => one.tagName.toLowerCase())"
            let allowed: Set = [
                "ol", "li", "p", "bdi", "time", "div", "span", "small", "code", "pre", "a", "mark", "details",
                "summary", "button", "svg", "path", "strong", "em", "s", "blockquote", "ul",
            ]
            #expect(Set(try ada.strings(parts)).subtracting(allowed) == [])
            #expect(
                try ada.bool("[...document.querySelectorAll('.text a')].every((a) => /^https?:$/.test(a.protocol))"))
            #expect(try ada.string("typeof window.hacked") == "undefined")
            try ada.say("/who")
            try ada.wait(for: "document.querySelector('#note').textContent.includes('<script>')")
            try ada.screenshot("injections")
        }
    }
}
