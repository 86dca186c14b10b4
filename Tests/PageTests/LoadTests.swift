import Foundation
import Support
import Testing

/// A busy room.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct LoadTests {
    /// A thousand messages, two hundred a second: the page follows, and hardly ever keeps the person waiting for 50 ms.
    @Test func aThousandMessagesDoNotHoldUpThePage() throws {
        try Scene.play("--message-rate", "0") { scene in
            let tab = try scene.enter("Ada")
            let clients = try (0..<10).map { try scene.client("Speaker \($0)") }
            try tab.wait(for: "document.querySelectorAll('#people li').length === 11")
            try tab.evaluate(
                """
                window.tasks = [];
                new PerformanceObserver((list) => tasks.push(...list.getEntries().map((task) => task.duration)))
                    .observe({ type: 'longtask' })
                """)
            let start = Deadline.now
            for number in 0..<1000 {
                // The pace is what is tested.
                let wait = start + Double(number) / 200 - Deadline.now
                if wait > 0 { usleep(UInt32(wait * 1e6)) }
                try clients[number % 10].say(
                    "message \(number) with `some` more words, and https://example.org/\(number)")
            }
            try tab.wait(forRow: "message 999")
            let seconds = Deadline.now - start
            let long = try tab.evaluate("tasks") as? [Double] ?? []
            #expect(long.reduce(0, +) < seconds * 1000 * 0.2, "\(long) in \(seconds) s")
            let log = "document.querySelector('[role=log]')"
            try tab.wait(for: "\(log).scrollHeight - \(log).scrollTop - \(log).clientHeight <= 1")
            #expect(try tab.int("\(log).querySelectorAll('li').length") < 500)
            let numbers = try tab.messages().compactMap {
                $0.split(separator: " ").dropFirst().first.flatMap { Int($0) }
            }
            #expect(numbers == Array((1000 - numbers.count)..<1000) && numbers.count >= 200)
            try tab.screenshot("busy")
        }
    }
}
