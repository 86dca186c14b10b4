import Server
import Sockets

/// The command line: `chatloop [COMMAND] [options]`.
enum Chatloop {
    /// EX_USAGE of sysexits(3).
    private static let usageStatus: Int32 = 64

    /// Runs a command.
    ///
    /// - Returns: the exit status.
    static func run(_ arguments: [String]) -> Int32 {
        SharedStream.openMissing()
        switch arguments.first {
        case "--help", "-h", "help":
            Output.standard(Help.overview)
            return 0
        case "--version":
            Output.standard("chatloop \(chatloopVersion)\n")
            return 0
        case let name? where !name.hasPrefix("-"): return run(name, Array(arguments.dropFirst()))
        default: return run("serve", arguments)  // with options alone, or with none
        }
    }

    private static func run(_ name: String, _ arguments: [String]) -> Int32 {
        guard let page = Help.pages[name] else {
            let names = Help.pages.keys.sorted().joined(separator: ", ")
            Output.error("chatloop: there is no command \"\(name)\"; there are \(names)\n")
            return usageStatus
        }
        if arguments.prefix(while: { $0 != "--" }).contains(where: { $0 == "--help" || $0 == "-h" }) {
            Output.standard(page)
            return 0
        }
        do throws(UsageError) {
            return try perform(name, arguments)
        } catch {
            Output.error("chatloop: \(error.message); see chatloop \(name) --help\n")
            return usageStatus
        }
    }

    private static func perform(_ name: String, _ arguments: [String]) throws(UsageError) -> Int32 {
        let environment = ServiceManager.environment
        switch name {
        case "serve": return ServeCommand.run(try ServeCommand.parse(arguments, environment: environment))
        case "talk": return TalkCommand.run(try TalkCommand.parse(arguments, environment: environment))
        case "token": return TokenCommand.run(try TokenCommand.parse(arguments, environment: environment))
        case "bench": return BenchCommand.run(try BenchCommand.parse(arguments))
        case "replay": return try ReplayCommand.run(arguments)
        case "operator": return OperatorCommand.run(try OperatorCommand.parse(arguments, environment: environment))
        case "import": return try ImportCommand.parse(arguments, environment: environment).run()
        case "deploy": return DeployCommand.run(try DeployCommand.parse(arguments))
        default: throw UsageError(message: "there is no command \"\(name)\"")
        }
    }
}
