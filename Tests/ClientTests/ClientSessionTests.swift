import Support
import Testing
import WebSocket

@testable import Client

/// What a session adds to the client that it carries.
@Suite struct ClientSessionTests {
    /// Random numbers, and those that were drawn.
    private final class Dice {
        private var random = SeededGenerator(seed: 1)
        private(set) var drawn: [UInt64] = []
        func roll() -> UInt64 {
            drawn.append(random.next())
            return drawn[drawn.count - 1]
        }
    }

    @Test func requestIDs_have128RandomBitsEach() throws {
        let dice = Dice()
        let client = ChatClient(username: "Ada", seed: 1)
        var session = try #require(ClientSession(client: client, url: try ClientURL("ws://chat/"), random: dice.roll))
        for _ in 0..<100 {
            let isSaid = session.say("x", now: 0)
            #expect(isSaid)
        }
        let halves = session.client.outgoing.flatMap { $0.id.split(separator: "-").map { UInt64($0, radix: 36) } }
        #expect(halves == dice.drawn && Set(dice.drawn).count == 200)
        #expect(session.client.outgoing.allSatisfy { (1...64).contains($0.id.count) })
    }

    /// A join holds secrets. Compressed, its length would tell something of them.
    @Test func join_isSentUncompressed_otherMessagesAreNot() throws {
        let dice = Dice()
        var client = ChatClient(username: "Ada", seed: 1)
        client.credentials.key = String(repeating: "k", count: 128)
        client.credentials.password = String(repeating: "p", count: 300)
        var session = try #require(ClientSession(client: client, url: try ClientURL("ws://chat/"), random: dice.roll))
        session.act { $0.start(now: 0, into: &$1) }
        session.connected()
        let request = String(decoding: session.takeOutput(), as: UTF8.self)
        let key = try #require(request.firstMatch(of: #/Sec-WebSocket-Key: (\S+)/#)).1
        let accept = String(decoding: Handshake.acceptKey(for: Array(key.utf8).span) ?? [], as: UTF8.self)
        let offer =
            "Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover; client_no_context_takeover"
        session.received(answer(accept: accept, more: offer).span, now: 0)
        let join = session.takeOutput()
        // The first bit after FIN says that a frame is compressed (RFC 7692, section 6).
        #expect(join[0] == 0x81 && join.count > 428)
        let welcome =
            #"{"type":"welcome","username":"Ada","room":"lobby","users":["Ada"],"userCount":1,"#
            + #""session":"s","seq":0,"history":[]}"#
        session.received(frame(welcome).span, now: 0)
        _ = session.say(String(repeating: "x", count: 500), now: 0)
        #expect(session.takeOutput()[0] == 0xC1)
    }
}
