import Server

/// `chatloop operator [--data DIR | --cluster URL] [--url URL] [--renew]`
struct OperatorCommand {
    private var place = KeptPlace.folder("")
    private var url = "http://127.0.0.1:8080/"
    private var endsOthers = false

    static func parse(
        _ arguments: [String], environment: (String) -> String?
    ) throws(UsageError) -> OperatorCommand {
        var command = OperatorCommand()
        var given: [KeptPlace] = []
        var reader = ArgumentReader(arguments)
        while let argument = try reader.next() {
            switch argument {
            case .positional(let text): throw UsageError(message: "operator takes options only, not \"\(text)\"")
            case .option(let option) where option == "--data" || option == "--cluster":
                given.append(try KeptPlace.parse(option, &reader))
            case .option("--renew"): command.endsOthers = true
            case .option("--url"):
                command.url = try reader.value("the chat's address such as https://chat.example.org/", page)
            case .option: throw reader.unknown()
            }
        }
        command.place = try KeptPlace.choose(given, environment: environment)
        return command
    }

    /// The address of a page, without what may follow it.
    private static func page(_ text: String) -> String? {
        guard let scheme = ["http://", "https://"].first(where: { text.lowercased().hasPrefix($0) }) else { return nil }
        let rest = text.dropFirst(scheme.utf8.count)
        let isClean = rest.utf8.allSatisfy {
            (0x21...0x7E).contains($0) && $0 != UInt8(ascii: "#") && $0 != UInt8(ascii: "?")
        }
        guard isClean, let first = rest.first, first != "/" else { return nil }
        return rest.contains("/") ? text : text + "/"
    }

    /// - Returns: the exit status.
    static func run(_ command: OperatorCommand) -> Int32 {
        do throws(StartFailure) {
            let code = try command.place.makeLink(endsOthers: command.endsOthers)
            Output.standard("\(command.url)#operator=\(code)\n")
            return 0
        } catch {
            Output.error("chatloop: \(error.message)\n")
            return error.kind.rawValue
        }
    }
}
