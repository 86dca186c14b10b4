import Chat
import Support
import Testing

/// Random edits, deletions and reactions of people in a room most of which is on the disk alone, with refused writes, folds and
/// kills between them: pages of the past are what a plain model makes of the events.
@Suite struct ChangeModelTests {
    private struct Message: Equatable {
        var text: String?
        var edited: Int?
        var isDeleted = false
        /// By the emoji, the names of those who gave it, in their order.
        var reactions: [String: [String]] = [:]
    }

    /// What someone knows who has heard every event, and does what it says.
    private struct Model {
        var messages: [Int: Message] = [:]

        mutating func take(_ event: JSON) {
            guard let seq = event.seq else { return }
            let target: Int = event["target"] ?? 0
            switch event.type {
            // One that is known already is the answer to a repeated `id`.
            case "message" where messages[seq] == nil: messages[seq] = Message(text: event["text"])
            case "edit" where messages[target]?.isDeleted == false:
                messages[target]?.text = event["text"]
                messages[target]?.edited = event["time"]
            case "delete": messages[target] = Message(isDeleted: true)
            case "react" where messages[target]?.isDeleted == false:
                let emoji: String = event["emoji"] ?? ""
                // Names change with each life, and begin with the user's letter.
                let name = String((event["username"] ?? "").prefix(1))
                var names = messages[target]?.reactions[emoji] ?? []
                names.removeAll { $0 == name }
                if event["on"] == true { names.append(name) }
                messages[target]?.reactions[emoji] = names.isEmpty ? nil : names
            default: break
            }
        }
    }

    private static func message(_ json: JSON) -> Message {
        let reactions = (json.objects("reactions") ?? [:]).mapValues {
            ($0["names"] as [String]? ?? []).map { String($0.prefix(1)) }
        }
        return Message(
            text: json["text"], edited: json["edited"], isDeleted: json["deleted"] ?? false, reactions: reactions)
    }

    private static func request(_ random: inout SeededGenerator, _ seqs: [Int], _ number: Int) -> String {
        let target = seqs.isEmpty ? 1 : random.pick(seqs)
        let id = random.once(in: 2) ? ",\"id\":\"i\(random.below(300))\"" : ""
        switch random.below(10) {
        case 0..<4: return "{\"type\":\"message\",\"text\":\"said \(number)\"\(id)}"
        case 4, 5: return "{\"type\":\"edit\",\"target\":\(target),\"text\":\"edited \(number)\"\(id)}"
        case 6: return "{\"type\":\"delete\",\"target\":\(target)\(id)}"
        default:
            let emoji = random.pick(["👍", "🎉", "❤️"])
            return "{\"type\":\"react\",\"target\":\(target),\"emoji\":\"\(emoji)\",\"on\":\(random.below(3) > 0)\(id)}"
        }
    }

    @Test(arguments: 0..<20 as Range<UInt64>) func pages_areWhatAPlainModelSays(seed: UInt64) {
        var random = SeededGenerator(seed: seed)
        var limits = ChatHarness.unlimited(isDurable: true)
        (limits.rules.recentBytes, limits.rules.recentMessages) = (1500, 5)
        var world = ChatHarness(limits: limits)
        var model = Model()
        var people: [ConnectionID] = []
        func enter() { people = ["a", "b", "c"].map { world.join("\($0)\(world.inputs.now)", key: $0) } }
        func hear() {
            for event in world.take(people[0]) { model.take(event) }
            for person in people.dropFirst() { _ = world.take(person) }
        }
        enter()
        hear()
        for step in 0..<120 {
            world.disk.failing = random.once(in: 8) ? ["lobby"] : []
            for index in 0..<random.below(4) {
                let seqs = model.messages.keys.sorted()
                world.send(random.pick(people), Self.request(&random, seqs, step * 10 + index))
            }
            world.tick(after: random.once(in: 15) ? 40_000 : 1)
            while !world.disk.reads.isEmpty { world.tick() }
            world.disk.failing = []
            world.tick()
            hear()
            if random.once(in: 25) {
                world.restart()
                enter()
                hear()
            }
            guard step % 10 == 9 else { continue }
            var told: [Int: Message] = [:]
            var before = 1 << 40
            while true {
                world.send(people[0], "{\"type\":\"history\",\"before\":\(before),\"limit\":7}")
                world.tick()
                while !world.disk.reads.isEmpty { world.tick() }
                let events: [JSON] = world.take(people[0]).last?["events"] ?? []
                for event in events { told[event.seq ?? 0] = Self.message(event) }
                guard let first = events.first?.seq else { break }
                before = first
            }
            let differing = Set(told.keys).union(model.messages.keys).filter { told[$0] != model.messages[$0] }.sorted()
            #expect(differing.isEmpty, "step \(step): \(differing.map { (told[$0], model.messages[$0]) })")
        }
    }
}
