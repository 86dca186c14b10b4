import Chat
import Cluster
import Page
import Server
import Sockets

/// `chatloop serve`
enum ServeCommand {
    /// Reads the options; those that are not given have the values of the environment or the defaults.
    static func parse(_ arguments: [String], environment: (String) -> String?) throws(UsageError) -> ServeOptions {
        var options = ServeOptions()
        // What the environment says does not count where an option says it, right or wrong.
        var mistakes: [String: UsageError] = [:]
        if let host = environment("HOST"), !host.isEmpty {
            (options.host, options.hostSource) = (host, "HOST in the environment")
        }
        if let text = environment("PORT"), !text.isEmpty {
            if let port = UInt16(text) {
                options.port = port
            } else {
                mistakes["--port"] = UsageError(
                    message: "PORT in the environment takes a whole number from 0 to 65535, not \"\(text)\"")
            }
        }
        if let text = environment("CHATLOOP_CLUSTER"), !text.isEmpty {
            options.cluster = ClusterAddress(text)
            // Not what it is: there may be a password in it.
            if options.cluster == nil {
                mistakes["--cluster"] = UsageError(
                    message: "CHATLOOP_CLUSTER in the environment takes \(ClusterAddress.form)")
            }
        }
        #if DEBUG
            try readTestLimits(environment("CHATLOOP_TEST_LIMITS") ?? "", &options)
        #endif
        var reader = ArgumentReader(arguments)
        while let argument = try reader.next() {
            switch argument {
            case .positional(let text):
                // There may be a password in it.
                let shown = ClusterAddress(text) == nil ? "\"\(text)\"" : "an engine's address: --cluster is missing"
                throw UsageError(message: "serve takes options only, not \(shown)")
            case .option(let name):
                try parse(name, &reader, &options)
                mistakes[name] = nil
            }
        }
        if let mistake = mistakes.values.first { throw mistake }
        if let fault = fault(options) { throw UsageError(message: fault) }
        return options
    }

