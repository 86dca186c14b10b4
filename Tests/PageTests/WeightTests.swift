import Foundation
import Page
import Support
import Testing
import WebSocket

/// What the page costs, and how soon it is there.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct WeightTests {
    /// As it is sent, each file for itself.
    @Test func isAtMost48KiBCompressed() throws {
        var compressed: [UInt8] = []
        for body in Page.files.values {
            let deflater = try #require(Deflater())
            deflater.compress(body.span, into: &compressed)
        }
        #expect(compressed.count <= 48 << 10)
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
