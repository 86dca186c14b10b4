import Foundation
import Page
import Support
import Testing

/// Browsers of early 2022: Safari 15.4, Chrome 100, Firefox 102.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct OlderBrowsersTests {
    /// What came to one of the three later, or is there only over https; and what goes without it.
    static let laterInterfaces = [
        "Map.groupBy", "Object.groupBy", "Promise.withResolvers", "Promise.try", "Array.fromAsync",
        "Intl.Segmenter", "Intl.ListFormat", "AbortSignal.timeout", "AbortSignal.any",
        "BroadcastChannel", "visualViewport", "Notification", "scheduler", "crypto.randomUUID", "reportError",
        "Array.prototype.findLast", "Array.prototype.findLastIndex", "Array.prototype.toSorted",
        "Array.prototype.toReversed", "Array.prototype.with", "Set.prototype.union", "String.prototype.toWellFormed",
        "String.prototype.isWellFormed", "HTMLElement.prototype.showPopover", "HTMLElement.prototype.hidePopover",
        "HTMLElement.prototype.togglePopover", "HTMLElement.prototype.popover",
        "HTMLButtonElement.prototype.popoverTargetElement",
        "HTMLElement.prototype.inert", "HTMLFormElement.prototype.requestSubmit", "Element.prototype.checkVisibility",
        "Element.prototype.ariaLabel", "Element.prototype.ariaInvalid", "Element.prototype.ariaLive",
        "Element.prototype.ariaCurrent", "Element.prototype.ariaPressed", "Element.prototype.role",
        "Element.prototype.setHTMLUnsafe", "Element.prototype.moveBefore",
        "Navigator.prototype.locks", "Navigator.prototype.clipboard", "Navigator.prototype.share",
        "Navigator.prototype.setAppBadge", "Navigator.prototype.serviceWorker", "Navigator.prototype.userAgentData",
    ]

    /// A script that takes away an interface, wherever it is defined.
    static func remove(_ interface: String) -> String {
        let parts = interface.split(separator: ".").map(String.init)
        let holder = (["globalThis"] + parts.dropLast()).joined(separator: "?.")
        return "if (\(holder)) delete \(holder.replacing("?.", with: ".")).\(parts[parts.count - 1]);"
    }

    private func chat(_ scene: Scene, _ tab: Tab) throws {
        try tab.navigate(to: scene.server.url)
        try tab.join("Ada")
        let (bo, cy) = (try scene.client("Bo"), try scene.client("Cy"))
        try tab.wait(forPeople: ["Ada", "Bo", "Cy"])
        try bo.say("Ada, **this** is `code` 👍")
        try cy.say("👍")
        try tab.wait(forRow: "this")
        try tab.say("hello")
        #expect(try bo.skip(to: "message", of: "Ada").said == "hello")
        try tab.wait(forMessage: "hello")
        #expect(try tab.int("document.querySelectorAll('.mention').length") == 1)
        scene.keep(bo, cy)
    }

    @Test(arguments: laterInterfaces) func thePageWorksWithout(interface: String) throws {
        try Scene.play { scene in
            let tab = try scene.blank()
            try tab.prepare(Self.remove(interface))
            try chat(scene, tab)
        }
    }

    @Test func thePageWorksWithoutAllOfThem() throws {
        try Scene.play { scene in
            let tab = try scene.blank()
            try tab.becomePhone()
            try tab.prepare(Self.laterInterfaces.map(Self.remove).joined(separator: "\n"))
            try chat(scene, tab)
            try tab.reload()
            try tab.wait(forPeople: ["Ada", "Bo", "Cy"])
            // The people can be looked at, and left again.
            try tab.find("button", "People\u{A0}3").click()
            #expect(try tab.find("list", "People").text().contains("Bo"))
            try tab.press("Escape")
            try tab.wait(for: "!document.querySelector('dialog[open]')")
            #expect(try tab.all("list", "People").isEmpty)
        }
    }

    /// What only decorates may fail: what is said arrives all the same.
    @Test(arguments: [
        "Object.defineProperty(HTMLTimeElement.prototype, 'dateTime', { set() { throw new Error('ERR_planted'); } })",
        "Intl.DateTimeFormat.prototype.formatToParts = Date.prototype.toISOString = () => { throw new Error('ERR_planted'); }",
        "CSSStyleDeclaration.prototype.setProperty = () => { throw new Error('ERR_planted'); }",
        "Object.defineProperty(Document.prototype, 'title', { set() { throw new Error('ERR_planted'); } })",
        "window.Notification = class { static permission = 'granted'; constructor() { throw new Error('ERR_planted'); } }",
    ]) func whatDecoratesMayFail(fault: String) throws {
        try Scene.play(lost: true) { scene in
            let tab = try scene.blank()
            try tab.prepare("addEventListener('DOMContentLoaded', () => setTimeout(() => { \(fault); }, 50));")
            try tab.navigate(to: scene.server.url)
            try tab.evaluate("new Promise((done) => setTimeout(done, 100))")
            try tab.join("Ada")
            let bo = try scene.client("Bo")
            for text in ["one", "Ada: two", "three"] { try bo.say(text) }
            try tab.wait(forRow: "three")
            for text in ["one", "two"] { try tab.wait(forRow: text) }
            try tab.setVisible(false)
            try bo.say("Ada: four")
            try bo.say("five")
            try tab.wait(forRow: "five")
        }
    }

    /// Names that are more than letters: by the form, by a reload and by renaming.
    @Test(arguments: [
        "Anne-Marie", ":-)", "Jean-Luc Picard", "a.b*c+d?e", "(x) [y] {z}", "^$|\\/", "R&D", "#1", "@home", "-",
        "1 + 1 = 2", "O’Neil",
        "राम", "Jose\u{301}", "ไทย", "李小龍",
    ]) func everyNameIsAName(name: String) throws {
        try Scene.play { scene in
            let tab = try scene.enter(name)
            let bo = try scene.client("Bo")
            try bo.say("hello \(name) and welcome")
            try tab.wait(forRow: "and welcome")
            #expect(
                try tab.string("document.querySelector('.mention mark')?.textContent")
                    .precomposedStringWithCanonicalMapping
                    == name.precomposedStringWithCanonicalMapping)
            try tab.reload()
            try tab.wait(forStatus: "Connected")
            try tab.wait(forRow: "and welcome")
            try tab.say("/rename Somebody")
            try tab.wait(forRow: "is now Somebody")
            try tab.say("/rename \(name)")
            try tab.wait(forRow: "Somebody is now")
            try bo.say("after it all")
            try tab.wait(forMessage: "after it all")
        }
    }

    /// A middlebox swallows everything, in both directions, without a word: who only reads notices, too.
    @Test func aSilentLineIsAskedAndLeft() throws {
        try Scene.play(lost: true) { scene in
            let tab = try scene.blank()
            // A hundred times as fast.
            try tab.prepare(
                """
                const real = window.setTimeout;
                window.setTimeout = (act, ms, ...given) => real(act, ms === 45_000 ? 450 : ms, ...given);
                """)
            try tab.navigate(to: scene.server.url)
            try tab.join("Ada")
            // A quiet room is not a dead one: it answers.
            try tab.evaluate("new Promise((done) => setTimeout(done, 1500))")
            #expect(try tab.find("status", "Connection").text().hasPrefix("Connected"))
            let asked = tab.events("Network.webSocketFrameSent").filter { $0.text.contains("history") }
            #expect(!asked.isEmpty)
            scene.server.child.signal(SIGSTOP)
            try tab.wait(forStatus: "Reconnecting")
            scene.server.child.signal(SIGCONT)
            try tab.wait(forStatus: "Connected")
        }
    }
}

