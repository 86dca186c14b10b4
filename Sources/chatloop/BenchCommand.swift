import Bench
import Client
import Sockets
import Talk

/// `chatloop bench MODE URL`
enum BenchCommand {
    struct Task {
        var options: LoadOptions
        var url: ClientURL
        var isJSON: Bool
    }

    private static let incorrectStatus: Int32 = 1
    // As sysexits(3) has them.
    private static let unavailableStatus: Int32 = 69
    private static let protocolStatus: Int32 = 76

    /// Options that make sense in some modes only.
    private static let modes: [String: [LoadMode]] = [
        "--senders": [.fanout, .paced], "--window": [.fanout, .echo], "--rate": [.paced], "--hidden": [.paced],
        "--payload": [.fanout, .paced, .echo], "--concurrency": [.fanout, .paced, .idle, .echo],
    ]

    static func parse(_ arguments: [String]) throws(UsageError) -> Task {
        let words = LoadMode.allCases.map(\.rawValue).joined(separator: ", ")
        var reader = ArgumentReader(arguments)
        var (word, address, given): (String?, String?, [String]) = (nil, nil, [])
        // The mode decides which options there are, and may come after some of them.
        var options = LoadOptions(mode: .fanout)
        var isJSON = false
        while let argument = try reader.next() {
            switch argument {
            case .option("--json"): isJSON = true
            case .option(let name):
                try parse(name, &reader, &options)
                given.append(name)
            case .positional(let text) where word == nil: word = text
            case .positional(let text):
                guard address == nil else { throw UsageError(message: "bench takes one URL, not also \"\(text)\"") }
                address = text
            }
        }
        guard let word else { throw UsageError(message: "bench takes a mode: \(words)") }
        guard let mode = LoadMode(rawValue: word) else {
            throw UsageError(message: "bench has no mode \"\(word)\"; it has \(words)")
        }
        if let name = given.first(where: { !(modes[$0]?.contains(mode) ?? true) }) {
            throw UsageError(message: "\(name) is not for bench \(mode.rawValue)")
        }
        guard let address else {
            throw UsageError(message: "bench takes the URL of a chat, such as http://127.0.0.1:8080/")
        }
        options.mode = mode
        let url = try TalkCommand.parse(address)
        if !url.isSecure, options.isInsecure || options.authoritiesPath != nil {
            throw UsageError(message: "--ca and --insecure are for https: and wss:")
        }
        options.showsProgress = Terminal.isTerminal(SharedStream.error)
        if let fault = options.fault { throw UsageError(message: fault) }
        return Task(options: options, url: url, isJSON: isJSON)
    }

    private static func parse(
        _ name: String, _ reader: inout ArgumentReader, _ options: inout LoadOptions
    ) throws(UsageError) {
        switch name {
        case "--clients": options.clients = try reader.number(1...LoadOptions.mostClients)
        case "--senders": options.senders = try reader.number(1...LoadOptions.mostSenders)
        case "--hidden": options.hidden = try reader.number(0...LoadOptions.mostClients)
        case "--window": options.window = try reader.number(1...100_000)
        case "--rate": options.rate = try reader.decimal(0.1...1_000_000)
        case "--duration": options.duration = try reader.decimal(0.1...86_400)
        case "--warm-up": options.warmUp = try reader.decimal(0...3_600)
        case "--payload": options.payload = try reader.number(LoadOptions.payloads)
        case "--concurrency": options.concurrency = try reader.number(1...4_096)
        case "--ca": options.authoritiesPath = try reader.value("a file") { $0.isEmpty ? nil : $0 }
        case "--insecure": options.isInsecure = true
        case "--pid": options.process = Int32(try reader.number(1...Int(Int32.max)))
        default: throw reader.unknown()
        }
    }

    /// Runs the load, and prints what came out.
    ///
    /// - Returns: the exit status.
    static func run(_ task: Task) -> Int32 {
        do throws(LoadFailure) {
            let report = try Load(task.options, at: task.url).run()
            Output.standard(task.isJSON ? report.json : report.text)
            return report.complaint.map { fail($0, incorrectStatus) } ?? 0
        } catch {
            return fail(error, at: task.url)
        }
    }

    private static func fail(_ failure: LoadFailure, at url: ClientURL) -> Int32 {
        switch failure {
        case .unavailable(let reason): return fail(reason, unavailableStatus)
        case .noChat(let reason):
            return fail("there is no such chat at \(url.authority)\(url.base): \(reason)", protocolStatus)
        case .refused(let answer):
            return fail(
                "the chat refuses what the load says (serve --message-rate 0 lifts the limit): \(answer)",
                unavailableStatus)
        case .interrupted(let signal): Signals.dieOf(signal)
        }
    }

    /// - Parameter reason: may have words of the server's in it.
    private static func fail(_ reason: String, _ status: Int32) -> Int32 {
        Output.error("chatloop: \(TerminalText.visible(reason))\n")
        return status
    }
}
