import Chat
import Client
import Sockets

/// `chatloop talk URL`
enum TalkCommand {
    // As sysexits(3) has them.
    private static let dataStatus: Int32 = 65
    private static let unavailableStatus: Int32 = 69
    private static let protocolStatus: Int32 = 76

    static func parse(_ arguments: [String], environment: (String) -> String?) throws(UsageError) -> TalkOptions {
        var reader = ArgumentReader(arguments)
        var (url, username): (ClientURL?, String?)
        while let argument = try reader.next() {
            switch argument {
            case .option("--username"):
                username = try reader.value("a name of 1 to 32 visible characters") { Username($0)?.text }
            case .option: throw reader.unknown()
            case .positional(let text):
                guard url == nil else { throw UsageError(message: "talk takes one URL, not also \"\(text)\"") }
                url = try parse(text)
            }
        }
        guard let url else { throw UsageError(message: "talk takes the URL of a chat, such as http://127.0.0.1:8080/") }
        // https://no-color.org: whatever its value, unless it is empty.
        let isColourless = environment("NO_COLOR").map { !$0.isEmpty } ?? false
        let terminal = environment("TERM") ?? ""
        return TalkOptions(
            url: url, username: username, allowsColours: !isColourless, isDumb: terminal.isEmpty || terminal == "dumb")
    }

    /// A chat's URL.
    static func parse(_ text: String) throws(UsageError) -> ClientURL {
        do throws(ClientURL.Fault) {
            return try ClientURL(text)
        } catch {
            throw UsageError(message: "URL \"\(text)\": \(error)")
        }
    }

    /// Talks until the person leaves.
    ///
    /// - Returns: the exit status.
    static func run(_ options: TalkOptions) -> Int32 {
        let outcome: TalkOutcome
        do throws(SystemError) {
            outcome = try TalkLoop(options).run()
        } catch {
            outcome = .unreachable("cannot \(error)")
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
        case .takenOver: return fail("this session goes on over another connection", unavailableStatus)
        }
    }

    private static func fail(_ reason: String, _ status: Int32) -> Int32 {
        // The reason may have words of the server's in it.
        Output.error("chatloop: \(TerminalText.visible(reason))\n")
        return status
    }
}
