import Cluster
import Foundation

/// A room as the tests have it: a state machine small enough to be seen through, which decides by the records alone, as the real one
/// does. People come, say things that are all different, and go; whoever loses the line leaves when a deadline has come.
struct ModelRoom: Codable, Equatable {
    struct Member: Codable, Equatable {
        /// Whose connection it is, or was.
        var incarnation: String
        /// Which of the times of grace is running; 0 is none.
        var grace: UInt64 = 0
    }

    struct Event: Equatable {
        var seq: UInt64
        var text: String
    }

    /// Since the room was begun; the upper half is the epoch.
    var seq: UInt64 = 0
    var members: [String: Member] = [:]
    var graces: UInt64 = 0
    /// Of all events, in their order.
    var fingerprint: UInt64 = 1
    private(set) var events: [Event] = []

    enum CodingKeys: CodingKey { case seq, members, graces, fingerprint }

    init() {}

    init(snapshot: [UInt8]) throws { self = try JSONDecoder().decode(ModelRoom.self, from: Data(snapshot)) }

    var snapshot: [UInt8] {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        return (try? encoder.encode(self)).map { Array($0) } ?? []
    }

    var digest: UInt64 {
        let away = members.values.reduce(0) { $0 &+ $1.grace }
        return [seq, graces, UInt64(members.count), away].reduce(fingerprint) { ($0 ^ $1) &* 0x100_0000_01B3 }
    }

    mutating func takeEvents() -> [Event] {
        defer { events = [] }
        return events
    }

    private mutating func append(_ text: String) {
        seq += 1
        events.append(Event(seq: seq, text: text))
        for byte in text.utf8 { fingerprint = (fingerprint ^ UInt64(byte)) &* 0x100_0000_01B3 }
    }

    /// Takes a record.
    ///
    /// - Returns: the deadlines that begin with it.
    mutating func apply(_ record: RoomRecord) -> [Due] {
        switch record.content {
        case .rules: return []
        case .epoch(let epoch):
            seq = max(seq, epoch << 32)
            return []
        case .lost(let incarnation):
            let name = Self.name(incarnation)
            let gone = members.filter { $0.value.incarnation == name && $0.value.grace == 0 }.keys.sorted()
            for member in gone {
                graces += 1
                members[member]?.grace = graces
            }
            return gone.compactMap { member in deadline(of: member) }
        case .inputs(let inputs):
            for item in inputs.items { take(item, by: record.incarnation) }
            return []
        }
    }

    private mutating func take(_ item: RecordItem, by incarnation: Incarnation) {
        switch item {
        case .due(let due):
            let member = "m\(due.kind)"
            guard let grace = members[member]?.grace, grace > 0, grace == due.generation else { return }
            members[member] = nil
            append("\(member) leaves")
        case .input(let bytes):
            let words = String(decoding: bytes, as: UTF8.self).split(separator: " ").map { String($0) }
            switch (words.first, words.dropFirst().first) {
            case ("come", let member?):
                members[member] = Member(incarnation: Self.name(incarnation))
                append("\(member) comes")
            case ("go", let member?) where members[member] != nil:
                members[member] = nil
                append("\(member) goes")
            case ("say", let text?): append(text)
            default: break
            }
        }
    }

    /// The deadline of a member whose grace is running.
    func deadline(of member: String) -> Due? {
        guard let grace = members[member]?.grace, grace > 0, let number = UInt64(member.dropFirst()) else { return nil }
        return Due(kind: number, generation: grace)
    }

    var deadlines: [Due] { members.keys.sorted().compactMap { deadline(of: $0) } }

    static func name(_ incarnation: Incarnation) -> String { String(decoding: incarnation.text, as: UTF8.self) }
}
