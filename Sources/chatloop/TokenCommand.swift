import Bytes
import Chat
import Log
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
        var folder: String
    }

    // As sysexits(3) has them.
    private static let usageStatus: Int32 = 64
    private static let cannotCreateStatus: Int32 = 73
    private static let noPermissionStatus: Int32 = 77

    static func parse(_ arguments: [String]) throws(UsageError) -> Task {
        var reader = ArgumentReader(arguments)
        var (name, folder, removes, lists): (String?, String, Bool, Bool) = (nil, ".chatloop", false, false)
        while let argument = try reader.next() {
            switch argument {
            case .option("--data"): folder = try reader.value("a folder") { $0.isEmpty ? nil : $0 }
            case .option("--remove"): removes = true
            case .option("--list"): lists = true
            case .option: throw reader.unknown()
            case .positional(let text):
                guard name == nil else { throw UsageError(message: "token takes one name, not also \"\(text)\"") }
                name = text
            }
        }
        guard let name else {
            guard lists, !removes else { throw UsageError(message: "token takes the name of a program, or --list") }
            return Task(action: .list, folder: folder)
        }
        if lists { throw UsageError(message: "--list takes no name, but has \"\(name)\"") }
        guard let username = Username(name) else {
            throw UsageError(message: "token takes a name of 1 to 32 visible characters, not \"\(name)\"")
        }
        if username.isReserved {
            throw UsageError(message: "the name \"\(name)\", or one like it, is the server's own")
        }
        return Task(action: removes ? .remove(username) : .make(username), folder: folder)
    }

    /// - Returns: the exit status.
    static func run(_ task: Task) -> Int32 {
        do throws(StorageError) {
            switch task.action {
            case .make(let name): return try make(name, in: task.folder)
            case .remove(let name):
                let isThere = try tokens(in: task.folder).contains { $0.username.isSame(as: name) }
                guard isThere else {
                    return fail("there is no token of the name \"\(name.text)\"", usageStatus)
                }
                _ = try TokenFile.change(in: task.folder) { file in
                    file.tokens.removeAll { $0.username.isSame(as: name) }
                    return true
                }
                return 0
            case .list:
                for token in try tokens(in: task.folder) {
                    Output.standard("\(Clock.iso8601(token.made))  \(token.username.text)\n")
                }
                return 0
            }
        } catch {
            return fail(error.description, error.isPermission ? noPermissionStatus : cannotCreateStatus)
        }
    }

    private static func tokens(in folder: String) throws(StorageError) -> [TokenFile.Token] {
        try TokenFile.read(TokenFile.path(in: folder), FileStorage()).tokens
    }

    private static func make(_ name: Username, in folder: String) throws(StorageError) -> Int32 {
        var entropy = Entropy()
        let token = UInt128(entropy.next()) << 64 | UInt128(entropy.next())
        var other: Username?
        let isMade = try TokenFile.change(in: folder) { file in
            file.tokens.removeAll { $0.username.isSame(as: name) }
            other = file.tokens.first { $0.username.looksLike(name) }?.username
            guard other == nil else { return false }
            file.tokens.append(
                TokenFile.Token(username: name, digest: TokenFile.digest(of: token), made: Clock.wall))
            return true
        }
        guard isMade else {
            return fail("the name \"\(name.text)\" looks like \"\(other?.text ?? "")\", which has a token", usageStatus)
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
