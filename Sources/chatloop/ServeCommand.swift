import Page
import Server
import Sockets

/// `chatloop serve`
enum ServeCommand {
    /// Reads the options; those that are not given have the values of the environment or the defaults.
    static func parse(_ arguments: [String], environment: (String) -> String?) throws(UsageError) -> ServeOptions {
        var options = ServeOptions()
        if let host = environment("HOST"), !host.isEmpty {
            (options.host, options.hostSource) = (host, "HOST in the environment")
        }
        var mistake: UsageError?
        if let text = environment("PORT"), !text.isEmpty {
            if let port = UInt16(text) {
                options.port = port
            } else {
                mistake = UsageError(
                    message: "PORT in the environment takes a whole number from 0 to 65535, not \"\(text)\"")
            }
        }
        var reader = ArgumentReader(arguments)
        while let argument = try reader.next() {
            switch argument {
            case .positional(let text): throw UsageError(message: "serve takes options only, not \"\(text)\"")
            case .option(let name):
                try parse(name, &reader, &options)
                // What the environment says of it does not count then.
                if name == "--port" { mistake = nil }
            }
        }
        if let mistake { throw mistake }
        if options.watchesFiles, options.publicFolder == nil {
            throw UsageError(message: "--watch takes a folder to watch: name it with --public")
        }
        return options
    }

    private static func parse(
        _ name: String, _ reader: inout ArgumentReader, _ options: inout ServeOptions
    ) throws(UsageError) {
        switch name {
        case "--host":
            options.host = try reader.value("an address or a name") { $0.isEmpty ? nil : $0 }
            options.hostSource = name
        case "--port": options.port = UInt16(try reader.number(0...65535))
        case "--public": options.publicFolder = try reader.value("a folder") { $0.isEmpty ? nil : $0 }
        case "--data": options.dataFolder = try reader.value("a folder") { $0.isEmpty ? nil : $0 }
        case "--ephemeral": options.isEphemeral = true
        case "--fsync": options.fsync = try reader.choice()
        case "--record": options.recording = try reader.value("a file") { $0.isEmpty ? nil : $0 }
        case "--echo": options.servesEcho = true
        case "--watch": options.watchesFiles = true
        case "--log-level": options.logLevel = try reader.choice()
        case "--metrics": options.metrics = try reader.choice()
        case "--poller":
            options.poller = try reader.value(PollerKind.available.map(\.rawValue).joined(separator: " or ")) { text in
                PollerKind.available.first { $0.rawValue == text }
            }
        default: try parseLimit(name, &reader, &options)
        }
    }

    private static func parseLimit(
        _ name: String, _ reader: inout ArgumentReader, _ options: inout ServeOptions
    ) throws(UsageError) {
        switch name {
        case "--tick-rate":
            options.tickRate = try reader.value("0, or a number from 0.2 to 100000") { text in
                Double(text).flatMap { $0 == 0 || (0.2...100_000).contains($0) ? $0 : nil }
            }
        case "--max-connections": options.maxConnections = try reader.number(1...1_000_000)
        case "--max-connections-per-address": options.maxConnectionsPerAddress = try reader.number(0...1_000_000)
        // A message must hold what the protocol allows to be said, and at most what a length of 31 bits can say.
        case "--max-message": options.maxMessage = try reader.number(1...Int(Int32.max))
        case "--max-queue": options.maxQueue = try reader.number(1...Int(Int32.max))
        case "--max-buffers": options.maxBuffers = try reader.number(1 << 20...1 << 40)
        case "--max-handshakes": options.maxHandshakes = try reader.number(1...1_000_000)
        case "--max-handshakes-per-address": options.maxHandshakesPerAddress = try reader.number(0...1_000_000)
        case "--ping-interval": options.pingInterval = try reader.decimal(0.1...86_400)
        case "--request-timeout": options.requestTimeout = try reader.decimal(0.1...86_400)
        case "--keep-alive": options.keepAlive = try reader.decimal(0.1...86_400)
        case "--join-timeout": options.joinTimeout = try reader.decimal(0.1...86_400)
        case "--close-timeout": options.closeTimeout = try reader.decimal(0.1...86_400)
        default: try parsePolicy(name, &reader, &options)
        }
    }

    private static func parsePolicy(
        _ name: String, _ reader: inout ArgumentReader, _ options: inout ServeOptions
    ) throws(UsageError) {
        switch name {
        case "--connection-rate": options.connectionRate = try reader.decimal(0...1_000_000)
        case "--message-rate": options.messageRate = try reader.decimal(0...1_000_000)
        case "--byte-rate": options.byteRate = try reader.decimal(0...1e12)
        case "--typing-rate": options.typingRate = try reader.decimal(0...1_000_000)
        case "--rename-rate": options.renameRate = try reader.decimal(0...1_000_000)
        case "--history-rate": options.historyRate = try reader.decimal(0...1_000_000)
        case "--error-rate": options.errorRate = try reader.decimal(0...1_000_000)
        case "--origin":
            options.origins.append(
                try reader.value("a web origin such as https://example.org, or *") { text in
                    text == "*" ? text : OriginCheck.canonical(text)
                })
        case "--trust-proxy":
            options.trustedProxies.append(
                try reader.value("an address or a block of addresses such as 10.0.0.0/8") { AddressBlock($0) })
        default: throw reader.unknown()
        }
    }

    /// Serves until a signal asks to stop.
    ///
    /// - Returns: the exit status.
    static func run(_ options: ServeOptions) -> Int32 {
        do {
            let outcome = try serve(options, page: Page.files) { addresses in
                for (index, address) in addresses.enumerated() {
                    let line = "Chatloop is listening on http://\(address)/\n"
                    if index == 0 { Output.standard(line) } else { Output.error(line) }
                    announceNetwork(address)
                }
            }
            switch outcome {
            case .stopped: return 0
            case .killed(let signal): Signals.dieOf(signal)
            case .failed(let failure): return report(failure)
            }
        } catch {
            return report(error)
        }
    }

    private static func report(_ failure: StartFailure) -> Int32 {
        Output.error("chatloop: \(failure.message)\n")
        return failure.kind.rawValue
    }

    /// Bound to all addresses, the server is reached by others under addresses that are worth telling.
    private static func announceNetwork(_ listening: SocketAddress) {
        guard listening.address.isAny else { return }
        for address in NetworkInterfaces.addresses where address.isV4 || !listening.address.isV4 {
            Output.error("On your network: http://\(SocketAddress(address: address, port: listening.port))/\n")
        }
    }
}
