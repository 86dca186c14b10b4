import Foundation
import Testing

/// Which readiness call a server uses: both are tested wherever they are there.
enum PollerChoice: String, CaseIterable, CustomTestStringConvertible {
    #if os(Linux)
        case epoll
    #endif
    case poll

    var testDescription: String { rawValue }
}

/// The real server, in a process of its own, on a free port of this machine, with nothing kept on disk unless it is told
/// a folder. It is gone with its owner.
final class LiveServer {
    let child: Child
    let port: UInt16
    let firstLine: String

    init(_ options: String..., poller: PollerChoice = .allCases[0], environment: [String: String] = [:]) throws {
        let keeps = options.contains("--data") || options.contains("--ephemeral")
        let port = options.contains("--port") ? [] : ["--port", "0"]
        child = try Command.start(
            ["serve", "--poller", poller.rawValue] + port + (keeps ? [] : ["--ephemeral"]) + options,
            environment: environment)
        firstLine = try child.line()
        guard let colon = firstLine.lastIndex(of: ":"),
            let number = UInt16(firstLine[colon...].dropFirst().prefix { $0 != "/" })
        else { throw Failure("the first line is \(firstLine)") }
        self.port = number
    }

    var url: String { "http://127.0.0.1:\(port)/" }

    /// Asks it to stop, and waits until it has.
    @discardableResult
    func stop(_ signal: Int32 = SIGTERM) throws -> Child.Ending {
        child.signal(signal)
        return try child.wait()
    }

    /// Ends it as a power cut would end its process.
    func crash() throws {
        child.signal(SIGKILL)
        _ = try child.wait()
    }

    // MARK: HTTP

    /// One request on a connection of its own.
    func request(
        _ method: String = "GET", _ target: String, _ fields: [String] = []
    ) throws -> HTTPAnswer {
        let socket = try TestSocket(port: port)
        try socket.send(head(method, target, fields + ["Connection: close"]))
        return try socket.answer(to: method)
    }

    /// A request's head.
    func head(_ method: String = "GET", _ target: String, _ fields: [String] = []) -> String {
        (["\(method) \(target) HTTP/1.1", "Host: 127.0.0.1:\(port)"] + fields).map { $0 + "\r\n" }.joined() + "\r\n"
    }

    /// A number out of `/metrics`.
    func metric(_ name: String) throws -> Double {
        let text = try request("GET", "/metrics").text
        for line in text.split(separator: "\n") where line.hasPrefix("\(name) ") || line.hasPrefix("chatloop_\(name) ")
        {
            return Double(line.split(separator: " ").last ?? "") ?? .nan
        }
        throw Failure("there is no metric \(name) in \(text)")
    }
}

/// A response, as it came.
struct HTTPAnswer {
    var status: Int
    /// By name in lower case.
    var fields: [String: String]
    var body: [UInt8]

    var text: String { String(decoding: body, as: UTF8.self) }
    subscript(name: String) -> String? { fields[name.lowercased()] }
}