/// The sources of the page keep to what the browsers of early 2022 know.
struct OlderSyntaxTests {
    /// What came later to one of Safari 15.4, Chrome 100, Firefox 102, and what shows that the rule finds it.
    private static let script: [(rule: String, sample: String)] = [
        (#"\(\?<[=!]"#, "/(?<!a)b/"),  // lookbehind: Safari 16.4
        (#"\]/[dgimsuy]*v"#, "/[a--b]/v;"),  // the v flag: 2023
        (#"\bstatic\s*\{"#, "class A { static { } }"),  // Safari 16.4
        (#"\b(?:Map|Object)\.groupBy\b"#, "Map.groupBy(a)"),
        (#"\.(?:findLast|findLastIndex|toSorted|toReversed|toSpliced|with)\("#, "a.findLast(b)"),
        (#"\bPromise\.(?:withResolvers|try)\b"#, "Promise.withResolvers()"),
        (#"\bAbortSignal\.(?:timeout|any)\b"#, "AbortSignal.timeout(1)"),
        (#"\.(?:aria[A-Z]\w*|role)\s*=(?!=)"#, "a.ariaLabel = b"),  // Firefox 119
        (#"\.(?:inert)\b"#, "a.inert = true"),  // Firefox 112
        (#"\.(?:showPopover|hidePopover|togglePopover|popover)\b"#, "a.showPopover()"),
        (#"\.requestSubmit\("#, "form.requestSubmit()"),  // Safari 16
        (#"\.(?:union|intersection|difference|isSubsetOf)\("#, "a.union(b)"),
        (#"\bimport\b[^;]*\bwith\s*\{"#, "import a from 'b' with { type: 'json' }"),
        (#"\bcrypto\.randomUUID\b"#, "crypto.randomUUID()"),  // over https only
        (#"\.checkVisibility\("#, "a.checkVisibility()"),
        (#"'scrollend'"#, "on('scrollend')"),
    ]

    private static let sheet: [(rule: String, sample: String)] = [
        (#"@media[^{]*[<>]"#, "@media (width >= 45rem) {"),  // Chrome 104, Safari 16.4
        (#":has\("#, "a:has(b) {}"),  // Chrome 105, Firefox 121
        (#":popover-open"#, "a:popover-open {}"),
        (#"(?:^|[;{\s])(?:translate|rotate|scale):"#, "a { rotate: 1deg }"),  // Chrome 104
        (#"(?:^|[^-\w])(?:color-mix|light-dark)\("#, "a { color: light-dark(red, blue) }"),
        (#"@container|@scope|@starting-style|@property"#, "@container (width > 1px) {"),
        (#"(?m)^\s*&"#, "a { \n & b {} }"),  // nesting
        (#"\b(?:field-sizing|anchor-name|interpolate-size|text-wrap):"#, "a { field-sizing: content }"),
    ]

    @Test func everyRuleFindsWhatItIsFor() throws {
        for (rule, sample) in Self.script + Self.sheet { #expect(try found(rule, in: sample) != nil, "\(rule)") }
    }

    @Test func theSourcesKeepToTheRules() throws {
        for (name, bytes) in Page.sources {
            let source = String(decoding: bytes, as: UTF8.self)
            let rules = name.hasSuffix(".js") ? Self.script : name.hasSuffix(".css") ? Self.sheet : []
            for (rule, _) in rules {
                let line = try found(rule, in: source)
                #expect(line == nil, "\(name): \(rule)")
            }
            if name.hasSuffix(".html") {
                #expect(try found(#"\s(?:inert|popover|popovertarget)\b"#, in: source) == nil)
            }
        }
    }

    /// A newer unit or colour stands behind an older one in the same rule, or in `@supports`.
    @Test func newerValuesHaveOlderOnesBeforeThem() throws {
        let sheets = Page.sources.filter { $0.key.hasSuffix(".css") }.map { String(decoding: $0.value, as: UTF8.self) }
        #expect(!sheets.isEmpty)
        for sheet in sheets {
            #expect(try found(#"(?<!height: 100vh; )\bheight:[^;]*dvh"#, in: sheet) == nil)
            let guarded = sheet.replacing(/@supports[^{]*oklch[^{]*\{(?:[^{}]*\{[^{}]*\})*\s*\}/, with: "")
            #expect(!guarded.contains("oklch("))
        }
    }

    /// The line that a pattern finds, which comments do not count for.
    private func found(_ pattern: String, in source: String) throws -> String? {
        let expression = try NSRegularExpression(pattern: pattern)
        let bare = source.replacing(/(?m)^\s*(?:\/\/|\*|\/\*).*$/, with: "").replacing(/\s\/\/ .*/, with: "")
        let range = NSRange(bare.startIndex..., in: bare)
        return expression.firstMatch(in: bare, range: range).flatMap { Range($0.range, in: bare) }
            .map { String(bare[bare.lineRange(for: $0)]) }
    }
}
