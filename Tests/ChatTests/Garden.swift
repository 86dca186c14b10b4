import Chat

/// Ada is the host of the garden, and Bo and Cy are there. What they have heard so far is taken out.
struct Garden {
    var world: ChatHarness
    let (ada, bo, cy): (ConnectionID, ConnectionID, ConnectionID)

    init(isDurable: Bool = true) {
        world = ChatHarness(limits: ChatHarness.unlimited(isDurable: isDurable))
        ada = world.join("Ada", key: "a", room: "garden", address: 11)
        bo = world.join("Bo", key: "b", room: "garden", address: 12)
        cy = world.join("Cy", key: "c", room: "garden", address: 13)
        world.say(ada, "first")
        world.tick()
        for id in [ada, bo, cy] { _ = world.take(id) }
    }

    /// Asks, ticks, and returns what everyone has got.
    mutating func moderate(_ id: ConnectionID, _ action: String, _ fields: String = "") -> [JSON] {
        world.moderate(id, action, fields)
        world.tick()
        return world.take(id)
    }

    mutating func restart() {
        world.disk.beginSegment(of: world.room("garden"))
        world.restart()
    }

    mutating func arrive(_ name: String, _ key: Character, address: UInt64 = 20, more: String = "") -> [JSON] {
        let text = ",\"key\":\"\(String(repeating: key, count: 16))\"" + more
        return world.take(world.join(name, room: "garden", address: address, more: text))
    }
}
