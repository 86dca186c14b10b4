import Bytes
import Chat
import Log
import Server
import Sockets

/// `chatloop token NAME`: with what a program may post.
enum TokenCommand {
    enum Action {
        case make(Username)
        case remove(Username)
        case list
    }

    struct Task {
        var action: Action
        var place: KeptPlace
    }

    // As sysexits(3) has it.
    private static let usageStatus: Int32 = 64

    static func parse(_ arguments: [String], environment: (String) -> String?) throws(UsageError) -> Task {
        var reader = ArgumentReader(arguments)
        var (name, given, removes, lists): (String?, [KeptPlace], Bool, Bool) = (nil, [], false, false)
        while let argument = try reader.next() {
            switch argument {
            case .option(let option) where option == "--data" || option == "--cluster":
                given.append(try KeptPlace.parse(option, &reader))
            case .option("--remove"): removes = true
            case .option("--list"): lists = true
            case .option: throw reader.unknown()
            case .positional(let text):
                guard name == nil else { throw UsageError(message: "token takes one name, not also \"\(text)\"") }
                name = text
            }
        }
        let place = try KeptPlace.choose(given, environment: environment)
        guard let name else {
            guard lists, !removes else { throw UsageError(message: "token takes the name of a program, or --list") }
            return Task(action: .list, place: place)
        }
        if lists { throw UsageError(message: "--list takes no name, but has \"\(name)\"") }
        guard let username = Username(name) else {
            throw UsageError(message: "token takes a name of 1 to 32 visible characters, not \"\(name)\"")
        }
        if username.isReserved {
            throw UsageError(message: "the name \"\(name)\", or one like it, is the server's own")
        }
        return Task(action: removes ? .remove(username) : .make(username), place: place)
    }

    /// - Returns: the exit status.
    static func run(_ task: Task) -> Int32 {
        do throws(StartFailure) {
            switch task.action {
            case .make(let name): return try make(name, in: task.place)
            case .remove(let name):
                let isThere = try task.place.tokens().contains { $0.username.isSame(as: name) }
                guard isThere else {
                    return fail("there is no token of the name \"\(name.text)\"", usageStatus)
                }
                _ = try task.place.set(nil, of: name, made: 0)
                return 0
            case .list:
                for token in try task.place.tokens() {
                    Output.standard("\(Clock.iso8601(token.made))  \(token.username.text)\n")
                }
                return 0
            }
        } catch {
            return fail(error.message, error.kind.rawValue)
        }
    }

    private static func make(_ name: Username, in place: KeptPlace) throws(StartFailure) -> Int32 {
        var entropy = Entropy()
        let token = UInt128(entropy.next()) << 64 | UInt128(entropy.next())
        if let other = try place.set(token, of: name, made: Clock.wall) {
            return fail("the name \"\(name.text)\" looks like \"\(other.text)\", which has a token", usageStatus)
        }
        var text: [UInt8] = []
        text.append(hexadecimal: token)
        Output.standard(String(decoding: text, as: UTF8.self) + "\n")
        return 0
    }

    private static func fail(_ reason: String, _ status: Int32) -> Int32 {
        Output.error("chatloop: \(reason)\n")
        return status
    }
}
