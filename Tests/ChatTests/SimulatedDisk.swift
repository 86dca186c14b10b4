@testable import Chat

/// What the history module would keep: each room's lines and the journal, and the answers to what the chat asks for. It is
/// the simplest thing that can be right, so that it can be the judge of what is held in memory.
struct SimulatedDisk {
    struct Line {
        var seq: UInt64
        var isMessage: Bool
        var text: String
    }

    var rooms: [String: [Line]] = [:]
    /// Seqs that were used although their lines are lost.
    var lost: [String: UInt64] = [:]
    var journal: [UInt8] = []
    /// The rooms whose writes fail, and whether the journal's do.
    var failing: Set<String> = []
    var journalFails = false
    /// The reads that have not been answered.
    var reads: [DiskRead] = []

    /// Takes a tick's lines, as `Server` has them written.
    ///
    /// - Returns: what was refused.
    mutating func write(_ output: TickOutput, of chat: Chat) -> (failed: [UInt32], journalWritten: Bool) {
        if journalFails, !output.journal.isEmpty { return (output.written, false) }
        journal += output.journal
        var failed: [UInt32] = []
        for index in output.written {
            let room = chat.rooms[Int(index)]
            if failing.contains(room.name) {
                failed.append(index)
            } else {
                rooms[room.name, default: []] += Self.lines(room.lines[room.unwritten])
            }
        }
        return (failed, true)
    }

    static func lines(_ bytes: ArraySlice<UInt8>) -> [Line] {
        bytes.split(separator: UInt8(ascii: "\n")).map { line in
            let json = JSON(String(decoding: line, as: UTF8.self))
            return Line(seq: UInt64(json.seq ?? 0), isMessage: json.type == "message", text: json.text)
        }
    }

    /// Answers a read, as `Server` passes it on; with nothing if `fails`.
    func answer(_ read: DiskRead, room: String, fails: Bool = false, to inputs: inout TickInputs) {
        if fails {
            inputs.items.append(
                read.want == .load ? .roomFailed(room: read.room) : .readFailed(request: read.request))
            return
        }
        let lines = rooms[room] ?? []
        switch read.want {
        case .load:
            let events = lines.suffix(1000)
            let messages = events.count { $0.isMessage }
            let older = lines.dropLast(events.count).filter(\.isMessage).suffix(max(0, 100 - messages))
            let item = TickInputs.Item.roomLoaded(
                room: read.room, newestSeq: max(lines.last?.seq ?? 0, lost[room] ?? 0),
                olderMessages: inputs.append(older), events: inputs.append(events))
            inputs.items.append(item)
        case .messages(let before, let limit):
            let all = lines.filter { $0.isMessage && $0.seq < before }
            inputs.items.append(
                .lines(request: read.request, inputs.append(all.suffix(limit)), more: all.count > limit))
        case .event(let seq):
            let event = lines.filter { $0.seq == seq }
            inputs.items.append(.lines(request: read.request, inputs.append(event), more: false))
        case .since(let seq, let limit):
            let all = lines.filter { $0.seq > seq }
            inputs.items.append(
                .lines(request: read.request, inputs.append(all.suffix(limit)), more: all.count > limit))
        }
    }
}

extension TickInputs {
    /// Adds bytes, and says where they are.
    mutating func append(_ text: String) -> Range<Int> {
        let start = bytes.count
        bytes += Array(text.utf8)
        return start..<bytes.count
    }

    fileprivate mutating func append(_ lines: some Sequence<SimulatedDisk.Line>) -> Range<Int> {
        append(lines.map { $0.text + "\n" }.joined())
    }
}
