// Compiled and run by Tests/Perf/micro.

import Bytes
import Chat
import HTTP
import Sockets
import TLS
import WebSocket

/// How fast the parts are that every byte goes through, each by itself, beside a plain copy of memory in the same run.
struct MicroBenchmarks {
    /// One part's speed.
    struct Result {
        enum Unit: String {
            case gigabytesPerSecond = "GB/s"
            case nanoseconds = "ns"
        }

        let name: String
        let unit: Unit
        let value: Double
    }

    private let seconds: Double
    private var results: [Result] = []
    /// Something of every result goes in here, so that no work can be left out as useless.
    private var checksum = 0
    private let inflater: Inflater
    private let folder: String

    /// - Parameters:
    ///   - seconds: how long in all.
    ///   - folder: where `cert.pem` and `key.pem` are, if anywhere.
    /// - Returns: nil if there is not enough memory.
    init?(seconds: Double, folder: String) {
        guard let inflater = Inflater() else { return nil }
        self.inflater = inflater
        self.seconds = seconds
        self.folder = folder
    }

    /// Measures everything.
    mutating func run() -> [Result] {
        bytes()
        frames()
        requests()
        json()
        do { try tls() } catch { print("TLS is not measured: \(error)") }
        return results
    }

    // MARK: Measuring

    private static let rounds = 5
    /// How many are measured.
    private static let parts = 14.0

    /// Runs `body` again and again; the best of a few rounds counts, since others can only make it slower.
    ///
    /// - Parameter body: does the work `count` times, and returns something that depends on it.
    private mutating func measure(_ body: (_ count: Int) -> Int) -> Double {
        let time = Int64(seconds * 1e9 / Self.parts / Double(Self.rounds + 1))
        var count = 1
        // How often it goes within a round.
        while true {
            let start = Clock.monotonic
            checksum &+= body(count)
            let taken = Clock.monotonic - start
            if taken >= time / 2 { break }
            count *= 2
        }
        var best = Double.infinity
        for _ in 0..<Self.rounds {
            let start = Clock.monotonic
            checksum &+= body(count)
            best = min(best, Double(Clock.monotonic - start) / Double(count))
        }
        return best
    }

    private mutating func throughput(_ name: String, of size: Int, _ body: (Int) -> Int) {
        results.append(Result(name: name, unit: .gigabytesPerSecond, value: Double(size) / measure(body)))
    }

    private mutating func time(_ name: String, each parts: Int = 1, _ body: (Int) -> Int) {
        results.append(Result(name: name, unit: .nanoseconds, value: measure(body) / Double(parts)))
    }

    // MARK: The parts

    /// As large as what a socket gives at once.
    private static let blockSize = 64 * 1024

    private mutating func bytes() {
        let block = [UInt8](repeating: UInt8(ascii: "x"), count: Self.blockSize)
        let mixed = Array(String(repeating: "Grüße, 世界 🌍! ", count: Self.blockSize / 24).utf8)
        var target: [UInt8] = []
        target.reserveCapacity(Self.blockSize)
        throughput("memory copy", of: block.count) { count in
            for _ in 0..<count {
                target.removeAll(keepingCapacity: true)
                target.append(copying: block.span)
            }
            return target.count
        }
        let key = MaskingKey(0x9A3C_71E5)
        throughput("mask", of: block.count) { count in
            for _ in 0..<count {
                target.removeAll(keepingCapacity: true)
                key.append(block.span, to: &target)
            }
            return target.count
        }
        for (name, text) in [("UTF-8, ASCII", block), ("UTF-8, mixed", mixed)] {
            throughput(name, of: text.count) { count in
                (0..<count).reduce(0) { sum, _ in sum + (UTF8Validator.isValid(text.span) ? 1 : 0) }
            }
        }
        throughput("SHA-1", of: block.count) { count in
            (0..<count).reduce(0) { sum, _ in sum + Int(SHA1.digest(of: block.span)[0]) }
        }
    }

    private mutating func frames() {
        let text = Array("{\"type\":\"message\",\"text\":\"\(String(repeating: "x", count: 64))\"}".utf8)
        let frames = 500
        var input: [UInt8] = []
        for key in 0..<UInt32(frames) {
            Frame.appendMasked(to: &input, opcode: .text, payload: text.span, key: key &* 0x9E37_79B9)
        }
        var arena: [UInt8] = []
        let inflater = inflater
        time("frame around 92 bytes, read", each: frames) { count in
            var reader = MessageReader(role: .server, deflate: false)
            var sum = 0
            for _ in 0..<count {
                var offset = 0
                arena.removeAll(keepingCapacity: true)
                while case .text(let range) = reader.next(
                    in: input.span, at: &offset, into: &arena, maxMessage: 65536, inflater: inflater)
                {
                    sum &+= range.count
                }
            }
            return sum
        }
        var output: [UInt8] = []
        time("frame around 92 bytes, written", each: frames) { count in
            for _ in 0..<count {
                output.removeAll(keepingCapacity: true)
                for _ in 0..<frames { Frame.append(to: &output, opcode: .text, payload: text.span) }
            }
            return output.count
        }
    }

