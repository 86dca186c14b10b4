import Foundation
import HTTP
import Page
import Support
import Testing

/// What the page costs, and how soon it is there.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct WeightTests {
    /// Names of emoji, and translations: they are loaded where they are needed.
    private static let later: Set = ["emoji-names.txt", "words-de.js", "words-fr.js"]

    /// As the files are sent, each for itself.
    private func compressed(_ names: some Collection<String>) throws -> Int {
        try names.reduce(0) { sum, name in
            let body = try #require(Page.files[name], "\(name)")
            return sum + (Gzip.compress(body) ?? body).count
        }
    }

    @Test func namesAndTranslationsAreAtMost24KiB() throws { #expect(try compressed(Self.later) <= 24 << 10) }

    /// What a visitor has to wait for: all that is asked for until the first message is said and seen.
    @Test func untilTheFirstMessageItIsAtMost48KiB() throws {
        try Scene.play { scene in
            let tab = try scene.enter("Ada")
            try tab.say("hello")
            try tab.wait(forMessage: "hello")
            let requests = tab.events("Network.requestWillBeSent").compactMap { event -> String? in
                let request: JSON? = event["request"]
                return request?["url"]
            }
            let files = Set(
                requests.filter { $0.hasPrefix(scene.server.url) }.map { $0.dropFirst(scene.server.url.count) })
            let names = files.map { $0.isEmpty ? "index.html" : String($0) }.filter { Page.files[$0] != nil }
            #expect(names.count > 20)
            let size = try compressed(names + ["manifest.webmanifest"])
            #expect(size <= 48 << 10, "\(size)")
        }
    }

    /// What is left out on the way to a visitor says nothing that counts.
    @Test func theFilesAreServedWithoutComments() throws {
        for (name, body) in Page.files where name.hasSuffix(".js") {
            let text = String(decoding: body, as: UTF8.self)
            #expect(!text.contains(/(?m)^\s*(?:\/\/|\/\*|\*\/)/), "\(name)")
            #expect(text.count > 400, "\(name)")
        }
        let sheet = String(decoding: try #require(Page.files["style.css"]), as: UTF8.self)
        #expect(sheet.hasPrefix(":root {\n") && !sheet.contains("/*"))
    }

    @Test func noFileIsLongerThanOneCanRead() {
        for (name, body) in Page.sources where name != "emoji-names.txt" {
            #expect(body.count { $0 == 0x0A } <= 400, "\(name)")
        }
    }

    /// Every module that is needed at once is asked for with the page itself, not after another that names it.
    @Test func everyModuleIsPreloaded() throws {
        let page = String(decoding: try #require(Page.files["index.html"]), as: UTF8.self)
        let lazy: Set = [
            "actions.js", "commands.js", "complete.js", "emoji.js", "inviting.js", "menus.js", "options.js", "pair.js",
            "search.js",
            "words-de.js", "words-fr.js", "worker.js",
        ]
        for name in Page.files.keys where name.hasSuffix(".js") && !lazy.contains(name) {
            #expect(page.contains("\"./\(name)\""), "\(name)")
        }
    }

    @Test func asksForNothingElseAndBreaksNoPolicy() throws {
        try Scene.play { scene in
            let tab = try scene.blank()
            try tab.prepare(
                "addEventListener('securitypolicyviolation', ({ violatedDirective }) => (window.broken = violatedDirective))"
            )
            try tab.navigate(to: scene.url(ofRoom: "garden"))
            try tab.join("Ada")
            try tab.say("hello")
            try tab.wait(forMessage: "hello")
            _ = try tab.call("Page.getAppManifest")
            let requests = tab.events("Network.requestWillBeSent").compactMap { event -> String? in
                let request: JSON? = event["request"]
                return request?["url"]
            }.filter { $0.hasPrefix("http") }
            #expect(requests.count <= 40 && Set(requests).count == requests.count, "\(requests)")
            #expect(requests.allSatisfy { $0.hasPrefix(scene.server.url) })
            #expect(try tab.string("typeof window.broken") == "undefined")
        }
    }

    @Test func theFirstPaintDoesNotWaitForScripts() throws {
        try Scene.play { scene in
            let tab = try scene.blank()
            let patterns = [["urlPattern": "*.js", "requestStage": "Request"]]
            try tab.call("Fetch.enable", ["patterns": patterns])
            try tab.call("Page.navigate", ["url": scene.server.url])
            try tab.wait(for: "performance.getEntriesByName('first-contentful-paint').length === 1")
            #expect(try tab.bool("document.querySelector('#entry h2').innerText === 'Pick a name and talk'"))
            try tab.screenshot("before-scripts")
            // What is typed at once counts.
            try tab.evaluate("document.querySelector('#username').focus()")
            try tab.type("Ada")
            try tab.call("Fetch.disable")
            try tab.wait(for: "!document.querySelector('#entry').matches('.early')")
            #expect(try tab.string("document.querySelector('#username').value") == "Ada")
        }
    }

    /// A hundredth of the shift that counts as good. The word "Connected" is as long as it is.
    private static let noticeable = 0.001

    /// From the first paint to the chat, when history arrives, and through a reload.
    @Test(arguments: [false, true]) func nothingShifts(isPhone: Bool) throws {
        let past = try PastFolder(messages: 120)
        try Scene.play("--data", past.path) { scene in
            let tab = try scene.blank()
            if isPhone { try tab.becomePhone() }
            try tab.prepare(
                """
                window.shifts = 0;
                new PerformanceObserver((list) => {
                    for (const { value } of list.getEntries()) shifts += value;
                }).observe({ type: 'layout-shift', buffered: true });
                """)
            try tab.navigate(to: scene.server.url)
            try tab.join("Cy")
            try tab.wait(forRow: "message 120")
            try tab.settle()
            #expect(try tab.double("shifts") < Self.noticeable)
            try tab.reload()
            try tab.wait(forStatus: "Connected")
            try tab.wait(forRow: "message 120")
            try tab.settle()
            #expect(try tab.double("shifts") < Self.noticeable)
        }
    }
}
