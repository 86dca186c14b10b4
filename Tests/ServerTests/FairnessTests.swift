import Chat
import Server
import Support
import Testing
import WebSocket

/// A tick does not grow with those who flood it: counted in bytes, in a world where nothing depends on time.
@Suite(.ownThreads) struct FairnessTests {
    private static let floods = 60
    private static let inbox = 4096
    /// What all floods together may bring in a tick.
    private static let share = 4 * inbox

    private let script = Script(peers: floods + 2)
    private var flooding: ArraySlice<Script.Peer> { script.peers.prefix(Self.floods) }
    private var ada: Script.Peer { script.peers[Self.floods] }
    private var bo: Script.Peer { script.peers[Self.floods + 1] }
    private var flooded: Int { flooding.map(\.taken).reduce(0, +) }

    private func frame(_ opcode: Opcode, _ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        Frame.appendMasked(to: &bytes, opcode: opcode, payload: Array(text.utf8).span, key: 0x0102_0304)
        return bytes
    }

    /// Everyone is connected, and Ada and Bo have joined.
    private func start() throws -> Server<ScriptedWorld> {
        var options = ServeOptions()
        options.isEphemeral = true
        options.maxConnections = 100
        options.inboxBytes = Self.inbox
        guard
            var server = Server(
                world: ScriptedWorld(script), options: options, site: Site(files: [:]), history: nil,
                secret: ServerSecret(key: [UInt8](repeating: 1, count: 32)))
        else { throw Failure("no zlib") }
        let head = [
            "GET /chat HTTP/1.1", "Host: here", "Upgrade: websocket", "Connection: Upgrade",
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==", "Sec-WebSocket-Version: 13", "", "",
        ].joined(separator: "\r\n")
        for peer in script.peers { peer.say(Array(head.utf8)) }
        ada.say(frame(.text, #"{"type":"join","username":"Ada"}"#))
        bo.say(frame(.text, #"{"type":"join","username":"Bo"}"#))
        for _ in 0..<10 where !(ada.hasHeard("welcome") && bo.hasHeard("welcome")) { server.tick() }
        #expect(ada.hasHeard("welcome") && bo.hasHeard("welcome"))
        return server
    }

    /// Pongs that nobody has asked for: nothing is answered, and nothing limits them.
    private func flood(bytes: Int) {
        let pong = frame(.pong, String(repeating: "a", count: 125))
        let pongs = Array(repeatElement(pong, count: bytes / pong.count).joined())
        for peer in flooding { peer.say(pongs) }
    }

    @Test func whatTwoSayToEachOtherIsThereBeforeTheFloodHasHadMoreThanOneShare() throws {
        var server = try start()
        flood(bytes: 100 * Self.inbox)
        // Once everyone is taken for one who brings little; from then on the server knows.
        server.tick()
        for index in 0..<20 {
            flood(bytes: Self.inbox)
            let before = flooded
            (index % 2 == 0 ? ada : bo).say(frame(.text, #"{"type":"message","text":"word \#(index)"}"#))
            server.tick()
            #expect(ada.hasHeard("word \(index)\"") && bo.hasHeard("word \(index)\""))
            #expect(flooded - before <= Self.share)
            #expect(flooded > before, "the flood has its share")
        }
    }

    @Test func floodsTakeTurnsAndNoneIsForgotten() throws {
        var server = try start()
        flood(bytes: 20 * Self.inbox)
        var ticks = 0
        while flooding.contains(where: { !$0.isHeardOut }), ticks < 1000 {
            server.tick()
            ticks += 1
            let taken = flooding.filter { !$0.isHeardOut }.map(\.taken).sorted()
            if let least = taken.first, let most = taken.last { #expect(most - least <= Self.inbox) }
        }
        // It was said once that there is something, so that whoever is forgotten stays so.
        #expect(flooding.filter { !$0.isHeardOut }.count == 0)
        #expect(flooding.filter(\.isClosed).count == 0)
        #expect(ticks <= Self.floods * 20 / 4)
    }
}
