import Foundation
import Page
import Support
import Testing

/// The page without a network, and what is taken out of it.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct OfflineTests {
    @Test func withoutAServerThePageOpensAndShowsWhatItHad() throws {
        let past = try PastFolder(messages: 300)
        try Scene.play("--data", past.path, lost: true) { scene in
            let tab = try scene.enter("Cy")
            try tab.wait(forRow: "message 300")
            try tab.wait(for: "navigator.serviceWorker.controller")
            let count =
                "caches.keys().then((keys) => caches.open(keys[0])).then((cache) => cache.keys()).then((keys) => keys.length)"
            let deadline = Deadline()
            while try tab.int(count) < Page.files.count, !deadline.isOver { try tab.settle() }
            try scene.crash()
            try tab.reload()
            try tab.wait(forRow: "message 300")
            try tab.wait(forStatus: "Reconnecting")
            // The last hundred, and no more.
            #expect(try (90...100).contains(tab.messages().count))
            try tab.screenshot("opened-offline")
            // Another room opens, too, with nothing in it.
            try tab.navigate(to: scene.url(ofRoom: "garden"))
            #expect(try tab.find("heading", "garden").bool("this.tagName === 'H1'"))
            #expect(try tab.messages().isEmpty)
            // What anyone said is in no cache.
            let kept =
                "caches.keys().then((keys) => caches.open(keys[0])).then((cache) => cache.keys()).then((all) => all.map(({ url }) => url))"
            #expect(
                try tab.strings(kept).allSatisfy {
                    !$0.contains("about") && !$0.contains("messages") && !$0.contains("/chat")
                })
        }
    }

    @Test func theWorkerKnowsEveryFile() throws {
        let source = String(decoding: try #require(Page.files["worker.js"]), as: UTF8.self)
        for name in Page.files.keys where !["index.html", "worker.js"].contains(name) {
            #expect(source.contains("'\(name)'"), "\(name)")
        }
    }

    @Test func whatIsShownIsSavedAsText() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            try ada.say("to be kept")
            try ada.wait(forMessage: "to be kept")
            try ada.evaluate(
                "window.blobs = []; const { createObjectURL } = URL; URL.createObjectURL = (blob) => (blobs.push(blob), createObjectURL(blob))"
            )
            try ada.openOptions()
            try ada.find("button", "Save as text").click()
            let text = try ada.string("blobs[0].text()")
            #expect(text.contains("Ada joined\n") && text.contains(" Ada: to be kept\n"))
        }
    }

    @Test func leavingIsSeenByAllAndComesBackOnWish() throws {
        try Scene.play { scene in
            let ada = try scene.enter("Ada")
            let bo = try scene.client("Bo")
            try ada.openOptions()
            try ada.find("button", "Leave").click()
            _ = try bo.skip(to: "leave", of: "Ada")
            try ada.wait(forStatus: "Offline – you have left")
            try ada.find("button", "Come back").click()
            try ada.wait(forStatus: "Connected")
            _ = try bo.skip(to: "join", of: "Ada")
        }
    }
}
