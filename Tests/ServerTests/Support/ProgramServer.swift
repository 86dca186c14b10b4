import Foundation
import Support

/// A server with a data folder, in which programs can have tokens.
final class ProgramServer {
    let folder: TemporaryFolder
    private(set) var server: LiveServer
    private let options: [String]

    init(_ options: String..., poller: PollerChoice = .allCases[0]) throws {
        folder = try TemporaryFolder()
        self.options = ["--data", folder.path + "/data"] + options
        server = try LiveServer(options: self.options, poller: poller)
    }

    var data: String { folder.path + "/data" }

    /// Ends it, and starts it again.
    func restart() throws {
        guard try server.stop() == .exited(0) else { throw Failure("it has not stopped well") }
        server = try LiveServer(options: options)
    }

    /// Runs `chatloop token`.
    func command(_ arguments: String...) throws -> (ending: Child.Ending, output: String, errors: String) {
        let child = try Command.start(["token"] + arguments + ["--data", data])
        child.closeInput()
        let output = try child.rest()
        return (try child.wait(), output, child.allErrors())
    }

    /// A new token.
    func token(_ name: String = "builds") throws -> String {
        let (ending, output, errors) = try command(name)
        guard ending == .exited(0) else { throw Failure(errors) }
        return output.trimmingCharacters(in: .newlines)
    }

    /// A request with content, to be sent.
    func head(_ content: String, to room: String, _ token: String?, _ fields: [String] = []) -> String {
        let authorization = token.map { ["Authorization: Bearer \($0)"] } ?? []
        let length = ["Content-Length: \(content.utf8.count)"]
        return server.head("POST", "/r/\(room)", authorization + length + fields) + content
    }

    /// Posts on a connection of its own.
    func post(
        _ content: String, to room: String = "lobby", _ token: String?, _ fields: String...
    ) throws -> HTTPAnswer {
        let socket = try server.connect()
        try socket.send(head(content, to: room, token, fields + ["Connection: close"]))
        return try socket.answer(to: "POST")
    }
}

/// A program of the system by its name; nil, and a word on it, where it is not there.
func installedProgram(_ name: String) -> String? {
    let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
    let path = folders.map { "\($0)/\(name)" }.first { FileManager.default.isExecutableFile(atPath: $0) }
    if path == nil { print("skipped: there is no \(name) to check against") }
    return path
}
