import Foundation
import Support
import Testing

/// How long the page keeps a person waiting at most, who has a quarter of this machine's processor.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct LongestTaskTests {
    private static let people = 300
    private static let runs = 5
    /// For the median of the runs (ms). The aim is 100; but the log still makes all rows of its window at once, which takes some 300. Where
    /// other programs fill the processor's caches, the same work takes up to half as long again of the processor itself.
    private static let bound = 450.0

    /// The longest task of each step of a run (ms).
    private typealias Run = [(step: String, longest: Double)]

    @Test func theLongestTaskAtAQuarterOfTheProcessorIsShort() throws {
        var runs: [Run] = []
        for _ in 0..<Self.runs { runs.append(try run()) }
        let longest = median(runs.map { $0.map(\.longest).max() ?? .infinity })
        let steps = runs[0].indices.map { index in
            "\(runs[0][index].step) \(Int(median(runs.map { $0[index].longest })))"
        }
        print("The longest task at a quarter of the processor, median of \(Self.runs) runs: \(Int(longest)) ms.")
        print("By step: \(steps.joined(separator: ", ")).")
        #expect(longest < Self.bound, "\(steps)")
    }

    /// Somebody comes into a room with a long past and many people, reads what is said, goes back, looks around, and loads the
    /// page again; nothing of it is in the browser's cache. Nothing is looked for by role and name: what a browser keeps for a
    /// screen reader takes time of its own.
    private func run() throws -> Run {
        let past = try PastFolder(messages: 1000)
        var run: Run = []
        try Scene.play("--data", past.path, "--message-rate", "0") { scene in
            let clients = try (1...Self.people).map { try scene.client("Guest \($0)") }
            let tab = try scene.blank()
            func step(_ name: String, _ act: () throws -> Void) throws {
                run.append((name, try tab.longestTask(act)))
            }
            let isThere = """
                document.querySelectorAll('#people li').length === \(Self.people + 1)
                    && document.querySelectorAll('.message').length >= 100 && !document.querySelector('[aria-busy=true]')
                """
            try step("empty document") { try tab.navigate(to: "about:blank#") }
            try step("load") {
                try tab.navigate(to: scene.server.url)
                try tab.wait(for: "document.activeElement.matches('#username')")
            }
            try step("join") {
                try tab.insert("Ada")
                try tab.press("Enter")
                try tab.wait(for: isThere)
            }
            try step("150 messages at once") {
                for number in 1001...1150 {
                    try clients[number % 10].say("And *this* is `\(number)`, https://example.org/")
                }
                let codes = "[...document.querySelectorAll('.message code')]"
                try tab.wait(for: "\(codes).filter(({ textContent }) => textContent > 1140).length === 10")
                try tab.wait(for: "!document.querySelector('[aria-busy=true]')")
            }
            try step("going back") {
                for top in ["message 801", "message 701", "message 601"] {
                    try tab.evaluate("document.querySelector('[role=log]').scrollTop = 0")
                    try tab.wait(for: "document.querySelector('.message .text').textContent === '\(top)'")
                    try tab.settle()
                }
            }
            try step("to the end") {
                try tab.evaluate("document.querySelector('#unread').click()")
                try tab.wait(for: "document.querySelector('#unread').hidden")
            }
            try step("without the people, and with them") {
                for _ in 1...2 {
                    try tab.evaluate("document.querySelector('#menu').click()")
                    try tab.settle()
                }
            }
            try step("emoji") {
                try tab.evaluate("document.querySelector('#emoji').click()")
                try tab.wait(for: "document.querySelectorAll('#emojiGrid button').length > 1500")
                try tab.closeDialog()
            }
            try step("menu") {
                try tab.evaluate("document.querySelector('#more').click()")
                try tab.wait(for: "document.querySelector('#options').open")
                try tab.closeDialog()
            }
            try step("reload") {
                try tab.reload()
                try tab.wait(for: isThere)
            }
            scene.keep(clients)
        }
        return run
    }

    private func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }
}

extension Tab {
    /// The longest task of the page's main thread while something is done (ms), at a quarter of this machine's processor: four
    /// times the processor's time that it takes. Other programs do not make that longer, as they do with what a browser's own
    /// throttle makes of it.
    fileprivate func longestTask(_ act: () throws -> Void) throws -> Double {
        let before = events.count
        let categories = ["disabled-by-default-devtools.timeline", "blink.user_timing"]
        try call(
            "Tracing.start",
            [
                "transferMode": "ReportEvents",
                "traceConfig": ["includedCategories": categories, "excludedCategories": ["*"]],
            ])
        try act()
        try settle()
        // By this the page's own thread is known among those of the browser.
        try evaluate("performance.mark('this page')")
        try call("Tracing.end")
        var traced: [JSON] = []
        var isComplete = false
        while !isComplete {
            try settle()
            isComplete = events.dropFirst(before).contains { $0["method"] == "Tracing.tracingComplete" }
        }
        for event in events("Tracing.dataCollected") { traced += event["value"] as [JSON] }
        forget("Tracing.dataCollected", "Tracing.tracingComplete")
        guard let page = traced.first(where: { $0["name"] == "this page" }) else {
            throw Failure("no trace of the page")
        }
        let (process, thread): (Int?, Int?) = (page["pid"], page["tid"])
        let tasks = traced.filter { $0["name"] == "RunTask" && $0["pid"] == process && $0["tid"] == thread }
        guard !tasks.isEmpty else { throw Failure("no tasks in the trace") }
        return (tasks.compactMap { $0["tdur"] as Int? }.max() ?? 0).ofAQuarter
    }
}

extension Int {
    /// Microseconds of this processor as milliseconds of a quarter of it.
    fileprivate var ofAQuarter: Double { Double(self) * 4 / 1000 }
}
