import Support
import Testing

@testable import TLS

@Suite(.needsOpenSSL) struct TLSConnectionTests {
    private let certificate: TestCertificate
    private let server: TLSContext
    private let client: TLSContext

    init() throws {
        certificate = try TestCertificate()
        server = try TLSContext(certificate: certificate.certificateFile, key: certificate.keyFile)
        client = try TLSContext(authorities: certificate.certificateFile)
    }

    private func open(pieces: Int = .max, host: String = "localhost") throws -> Pair {
        let pair = try Pair(client, server, host: host)
        try pair.run(pieces: pieces)
        #expect(pair.client.state == .open && pair.server.state == .open)
        return pair
    }

    // MARK: Handshakes and bytes

    @Test func bothEndsAgreeOnTheNewestVersionAndHTTP() throws {
        let pair = try open()
        for end in [pair.client, pair.server] {
            #expect(end.version == "TLSv1.3")
            #expect(end.applicationProtocol == "http/1.1")
        }
    }

    @Test(arguments: [1, 2, 3, 5, 16, 100, 1000, .max]) func bytesArriveAsTheyWereSentInPiecesOfAnySize(size: Int)
        throws
    {
        let pair = try open(pieces: size)
        for count in [1, 125, 16_384, 16_385, 70_000] {
            let up = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 7) }
            let down = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 11) }
            try pair.say(up, by: \.client)
            try pair.say(down, by: \.server)
            try pair.run(pieces: size)
            #expect(pair.heardByServer == up)
            #expect(pair.heardByClient == down)
            pair.heardByServer = []
            pair.heardByClient = []
        }
    }

    /// Each flight of the handshake, and records after it, cut in two at every place.
    @Test func everySplitOfAHandshakeAndARecordMakesNoDifference() throws {
        let hello = try Pair(client, server).onTheWay.toServer
        for cut in 0...hello {
            let pair = try Pair(client, server)
            try pair.bringToServer(splitAt: cut)
            // How long the answer is differs: signatures do.
            let answer = pair.onTheWay.toClient
            try pair.bringToClient(splitAt: answer * cut / hello)
            try pair.bringToServer(splitAt: pair.onTheWay.toServer * cut / hello)
            #expect(pair.server.state == .open && pair.client.state == .open)
            try pair.say(Array("up".utf8), by: \.client)
            try pair.bringToServer(splitAt: pair.onTheWay.toServer * cut / hello)
            #expect(pair.heardByServer == Array("up".utf8))
        }
    }

    @Test func everySplitOfTheServersFlightMakesNoDifference() throws {
        for cut in 0..<2500 {
            let pair = try Pair(client, server)
            try pair.bringToServer(splitAt: .max)
            guard cut <= pair.onTheWay.toClient else { break }
            try pair.bringToClient(splitAt: cut)
            #expect(pair.client.state == .open)
        }
    }

    @Test func everySplitOfTwoRecordsMakesNoDifference() throws {
        let pair = try open()
        for cut in 0...70 {
            pair.heardByServer = []
            try pair.say(Array("first".utf8), by: \.client)
            try pair.say(Array("second".utf8), by: \.client)
            try pair.bringToServer(splitAt: cut)
            #expect(pair.heardByServer == Array("firstsecond".utf8))
        }
    }

    @Test func nothingIsSentForNothing() throws {
        let pair = try open()
        try pair.say([], by: \.server)
        #expect(pair.onTheWay == (0, 0))
    }

    @Test func aThousandConnectionsOfOneContextDoNotMixTheirBytes() throws {
        let pairs = try (0..<200).map { _ in try open() }
        for (i, pair) in pairs.enumerated() { try pair.say(Array("from \(i)".utf8), by: \.client) }
        for (i, pair) in pairs.enumerated() {
            try pair.run()
            #expect(pair.heardByServer == Array("from \(i)".utf8))
        }
    }

    // MARK: Ends

    @Test func aGoodbyeIsHeardAndTheOtherSideMayGoOn() throws {
        let pair = try open()
        try pair.say(Array("last".utf8), by: \.client)
        pair.finish(\.client)
        try pair.run()
        #expect(pair.server.state == .ended)
        #expect(pair.heardByServer == Array("last".utf8))
        #expect(throws: Never.self) { try pair.server.endOfLine() }
        try pair.say(Array("answer".utf8), by: \.server)
        pair.finish(\.server)
        try pair.run()
        #expect(pair.heardByClient == Array("answer".utf8))
        #expect(pair.client.state == .ended)
    }

    @Test func aLineThatEndsWithoutAGoodbyeIsCutShort() throws {
        let pair = try open()
        #expect(throws: TLSError.truncated) { try pair.server.endOfLine() }
        #expect(pair.server.state == .failed)
        let early = try Pair(client, server)
        try early.bringToServer(splitAt: 20)
        #expect(throws: TLSError.truncated) { try early.server.endOfLine() }
    }

    @Test func nothingIsTakenInAfterAGoodbyeOrAFailure() throws {
        let pair = try open()
        pair.finish(\.client)
        try pair.run()
        var reply: [UInt8] = []
        #expect(try take(Array(repeating: 0, count: 100), pair.server, &reply) == [])
        #expect(reply == [])
    }

    // MARK: Bad input

    private static func record(_ kind: UInt8, length: Int, _ byte: UInt8 = 0) -> [UInt8] {
        [kind, 3, 3, UInt8(truncatingIfNeeded: length >> 8), UInt8(truncatingIfNeeded: length)]
            + Array(repeating: byte, count: length)
    }

    /// What comes first on a server's connection and is no ClientHello.
    @Test(arguments: [
        Array("GET / HTTP/1.1\r\nHost: a\r\n\r\n".utf8), [0x16, 3, 1, 0, 5, 99, 0, 0, 1, 0],
        Array(repeating: 0xFF, count: 64),
        record(23, length: 20), record(21, length: 2, 1),
        [0x80, 0x2E, 1, 0, 2] + Array(repeating: 0, count: 46),
        // A ClientHello of 16 MB less one byte.
        [0x16, 3, 1, 0x40, 0, 1, 0xFF, 0xFF, 0xFF] + Array(repeating: 3, count: 0x4000 - 4),
    ])
    func whatIsNoHandshakeIsRefused(bytes: [UInt8]) throws {
        let end = try TLSConnection(serving: server)
        var reply: [UInt8] = []
        let error = #expect(throws: TLSError.self) { _ = try take(bytes, end, &reply) }
        guard case .violation? = error else {
            Issue.record("\(String(describing: error))")
            return
        }
        #expect(end.state == .failed)
        #expect(try take([1, 2, 3], end, &reply) == [])
    }

    /// 2^14 + 256 is the longest encrypted record (RFC 8446, section 5.2); an alert tells the peer.
    @Test func aRecordThatIsTooLongIsRefused() throws {
        let pair = try open()
        var reply: [UInt8] = []
        #expect(throws: TLSError.self) { _ = try take(Self.record(23, length: (16 << 10) + 257), pair.server, &reply) }
        #expect(pair.server.state == .failed)
        #expect(!reply.isEmpty)
        #expect(throws: TLSError.refused("record overflow")) { _ = try take(reply, pair.client, &reply) }
    }

    @Test func aRecordThatWasTamperedWithIsRefused() throws {
        let pair = try open()
        var wire: [UInt8] = []
        try pair.client.send(Array("hello".utf8).span, into: &wire)
        wire[10] ^= 1
        var reply: [UInt8] = []
        let error = #expect(throws: TLSError.self) { _ = try take(wire, pair.server, &reply) }
        #expect("\(try #require(error))".contains("decryption failed or bad record mac"))
        #expect(throws: TLSError.refused("bad record mac")) { _ = try take(reply, pair.client, &reply) }
    }

    @Test func anyByteOfTheHandshakeMayBeWrong() throws {
        var hello: [UInt8] = []
        let sender = try TLSConnection(to: "localhost", in: client)
        try sender.start(sending: &hello)
        for place in hello.indices {
            var wrong = hello
            wrong[place] ^= 0x55
            let end = try TLSConnection(serving: server)
            var reply: [UInt8] = []
            // Most are refused, some go unnoticed until the Finished message: none gets as far as an open connection.
            _ = try? take(wrong, end, &reply)
            #expect(end.state != .open)
        }
    }

    @Test(arguments: zip("GgPp\u{16}\u{80} {", [true, true, true, true, false, false, false, false]))
    func aMethodIsToldFromAHandshakeByItsFirstByte(letter: Character, isHTTP: Bool) {
        #expect(TLSConnection.isPlainHTTP(firstByte: UInt8(letter.unicodeScalars.first?.value ?? 0)) == isHTTP)
    }

    // MARK: Memory

    /// Contexts, connections and half-done handshakes are freed with their owners.
    @Test func nothingIsLeftBehind() throws {
        weak var context: TLSContext?
        weak var connection: TLSConnection?
        do {
            let server = try TLSContext(certificate: certificate.certificateFile, key: certificate.keyFile)
            context = server
            let pair = try Pair(client, server)
            try pair.bringToServer(splitAt: 100)
            connection = pair.server
            #expect(context != nil && connection != nil)
        }
        #expect(context == nil && connection == nil)
    }

    @Test func aConnectionKeepsItsContext() throws {
        var server: TLSContext? = try TLSContext(certificate: certificate.certificateFile, key: certificate.keyFile)
        weak let context = server
        let pair = try Pair(client, #require(server))
        server = nil
        #expect(context != nil)
        try pair.run()
        try pair.say([1, 2, 3], by: \.server)
        try pair.run()
        #expect(pair.heardByClient == [1, 2, 3])
    }
}
