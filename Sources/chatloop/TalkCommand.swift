import Bytes
import Chat
import Client
import Sockets
import Talk

/// `chatloop talk URL`
enum TalkCommand {
    // As sysexits(3) has them.
    private static let usageStatus: Int32 = 64
    private static let dataStatus: Int32 = 65
    private static let unavailableStatus: Int32 = 69
    private static let outputStatus: Int32 = 74
    private static let protocolStatus: Int32 = 76
    private static let refusedStatus: Int32 = 77

    /// - Parameter readAddress: gives what is typed at the terminal for a URL of `-`; nil where there is no terminal.
    static func parse(
        _ arguments: [String], environment: (String) -> String?, readAddress: () -> String? = typedAddress
    ) throws(UsageError) -> TalkOptions {
        var reader = ArgumentReader(arguments)
        var text: String?
        // https://no-color.org: whatever its value, unless it is empty.
        let isColourless = environment("NO_COLOR").map { !$0.isEmpty } ?? false
        let terminal = environment("TERM") ?? ""
        var edits: [(inout TalkOptions) -> Void] = []
        while let argument = try reader.next() {
            switch argument {
            case .option("--username"):
                let username = try reader.value("a name of 1 to 32 visible characters") { Username($0)?.text }
                edits.append { $0.username = username }
            case .option("--json"): edits.append { $0.isJSON = true }
            case .option("--listen"): edits.append { $0.onlyListens = true }
            case .option("--state"):
                let path = try reader.value("a file") { $0.isEmpty ? nil : $0 }
                edits.append { $0.statePath = path }
            case .option("--password-file"):
                let password = try password(in: try reader.value("a file"))
                edits.append { $0.password = password }
            case .option("--ca"):
                let path = try reader.value("a file") { $0.isEmpty ? nil : $0 }
                edits.append { $0.authoritiesPath = path }
            case .option("--insecure"): edits.append { $0.isInsecure = true }
            case .option: throw reader.unknown()
            case .positional(let positional):
                guard text == nil else {
                    throw UsageError(message: "talk takes one URL, not also \"\(positional)\"")
                }
                text = positional
            }
        }
        guard var text else {
            throw UsageError(message: "talk takes the URL of a chat, such as http://127.0.0.1:8080/")
        }
        if text == "-" {
            guard let typed = readAddress() else {
                throw UsageError(message: "the URL - is read from the terminal, and there is none")
            }
            text = typed
        }
        var options = TalkOptions(
            url: try parse(text), username: nil, allowsColours: !isColourless,
            isDumb: terminal.isEmpty || terminal == "dumb")
        for edit in edits { edit(&options) }
        return options
    }

    /// A chat's URL. What may be a secret in it is not repeated.
    static func parse(_ text: String) throws(UsageError) -> ClientURL {
        let shown = " \"\(text.prefix { $0 != "#" })\""
        let url: ClientURL
        do throws(ClientURL.Fault) {
            url = try ClientURL(text)
        } catch {
            throw UsageError(message: "URL\(error == .userInfo ? "" : shown): \(error)")
        }
        return url
    }

    /// Asks for a URL at the terminal: one with an invitation in it is not for the list of processes.
    private static func typedAddress() -> String? {
        guard Terminal.isThere else { return nil }
        Output.error("URL of the chat: ")
        return Terminal.readLine()?.trimmed
    }

    /// The file's first line, trimmed.
    private static func password(in path: String) throws(UsageError) -> String {
        do throws(SystemError) {
            let bytes = try SmallFile.read(path) ?? []
            let line = bytes.prefix { $0 != UInt8(ascii: "\n") }
            let mark: [UInt8] = [0xEF, 0xBB, 0xBF]
            let password = String(decoding: line.starts(with: mark) ? line.dropFirst(3) : line, as: UTF8.self).trimmed
            guard !password.isEmpty else {
                throw SystemError(code: 0, operation: "find a password in the first line of \(path)")
            }
            return password
        } catch {
            throw UsageError(message: "--password-file: cannot \(error)")
        }
    }

    /// Talks until the user leaves.
    ///
    /// - Returns: the exit status.
    static func run(_ options: TalkOptions) -> Int32 {
        let outcome: TalkOutcome
        do throws(TalkFailure) {
            outcome = try TalkLoop(options).run()
        } catch {
            if let usage = error.usage { return fail("\(usage); see chatloop talk --help", usageStatus) }
            outcome = error.outcome
        }
        switch outcome {
        case .left(refused: 0): return 0
        case .left(let refused):
            return fail("\(refused) of the lines could not be said", dataStatus)
        case .unreachable(let reason):
            return fail(
                "\(reason); is the chat running, and is \(options.url.authority) its address?", unavailableStatus)
        case .noChat(let reason):
            return fail("there is no chat at \(options.url.authority)\(options.url.base): \(reason)", protocolStatus)
        case .nameRefused(let reason): return fail("\(reason) Choose another name with --username", unavailableStatus)
        case .refused(let reason): return fail(reason, refusedStatus)
        case .takenOver: return fail("this session goes on over another connection", unavailableStatus)
        case .notWritten(let reason): return fail(reason, outputStatus)
        }
    }

    private static func fail(_ reason: String, _ status: Int32) -> Int32 {
        // The reason may have words of the server's in it.
        Output.error("chatloop: \(TerminalText.visible(reason))\n")
        return status
    }
}

extension String {
    /// Without white space at its ends.
    fileprivate var trimmed: String {
        var text = self[...]
        while text.first?.isWhitespace == true { text.removeFirst() }
        while text.last?.isWhitespace == true { text.removeLast() }
        return String(text)
    }
}
