import Foundation
import Server
import Support
import Testing

/// The README says what there is: every option with its default, every promise with its test.
@Suite struct ReadmeTests {
    private static let tests = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()

    /// The cells of the table whose first cell of the head is this.
    private static func table(_ head: String) throws -> [[String]] {
        let file = tests.deletingLastPathComponent().appendingPathComponent("README.md")
        let lines = try String(contentsOf: file, encoding: .utf8).components(separatedBy: "\n")
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
            "--message-rate": those.messageRate,
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
}