    /// What does not go together.
    private static func fault(_ options: ServeOptions) -> String? {
        if options.watchesFiles, options.publicFolder == nil {
            return "--watch takes a folder to watch: name it with --public"
        }
        if options.tlsCertificate != nil, options.tlsKey == nil {
            return "--tls-cert takes its key: name it with --tls-key"
        }
        if options.tlsKey != nil, options.tlsCertificate == nil {
            return "--tls-key takes its certificate: name it with --tls-cert"
        }
        guard options.cluster != nil else {
            if options.node != nil { return "--node is the name of a node of a cluster: name that with --cluster" }
            return options.reusesPort ? "--reuse-port is for nodes of a cluster: name that with --cluster" : nil
        }
        if options.isEphemeral { return "--cluster keeps everything, and --ephemeral nothing: only one of them can be" }
        if options.recording != nil { return "--record is for a single server, and not for a node of a cluster" }
        if options.keepDays == nil, options.keepBytes == nil {
            return "--cluster takes a bound for its memory: give --keep-days or --keep-bytes"
        }
        return nil
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
        case "--message-rate": options.messageRate = try reader.decimal(0...1_000_000)
        case "--ping-interval": options.pingInterval = try reader.decimal(0.1...86_400)
        case "--origin": options.origins.append(try parseOrigin(&reader))
        case "--trust-proxy":
            options.trustedProxies.append(
                try reader.value("an address or a block of addresses such as 10.0.0.0/8") { AddressBlock($0) })
        default: try parseRooms(name, &reader, &options)
        }
    }

    private static func parseOrigin(_ reader: inout ArgumentReader) throws(UsageError) -> String {
        let text = try reader.value("a web origin")
        if let origin = text == "*" ? text : OriginCheck.canonical(text) { return origin }
        var shorter = text[...]
        while shorter.hasSuffix("/") { shorter.removeLast() }
        if OriginCheck.canonical(String(shorter)) != nil {
            throw UsageError(message: "--origin takes \(shorter) without the slash at its end, not \"\(text)\"")
        }
        throw UsageError(message: "--origin takes a web origin such as https://example.org, or *, not \"\(text)\"")
    }

    private static func parseRooms(
        _ name: String, _ reader: inout ArgumentReader, _ options: inout ServeOptions
    ) throws(UsageError) {
        switch name {
        case "--rooms":
            options.rooms = try reader.value("names of rooms with commas between (a to z, 0 to 9 and -, up to 32)") {
                text in
                var names: [String] = []
                for name in text.split(separator: ",", omittingEmptySubsequences: false).map(String.init) {
                    guard RoomName.isValid(Array(name.utf8).span) else { return nil }
                    if !names.contains(name) { names.append(name) }
                }
                return names
            }
        case "--max-rooms": options.maxRooms = try reader.number(1...10_000_000)
        case "--keep-days": options.keepDays = try reader.number(1...36_500)
        case "--keep-bytes": options.keepBytes = try reader.number(1...1 << 50)
        case "--pairing": options.pairsStrangers = true
        case "--password-file": options.passwordFile = try reader.value("a file") { $0.isEmpty ? nil : $0 }
        case "--tls-cert": options.tlsCertificate = try reader.value("a PEM file") { $0.isEmpty ? nil : $0 }
        case "--tls-key": options.tlsKey = try reader.value("a PEM file") { $0.isEmpty ? nil : $0 }
        case "--cluster": options.cluster = try KeptPlace.address(&reader)
        case "--node":
            options.node = try reader.value("a name of 1 to 64 visible ASCII characters") { text in
                (1...64).contains(text.utf8.count) && text.utf8.allSatisfy { (0x21...0x7E).contains($0) } ? text : nil
            }
        case "--reuse-port": options.reusesPort = true
        default: throw reader.unknown()
        }
    }

    #if DEBUG
        /// What tests make small in debug builds, as `NAME=VALUE` with blanks between.
        private static func readTestLimits(_ text: String, _ options: inout ServeOptions) throws(UsageError) {
            var reader = ArgumentReader(text.split(separator: " ").map { "--\($0)" })
            while case .option(let name) = try reader.next() {
                let value = try reader.decimal(0...1e12)
                switch name {
                case "--max-buffers": options.maxBuffers = Int(value)
                case "--request-timeout": options.requestTimeout = value
                case "--keep-alive": options.keepAlive = value
                case "--join-timeout": options.joinTimeout = value
                case "--close-timeout": options.closeTimeout = value
                case "--byte-rate": options.byteRate = value
                case "--typing-rate": options.typingRate = value
                case "--rename-rate": options.renameRate = value
                case "--history-rate": options.historyRate = value
                case "--error-rate": options.errorRate = value
                case "--reading-rate": options.readingRate = value
                default: throw reader.unknown()
                }
            }
        }
    #endif

    /// Serves until a signal asks to stop.
    ///
    /// - Returns: the exit status.
    static func run(_ options: ServeOptions) -> Int32 {
        var options = options
        if options.isEphemeral { options.operatorCode = OperatorLink.makeCode() }
        let (scheme, code) = (options.scheme, options.operatorCode)
        do {
            let outcome = try serve(options, page: Page.files) { addresses in
                for (index, address) in addresses.enumerated() {
                    let line = "Chatloop is listening on \(scheme)://\(address)/\n"
                    if index == 0 { Output.standard(line) } else { Output.error(line) }
                    announceNetwork(address, scheme)
                }
                if let code, let address = addresses.first {
                    Output.error(
                        "Whoever opens this within an hour is an operator: \(scheme)://\(address)/#operator=\(code)\n")
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
    private static func announceNetwork(_ listening: SocketAddress, _ scheme: String) {
        guard listening.address.isAny else { return }
        for address in NetworkInterfaces.addresses where address.isV4 || !listening.address.isV4 {
            Output.error("On your network: \(scheme)://\(SocketAddress(address: address, port: listening.port))/\n")
        }
    }
}
