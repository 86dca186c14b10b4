import Chat
import Support

/// People who do at random what clients can do, in one room, the same for the same seed.
struct Crowd {
    var world: ChatHarness
    var random: SeededGenerator
    private var ids: [ConnectionID] = []
    private var sessions: [String] = []
    private var said = 0

    init(seed: UInt64, world: ChatHarness) {
        self.world = world
        random = SeededGenerator(seed: seed)
    }

    /// A few things, without ticking.
    mutating func act() {
        for _ in 0...random.below(6) { actOnce() }
    }

    private mutating func actOnce() {
        let name = "N\(random.below(8))"
        guard let id = ids.isEmpty ? nil : random.pick(ids), !random.once(in: 4) else {
            var more = random.once(in: 2) ? ",\"key\":\"\(String(repeating: "abcd"[random.below(4)], count: 16))\"" : ""
            if !sessions.isEmpty, random.once(in: 2) { more += ",\"session\":\"\(random.pick(sessions))\"" }
            let id = world.arrive(name, more: more)
            ids.append(id)
            return sessions.append(ChatHarness.newSession(of: id))
        }
        switch random.below(9) {
        case 0: world.rename(id, name)
        case 1: world.close(id, random.pick([.left, .left, .wentAway, .lost]))
        case 2: world.send(id, "{\"type\":\"typing\"}")
        case 3: world.send(id, "{\"type\":\"history\",\"before\":999,\"limit\":3}")
        case 4:
            said += 1
            _ = world.post("{\"text\":\"\(said)\",\"id\":\"\(random.below(said + 1))\"}")
        default:
            said += 1
            world.say(id, "\(said)", messageID: random.once(in: 3) ? nil : "\(random.below(said + 1))")
        }
    }
}

extension String {
    fileprivate subscript(offset: Int) -> Character { self[index(startIndex, offsetBy: offset)] }
}