    private mutating func requests() {
        var request: [UInt8] = []
        RequestWriter.appendGet(
            to: &request, target: "/chat?room=lobby", host: "127.0.0.1:8080",
            fields: ClientHandshake(nonce: SIMD16(repeating: 7), subprotocols: ["chatloop.v1"], deflate: true)
                .requestFields.map { ($0.name, $0.value) } + [
                    ("Origin", "http://127.0.0.1:8080"), ("User-Agent", "Mozilla/5.0 (X11; Linux x86_64)"),
                ])
        time("upgrade request, parsed") { count in
            var parser = RequestParser()
            var sum = 0
            for _ in 0..<count {
                var offset = 0
                if parser.next(in: request.span, at: &offset, maxContent: 0) != nil { sum &+= offset }
            }
            return sum
        }
        let key = Array("dGhlIHNhbXBsZSBub25jZQ==".utf8)
        time("handshake's answer to a key") { count in
            (0..<count).reduce(0) { sum, _ in sum &+ (Handshake.acceptKey(for: key.span)?.count ?? 0) }
        }
    }

    private mutating func json() {
        let text = Array("{\"type\":\"message\",\"text\":\"\(String(repeating: "x", count: 64))\",\"id\":\"m1\"}".utf8)
        time("message's JSON, scanned") { count in
            var sum = 0
            for _ in 0..<count {
                var offset = 0
                _ = JSONScanner.members(text.span, &offset) { _, value in sum &+= value.range.count }
            }
            return sum
        }
        var output: [UInt8] = []
        let content = [UInt8](repeating: UInt8(ascii: "x"), count: 64)
        time("message's JSON, written") { count in
            for _ in 0..<count {
                output.removeAll(keepingCapacity: true)
                output.append("{\"type\":\"message\",\"text\":")
                output.append(quoting: content.span)
                output.append(UInt8(ascii: "}"))
            }
            return output.count
        }
    }
}

extension MicroBenchmarks {
    /// Both ends of a connection in memory.
    private static func connect(_ client: TLSContext, _ server: TLSContext) throws(TLSError) -> [TLSConnection] {
        let ends = [try TLSConnection(to: "localhost", in: client), try TLSConnection(serving: server)]
        var wire: [UInt8] = []
        try ends[0].start(sending: &wire)
        for turn in 1...4 where !wire.isEmpty {
            var reply: [UInt8] = []
            _ = try receive(wire, ends[turn % 2], &reply)
            wire = reply
        }
        return ends
    }

    private static func receive(_ bytes: [UInt8], _ end: TLSConnection, _ reply: inout [UInt8]) throws(TLSError) -> Int
    {
        var plaintext = [UInt8](repeating: 0, count: TLSConnection.room(for: bytes.count))
        var span = plaintext.mutableSpan
        return try end.receive(bytes.span, into: &span, sending: &reply)
    }

    fileprivate mutating func tls() throws(TLSError) {
        let server = try TLSContext(certificate: "\(folder)/cert.pem", key: "\(folder)/key.pem")
        let client = try TLSContext(isInsecure: true)
        time("TLS handshake, both ends") { count in
            (0..<count).reduce(0) { sum, _ in sum + ((try? Self.connect(client, server).count) ?? 0) }
        }
        let ends = try Self.connect(client, server)
        let frame = [UInt8](repeating: UInt8(ascii: "x"), count: 120)
        var wire: [UInt8] = []
        time("TLS, 120 bytes encrypted") { count in
            for _ in 0..<count {
                wire.removeAll(keepingCapacity: true)
                try? ends[1].send(frame.span, into: &wire)
            }
            return wire.count
        }
        // What was encrypted so far will never arrive, so this is another connection.
        let others = try Self.connect(client, server)
        time("TLS, 120 bytes there and back") { count in
            var sum = 0
            for _ in 0..<count {
                for (from, to) in [(0, 1), (1, 0)] {
                    wire.removeAll(keepingCapacity: true)
                    var reply: [UInt8] = []
                    try? others[from].send(frame.span, into: &wire)
                    sum += (try? Self.receive(wire, others[to], &reply)) ?? 0
                }
            }
            return sum
        }
    }
}

@main
enum Micro {
    /// The arguments: seconds in all, and the folder of a certificate for TLS. Prints a table, with each throughput's ratio to the
    /// copy of memory.
    static func main() {
        let arguments = CommandLine.arguments.dropFirst()
        let seconds = arguments.first.flatMap(Double.init) ?? 5
        guard var benchmarks = MicroBenchmarks(seconds: seconds, folder: arguments.dropFirst().first ?? ".") else {
            return print("there is not enough memory")
        }
        let results = benchmarks.run()
        let copy = results.first?.value ?? 1
        for result in results {
            let name = result.name + String(repeating: " ", count: max(1, 30 - result.name.count))
            let value = (result.value * 10).rounded() / 10
            let ratio = (result.value / copy * 100).rounded() / 100
            print(
                "\(name)\(value) \(result.unit.rawValue)\(result.unit == .gigabytesPerSecond ? "  (\(ratio) of a copy)" : "")"
            )
        }
    }
}
