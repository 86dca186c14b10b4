import Foundation
import Server
import Support
import Testing

/// The README says what there is: every option with its default, every promise with its test, a bot that runs; and the maps
/// lead to what is there.
@Suite(.ownThreads) struct ReadmeTests {
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
        #expect(rows.count >= 12)
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

    // MARK: What it shows runs as it stands there

    /// The block of code in this language that has this in it.
    private static func code(_ language: String, with part: String) throws -> String {
        let blocks = try text("README.md").matches(of: #/\n```(\w+)\n((?s:.*?))```\n/#)
        return String(try #require(blocks.first { $0.1 == language && $0.2.contains(part) }?.2))
    }

    /// A folder with a server that keeps its data in `.chatloop` there, and a shell in it that finds the command.
    private final class Workplace {
        let folder: TemporaryFolder
        let server: LiveServer
        let bash: String

        init?() throws {
            guard let bash = installedProgram("bash"), installedProgram("curl") != nil, installedProgram("jq") != nil,
                installedProgram("setsid") != nil
            else { return nil }
            self.bash = bash
            folder = try TemporaryFolder()
            server = try LiveServer("--data", folder.path + "/.chatloop", "--message-rate", "0")
        }

        /// A shell at the head of a process group of its own.
        func run(_ script: String) throws -> Child {
            let setsid = try #require(installedProgram("setsid"))
            let bin = URL(fileURLWithPath: try Command.path()).deletingLastPathComponent().path
            let script = script.replacingOccurrences(of: ":8080", with: ":\(server.port)")
            let child = try Child(
                setsid, [bash, "-euo", "pipefail", "-c", "cd '\(folder.path)'; PATH='\(bin)':$PATH\n" + script])
            child.closeInput()
            return child
        }
    }

    @Test func curlLines_postOnceAndRead() throws {
        guard let place = try Workplace() else { return }
        let ada = try TestClient(place.server, as: "Ada", room: "builds")
        let script = try Self.code("sh", with: "curl -d")
        for round in 0..<2 {
            let child = try place.run(script)
            let lines = try child.rest().split(separator: "\n").map { JSON(Array($0.utf8)) }
            #expect(try child.wait() == .exited(0), "\(child.allErrors())")
            #expect(lines.map(\.type) == ["message", "message", "history"])
            #expect(lines[1]["id"] == "build-17")
            #expect(lines[2]["events"].map(\.said) == Array(repeating: "build 17 is out", count: 2 + round))
        }
        // Twice with an `id` is once.
        for _ in 0..<3 { #expect(try ada.expect("message", of: "builds")["bot"] == true) }
        try ada.expectNothingElse()
    }

    @Test func bashBot_hearsAndAnswers() throws {
        guard let place = try Workplace() else { return }
        let ada = try TestClient(place.server, as: "Ada", room: "builds")
        let child = try place.run("TOKEN=$(chatloop token builds)\n" + Self.code("bash", with: "--listen"))
        defer { kill(-child.process, SIGKILL) }
        _ = try ada.expect("join", of: "echo")
        for text in ["hello", "a \\ b \"c\" $HOME `x`"] {
            try ada.say(text)
            _ = try ada.expect("message", of: "Ada")
            #expect(try ada.expect("message", of: "builds").said == "I heard: \(text)")
        }
    }

    @Test func pythonBot_prints() throws {
        guard let python = CrossCheckTests.python(with: "websockets") else { return }
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Ada")
        let script = try Self.code("python", with: "listener")
        #expect(script.split(separator: "\n").count <= 10)
        let bot = try Child(python, ["-c", script, "ws://127.0.0.1:\(server.port)/chat"])
        _ = try ada.expect("join", of: "listener")
        try ada.say("hello")
        #expect(try bot.line() == "Ada: hello")
    }

    @Test func tlsLine_serves() throws {
        let certificate = try TestCertificate()
        let line = try Self.code("sh", with: "--tls-cert")
            .replacingOccurrences(of: "8443", with: "0").replacingOccurrences(of: "--host ::", with: "")
            .replacingOccurrences(of: "chain.pem", with: certificate.certificateFile)
            .replacingOccurrences(of: "key.pem", with: certificate.keyFile)
        let words = line.split(whereSeparator: \.isWhitespace).map(String.init)
        #expect(words.first == "chatloop")
        let server = try LiveServer(options: Array(words.dropFirst(2)), certificate: nil)
        #expect(server.firstLine.contains("https://"))
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
