import Foundation
import Server
import Support
import Testing

/// The README says what there is: every option with its default, every promise with its test, a bot that runs; and the maps
/// lead to what is there.
@Suite struct ReadmeTests {
    private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

    private static func text(_ path: String) throws -> String {
        try String(contentsOf: tests.deletingLastPathComponent().appendingPathComponent(path), encoding: .utf8)
    }

    /// The cells of the table whose first cell of the head is this.
    private static func table(_ head: String, in path: String = "README.md") throws -> [[String]] {
        let lines = try text(path).components(separatedBy: "\n")
        let first = try #require(lines.firstIndex { $0.hasPrefix("| \(head) |") })
        return lines[(first + 2)...].prefix { $0.hasPrefix("|") }.map { line in
            // A bar within a cell is written with a backslash.
            line.replacingOccurrences(of: "\\|", with: "/").split(separator: "|").map {
                $0.trimmingCharacters(in: .whitespaces)
            }
        }
    }

    private static func quoted(_ cell: String) -> [String] {
        cell.components(separatedBy: "`").enumerated().filter { $0.offset % 2 == 1 }.map(\.element)
    }

    /// Every option of `serve`: how the README names it, and its default there.
    private static func options() throws -> [String: String] {
        var options: [String: String] = [:]
        for row in try table("option of `serve`") {
            let name = try #require(quoted(row[0]).first?.split(separator: " ").first)
            options[String(name)] = row[2].replacingOccurrences(of: "`", with: "")
        }
        return options
    }

    @Test func everyOptionIsThere() throws {
        let help = try Command.start(["serve", "--help"]).rest()
        let words = help.split { !($0.isLetter || $0 == "-") }.filter { $0.hasPrefix("--") && $0.count > 2 }
        #expect(try Set(Self.options().keys) == Set(words.map(String.init)))
    }

    @Test func theDefaultsAreThose() throws {
        let options = try Self.options()
        let those = ServeOptions()
        let defaults: [String: Double] = [
            "--tick-rate": those.tickRate, "--max-connections-per-address": Double(those.maxConnectionsPerAddress),
            "--max-message": Double(those.maxMessage), "--max-queue": Double(those.maxQueue),
            "--message-rate": those.messageRate, "--max-rooms": Double(those.maxRooms),
            "--ping-interval": those.pingInterval,
        ]
        for (name, value) in defaults { #expect(options[name].flatMap(Double.init) == value, "\(name)") }
        // There is no number in the table that is not one of these.
        #expect(options.filter { Double($0.value) != nil }.count == defaults.count)
        #expect(options["--metrics"] == those.metrics.rawValue)
        #expect(options["--log-level"] == those.logLevel.rawValue)
        #expect(options["--data"] == those.dataFolder)
    }

    @Test func everyPromiseIsHeldByTestsThatThereAre() throws {
        let files = try #require(FileManager.default.enumerator(at: Self.tests, includingPropertiesForKeys: nil))
        var paths: Set<String> = []
        var text = ""
        for case let file as URL in files {
            paths.formUnion(file.deletingPathExtension().pathComponents.suffix(2))
            if file.pathExtension == "swift" { text += try String(contentsOf: file, encoding: .utf8) }
        }
        let rows = try Self.table("promise")
        #expect(rows.count >= 15)
        for row in rows {
            let names = Self.quoted(row[1])
            #expect(!names.isEmpty, "\(row[0])")
            for name in names.flatMap({ $0.split { $0 == "/" || $0 == "." } }) {
                let isThere =
                    paths.contains(String(name)) || text.contains("struct \(name) ") || text.contains("func \(name)(")
                    || text.contains("case \(name)") || text.contains(", \(name)")
                #expect(isThere, "\(name)")
            }
        }
    }

    @Test func length_isAtMost300Lines() throws {
        #expect(try Self.text("README.md").split(separator: "\n", omittingEmptySubsequences: false).count <= 301)
    }

    /// The bot that the README shows, as it stands there, says more than comes through at once: all of it is said, in order.
    @Test func bot_saysAllOfItInOrderDespiteTheRate() throws {
        guard let python = CrossCheckTests.python(with: "websockets") else { return }
        let script = try #require(Self.text("README.md").firstMatch(of: #/\n```python\n((?s:.*?))```\n/#)?.1)
        let server = try LiveServer("--message-rate", "20")
        let ada = try TestClient(server, as: "Ada", room: "builds")
        let lines = (1...90).map { "build \($0)" }
        let bot = try Child(python, ["-c", String(script), "ws://127.0.0.1:\(server.port)/chat?room=builds"])
        bot.write(lines.joined(separator: "\n"))
        bot.closeInput()
        for line in lines { #expect(try ada.skip(to: "message", of: "builds").said == line) }
        #expect(try bot.wait() == .exited(0), "\(bot.allErrors())")
    }

    // MARK: The maps

    @Test func map_namesFilesThatThereAre() throws {
        let rows = try Self.table("idea", in: "Sources/README.md")
        #expect(rows.count >= 25)
        for row in rows {
            var folder = ""
            for name in Self.quoted(row[1]) where name.hasSuffix(".swift") || name.hasSuffix("/") {
                // A file without a folder is in the one before it.
                if let slash = name.lastIndex(of: "/") { folder = String(name[...slash]) }
                let path = name.contains("/") ? name : folder + name
                let file = Self.tests.deletingLastPathComponent().appendingPathComponent("Sources/\(path)")
                #expect(FileManager.default.fileExists(atPath: file.path), "\(row[0]): \(path)")
            }
        }
    }

    /// The steps of the ways are functions, types and cases of the code.
    @Test func map_namesWhatIsInTheCode() throws {
        let sources = Self.tests.deletingLastPathComponent().appendingPathComponent("Sources")
        let files = try #require(FileManager.default.enumerator(at: sources, includingPropertiesForKeys: nil))
        var words: Set<Substring> = []
        for case let file as URL in files where file.pathExtension == "swift" {
            words.formUnion(try String(contentsOf: file, encoding: .utf8).split { !($0.isLetter || $0.isNumber) })
        }
        let steps = try Self.text("Sources/README.md").split(separator: "\n").filter { $0.contains(#/^\d+\. |^   /#) }
        #expect(steps.count >= 30)
        for name in Self.quoted(steps.joined(separator: "\n")) where !name.hasSuffix(".swift") {
            for word in name.prefix(while: { $0 != "(" }).split(whereSeparator: { !($0.isLetter || $0.isNumber) }) {
                #expect(words.contains(word), "\(name)")
            }
        }
    }
}
