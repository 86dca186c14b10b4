import Foundation
import TLS

/// Which readiness call a server uses: both are tested wherever they are there.
package enum PollerChoice: String, CaseIterable, Sendable {
    case epoll, poll

    /// Of a server that is built for any POSIX system, `CHATLOOP_POLLERS=poll` says that it has but one.
    package static let allCases: [PollerChoice] = {
        #if os(Linux)
            let told = ProcessInfo.processInfo.environment["CHATLOOP_POLLERS"]
            return told == "poll" ? [.poll] : [.epoll, .poll]
        #else
            return [.poll]
        #endif
    }()
}

/// The real server, in a process of its own, on a free port of this machine, with nothing kept on disk unless it is told
/// a folder. It is gone with its owner.
package final class LiveServer {
    package let child: Child
    package let port: UInt16
    /// What it said first on its standard output.
    package let firstLine: String
    /// With what clients of a test check the server's certificate; nil where it has none.
    private let security: TLSContext?
    private let certificate: TestCertificate?

    /// - Parameter certificate: has the server speak TLS.
    package convenience init(
        _ options: String..., poller: PollerChoice = .allCases[0], environment: [String: String] = [:],
        certificate: TestCertificate? = nil
    ) throws {
        try self.init(options: options, poller: poller, environment: environment, certificate: certificate)
    }

    /// - Parameters:
    ///   - options: those of `serve`; a free port, metrics for this machine and nothing kept on disk, where they say nothing
    ///     else.
    ///     Limits that no option changes are told in another way (see `limits`).
    ///   - wrapper: a program, by its path, and its arguments, which runs the server in its own process.
    package init(
        options: [String], poller: PollerChoice = .allCases[0], environment: [String: String] = [:],
        under wrapper: [String] = [], certificate: TestCertificate? = nil
    ) throws {
        self.certificate = certificate
        security = try certificate.map { _ in try TLSContext(isInsecure: true) }
        let pair = certificate.map { ["--tls-cert", $0.certificateFile, "--tls-key", $0.keyFile] } ?? []
        let keeps = ["--data", "--ephemeral", "--cluster"].contains { options.contains($0) }
        let (options, limits) = Self.separate(options)
        let port = options.contains("--port") ? [] : ["--port", "0"]
        let line =
            try wrapper + [Command.path(), "serve", "--poller", poller.rawValue] + port
            + (keeps ? [] : ["--ephemeral"]) + (options.contains("--metrics") ? [] : ["--metrics", "loopback"])
            + options + pair
        child = try Child(line[0], Array(line.dropFirst()), environment: environment.merging(limits) { $1 })
        firstLine = try child.line()
        guard let colon = firstLine.lastIndex(of: ":"),
            let number = UInt16(firstLine[colon...].dropFirst().prefix { $0 != "/" })
        else { throw Failure("the first line is \(firstLine)") }
        self.port = number
    }

    /// What is no option of `serve`: a debug build takes it from the environment, so that a test need not wait as long.
    private static let limits: Set<String> = [
        "--max-buffers", "--request-timeout",
        "--keep-alive", "--join-timeout", "--close-timeout", "--byte-rate", "--typing-rate", "--rename-rate",
        "--history-rate", "--error-rate", "--reading-rate",
    ]

    private static func separate(_ arguments: [String]) -> (options: [String], environment: [String: String]) {
        var (options, limits): ([String], [String]) = ([], [])
        var rest = arguments[...]
        while let argument = rest.popFirst() {
            if Self.limits.contains(argument) {
                limits.append("\(argument.dropFirst(2))=\(rest.popFirst() ?? "")")
            } else {
                options.append(argument)
            }
        }
        return (options, limits.isEmpty ? [:] : ["CHATLOOP_TEST_LIMITS": limits.joined(separator: " ")])
    }

    /// Of the lobby's page.
    package var url: String { "http://127.0.0.1:\(port)/" }

    /// Asks it to stop, and waits until it has.
    @discardableResult
    package func stop(_ signal: Int32 = SIGTERM) throws -> Child.Ending {
        child.signal(signal)
        return try child.wait()
    }

    /// Ends it as a power cut would end its process.
    package func crash() throws {
        child.signal(SIGKILL)
        _ = try child.wait()
    }

    /// A new connection to it, with TLS where the server has a certificate.
    package func connect(receiveBuffer: Int32? = nil) throws -> TestSocket {
        let socket = try TestSocket(port: port, receiveBuffer: receiveBuffer)
        if let security { try socket.open(TLSConnection(to: "localhost", in: security)) }
        return socket
    }

    // MARK: HTTP

    /// One request on a connection of its own.
    package func request(
        _ method: String = "GET", _ target: String, _ fields: [String] = []
    ) throws -> HTTPAnswer {
        let socket = try connect()
        try socket.send(head(method, target, fields + ["Connection: close"]))
        return try socket.answer(to: method)
    }

    /// A request's head.
    package func head(_ method: String = "GET", _ target: String, _ fields: [String] = []) -> String {
        (["\(method) \(target) HTTP/1.1", "Host: 127.0.0.1:\(port)"] + fields).map { $0 + "\r\n" }.joined() + "\r\n"
    }

    /// A number out of `/metrics`.
    package func metric(_ name: String) throws -> Double {
        let text = try request("GET", "/metrics").text
        for line in text.split(separator: "\n") where line.hasPrefix("\(name) ") || line.hasPrefix("chatloop_\(name) ")
        {
            return Double(line.split(separator: " ").last ?? "") ?? .nan
        }
        throw Failure("there is no metric \(name) in \(text)")
    }
}

/// A response, as it came.
package struct HTTPAnswer {
    package var status: Int
    /// By name in lower case.
    package var fields: [String: String]
    package var body: [UInt8]

    /// The body.
    package var text: String { String(decoding: body, as: UTF8.self) }
    /// A header field's value.
    package subscript(name: String) -> String? { fields[name.lowercased()] }
}
