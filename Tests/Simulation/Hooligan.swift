import WebSocket

/// Someone who does not behave: speaks nonsense, floods, is slow on purpose, or goes away in the middle of a word.
final class Hooligan: Person {
    private enum Manner: CaseIterable { case garbage, slowHead, brokenFrames, flood, silence, deafness, halfAFrame }

    private let index: Int
    private unowned let world: Simulator
    private var link: Link?
    private var manner = Manner.garbage
    private var isCalm = false
    private var sent = 0
    private var isUpgraded = false
    private var received: [UInt8] = []
    /// What was arranged with the world last; what was arranged before does not count.
    private var version: UInt64 = 0

    var hope: Hope? { nil }

    init(_ index: Int, _ world: Simulator) {
        self.index = index
        self.world = world
    }

    func connected(_ link: Link) {
        sent = 0
        isUpgraded = false
        received = []
        switch manner {
        case .garbage: world.network.send(link, bytes(world.random.number(1...3000)))
        case .slowHead: world.network.send(link, Array("GET /chat HTTP/1.1\r\n".utf8))
        default: world.network.send(link, Array(Self.upgrade.utf8))
        }
    }

    func refused(_ link: Link) {
        self.link = nil
        sleep(5)
    }

    func readable(_ link: Link) {
        if manner == .deafness, isUpgraded { return }  // the kernel's buffer fills up
        received += world.network.receive(link)
        guard !isUpgraded, received.starts(with: Array("HTTP/1.1 101".utf8)) else { return }
        isUpgraded = true
        act(link)
    }

    func ended(_ link: Link, inOrder: Bool) {
        self.link = nil
        sleep(5)
    }

    func wake(_ version: UInt64) {
        guard version == self.version || version == 0 else { return }
        guard let link else {
            guard !isCalm else { return }
            manner = world.random.pick(Manner.allCases)
            self.link = world.network.connect(index)
            return
        }
        guard link.isOpenAtPerson, link.isConnected else { return sleep(2) }
        if world.random.happens(0.1) || isCalm {
            world.network.close(link, withReset: world.random.happens(0.5))
            self.link = nil
            return sleep(10)
        }
        act(link)
    }

    func calmDown() {
        isCalm = true
        sleep(1)
    }

    private func act(_ link: Link) {
        switch manner {
        case .garbage: world.network.send(link, bytes(world.random.number(1...200)))
        case .slowHead: world.network.send(link, Array("X-Slow: \(sent)\r\n".utf8))
        case .brokenFrames: world.network.send(link, frame(opcode: UInt8(world.random.number(0...15)), bytes(20)))
        case .flood:
            if sent == 0 { world.network.send(link, text("{\"type\":\"join\",\"username\":\"flood\(index)\"}")) }
            for _ in 0..<world.random.number(1...300) {
                world.network.send(link, text("{\"type\":\"message\",\"text\":\"flood \(sent)\"}"))
                sent += 1
            }
        case .silence: break
        case .deafness:
            if sent == 0 { world.network.send(link, text("{\"type\":\"join\",\"username\":\"deaf\(index)\"}")) }
        case .halfAFrame: world.network.send(link, Array(text(String(repeating: "x", count: 100)).prefix(50)))
        }
        sent += 1
        sleep(world.random.happens(0.3) ? 1 : 8)
    }

    private func sleep(_ seconds: Int64) {
        version += 1
        world.wake(index, in: world.random.time(mean: seconds * 1_000_000_000 * world.plan.pace), version: version)
    }

    private func bytes(_ count: Int) -> [UInt8] {
        (0..<count).map { _ in UInt8(truncatingIfNeeded: world.random.next()) }
    }

    private func text(_ text: String) -> [UInt8] {
        var bytes: [UInt8] = []
        Frame.appendMasked(
            to: &bytes, opcode: .text, payload: Array(text.utf8).span,
            key: UInt32(truncatingIfNeeded: world.random.next()))
        return bytes
    }

    /// A frame that is wrong in one way or another, mostly.
    private func frame(opcode: UInt8, _ payload: [UInt8]) -> [UInt8] {
        let first = UInt8(world.random.number(0...15)) << 4 | opcode
        let length = world.random.happens(0.5) ? UInt8(payload.count) : UInt8(world.random.number(0...127))
        return [first, length | (world.random.happens(0.8) ? 0x80 : 0)] + payload
    }

    private static let upgrade = """
        GET /chat?room=room0 HTTP/1.1\r\nHost: chat\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\
        Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n
        """
}
