import Foundation
import Support
import Testing

/// The options of a node among others.
@Suite(.ownThreads) struct ClusterOptionTests {
    private static let end = "; see chatloop serve --help\n"
    private static let form = "redis://[[USER]:PASSWORD@]HOST[:PORT][/DB], rediss:// with the same, or unix:PATH"

    /// The one line that a command line is refused with.
    private func refusal(_ arguments: [String], environment: [String: String] = [:]) throws -> String {
        let child = try Command.start(["serve"] + arguments, environment: environment)
        child.closeInput()
        let output = try child.rest()
        #expect(try child.wait() == .exited(64) && output.isEmpty)
        let errors = child.allErrors()
        #expect(errors.split(separator: "\n").count == 1 && errors.hasPrefix("chatloop: "))
        // Whatever is wrong: a password is not repeated.
        #expect(!errors.contains("geheim"))
        return errors
    }

    @Test(arguments: [
        "redis:/:geheim@h", "http://:geheim@h", "redis://geheim@h", "redis://:geheim@h:0", "redis://:geheim@h/x",
        "redis://:geheim%zz@h", "rediss://:geheim@", "unix:", "geheim", "",
    ])
    func addressThatIsNone_isToldWithTheForm(text: String) throws {
        let bounds = ["--keep-days", "1"]
        let expected = "chatloop: --cluster takes \(Self.form)\(Self.end)"
        #expect(try refusal(["--cluster", text] + bounds) == expected)
        #expect(try refusal(["--cluster=\(text)"] + bounds) == expected)
        guard !text.isEmpty else { return }
        let named = try refusal(bounds, environment: ["CHATLOOP_CLUSTER": text])
        #expect(named == "chatloop: CHATLOOP_CLUSTER in the environment takes \(Self.form)\(Self.end)")
    }

    @Test func optionsThatDoNotGoTogether_areToldSo() throws {
        let cluster = ["--cluster", "redis://:geheim@h"]
        let bound = "--cluster takes a bound for its memory: give --keep-days or --keep-bytes"
        #expect(try refusal(cluster).contains(bound))
        #expect(try refusal([], environment: ["CHATLOOP_CLUSTER": "redis://:geheim@h"]).contains(bound))
        #expect(try refusal(cluster + ["--keep-bytes", "9", "--ephemeral"]).contains("--ephemeral"))
        #expect(try refusal(["--node", "a"]).contains("--cluster"))
        #expect(try refusal(["--reuse-port"]).contains("--cluster"))
        #expect(try refusal(["redis://:geheim@h"]).contains("--cluster is missing"))
        // What the command line says counts, and an empty variable is none.
        let wrong = ["CHATLOOP_CLUSTER": "geheim"]
        #expect(try refusal(cluster, environment: wrong).contains(bound))
        #expect(try refusal(["--node", "a"], environment: ["CHATLOOP_CLUSTER": ""]).contains("--cluster"))
    }

    @Test(arguments: ["", "a b", "ä", String(repeating: "x", count: 65)])
    func nameOfANodeThatIsNone_isTold(name: String) throws {
        let arguments = ["--cluster", "redis://h", "--keep-days", "1", "--node", name]
        #expect(try refusal(arguments).contains("--node takes a name of 1 to 64 visible ASCII characters"))
    }

    @Test(.enabled(if: RealEngine.isInstalled, "\(RealEngine.isMissing)"))
    func nodesOfAMachine_shareAPort() async throws {
        try await onThread {
            let engine = try RealEngine()
            let folder = try TemporaryFolder()
            func start(_ name: String, _ port: Substring, _ arguments: String...) throws -> Child {
                try Command.start(
                    [
                        "serve", "--keep-days", "1", "--cluster", "unix:\(engine.socketPath)", "--node", name, "--data",
                        "\(folder.path)/\(name)", "--port", String(port),
                    ] + arguments)
            }
            func port(_ child: Child) throws -> Substring {
                try child.line(with: "listening").split(separator: ":").last?.dropLast() ?? ""
            }
            let first = try start("first", "0", "--reuse-port")
            let shared = try port(first)
            let second = try start("second", shared, "--reuse-port")
            #expect(try port(second) == shared)
            let third = try start("third", shared)
            _ = try third.rest()
            #expect(try third.wait() == .exited(69))
            for node in [first, second] {
                node.signal(SIGTERM)
                #expect(try node.wait() == .exited(0))
            }
        }
    }
}
