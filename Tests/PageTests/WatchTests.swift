import Foundation
import Page
import Support
import Testing

/// `--watch`: whoever changes the page sees it at once.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct WatchTests {
    @Test func aSavedFileReloadsEveryOpenPage() throws {
        let folder = try TemporaryFolder()
        for (name, bytes) in Page.files { try folder.write(name, String(decoding: bytes, as: UTF8.self)) }
        try Scene.play("--public", folder.path, "--watch") { scene in
            let tabs = [try scene.enter("Ada"), try scene.enter("Bo", room: "garden")]
            try tabs[0].insert("a half-written thou")
            for tab in tabs { try tab.evaluate("window.isOld = true") }
            let sheet = String(decoding: Page.files["style.css"] ?? [], as: UTF8.self)
            let saved = Deadline.now
            try folder.write("style.css", sheet + "\nh1 { font-style: italic; }\n")
            let style = "getComputedStyle(document.querySelector('h1')).fontStyle"
            for tab in tabs {
                try tab.wait(for: "!window.isOld && document.readyState === 'complete' && \(style) === 'italic'")
            }
            // A second; the machine may be busy.
            #expect(Deadline.now - saved < 3)
            for tab in tabs { try tab.wait(forStatus: "Connected") }
            #expect(try tabs[0].string("document.querySelector('#message').value") == "a half-written thou")
        }
    }
}
