import Cluster

/// Looks at all that the nodes show.
struct LockstepJudge {
    private(set) var findings: [String] = []
    private var events: [String: [UInt64: String]] = [:]
    private var places: [String: [String: UInt64]] = [:]
    /// What each node has shown is compared with what was shown before the engine lost something, too; but what was lost may be said
    /// again, as whoever said it was never told that it was kept.
    private var mayRepeat = false

    mutating func find(_ finding: String) { findings.append(finding) }

    mutating func tailMayBeLost() { mayRepeat = true }

    /// A node has shown an event of a room.
    mutating func shown(_ event: ModelRoom.Event, in room: String, by node: String, after last: UInt64) {
        let (seq, text) = (event.seq, event.text)
        if let other = events[room]?[seq], other != text {
            find("\(node) shows \(text) as \(room) \(seq), which was \(other)")
        }
        events[room, default: [:]][seq] = text
        if let place = places[room]?[text], place != seq, !mayRepeat {
            find("\(node) shows \(text) in \(room) twice: as \(place) and \(seq)")
        }
        places[room, default: [:]][text] = seq
        let isNext = seq == last + 1 || (seq >> 32 > last >> 32 && seq & 0xFFFF_FFFF == 1)
        if !isNext { find("\(node) shows \(room) \(seq) after \(last)") }
    }

    /// What was shown of a room up to a seq, by seq.
    func texts(in room: String, through seq: UInt64) -> [UInt64: String] {
        events[room, default: [:]].filter { $0.key <= seq }
    }

    /// How many events of a room were shown.
    func count(in room: String) -> Int { events[room]?.count ?? 0 }

    mutating func sent(_ request: EngineRequest, by node: Int) {
        if case .append(let room, let append) = request, append.number == 0 {
            find("node \(node) gives a record in \(room) no number")
        }
    }
}
