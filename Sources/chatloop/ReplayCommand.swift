import Server

/// `chatloop replay FILE`
enum ReplayCommand {
    static func run(_ arguments: [String]) throws(UsageError) -> Int32 {
        var reader = ArgumentReader(arguments)
        var path: String?
        while let argument = try reader.next() {
            switch argument {
            case .option: throw reader.unknown()
            case .positional(let text):
                guard path == nil else { throw UsageError(message: "replay takes one file, not also \"\(text)\"") }
                path = text
            }
        }
        guard let path else { throw UsageError(message: "replay takes the file of a recording") }
        do {
            return report(try Replay.run(file: path), path)
        } catch {
            Output.error("chatloop: cannot read the recording: \(error)\n")
            return 66  // EX_NOINPUT
        }
    }

    private static func report(_ result: Replay.Result, _ path: String) -> Int32 {
        switch result {
        case .agreed(let ticks, let isCut):
            Output.standard(
                "\(ticks) ticks replayed; all of them agree\(isCut ? ". The recording ends in the middle of one" : "")\n"
            )
            return 0
        case .differed(let tick, let now, let fields):
            let names = fields.joined(separator: ", ")
            Output.error(
                "chatloop: tick \(tick), at \(now) ms, came out differently than it was recorded, in: \(names)\n")
            return 1
        case .unreadable(let reason):
            Output.error("chatloop: \(path) is no recording that can be replayed: \(reason)\n")
            return 65  // EX_DATAERR
        }
    }
}
