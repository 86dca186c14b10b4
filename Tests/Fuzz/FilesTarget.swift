import Bytes
import Chat

/// Runs a recording as `replay` does; whatever it claims, the rooms go on.
private func replay(_ bytes: [UInt8]) {
    var reader = RecordingReader(bytes)
    var rooms = ReplayedRooms(rules: RoomRules(isDurable: true))
    while let record = reader.next() {
        switch record {
        case .settings, .cut, .damaged: break
        case .room(let index, let name, let lines): rooms.begin(index, name: name, lines: lines)
        case .inputs(let work, let bytes, let moment): rooms.update(work, bytes, at: moment)
        case .outcome(let outcome): _ = rooms.settle(failed: outcome.failed)
        }
    }
}

/// Loads a room of any lines, and of what it then says of itself: both must be the same room.
private func load(_ lines: [UInt8]) {
    func room(_ lines: [UInt8]) -> Room {
        var loader = RoomLoader(room: "lobby", rules: RoomRules(isDurable: true))
        EventLine.forEachLine(in: lines.span) { _ = loader.take(lines.span.extracting($0)) }
        return loader.finish(olderMessages: Span(), isWhole: true, base: 0)
    }
    let first = room(lines)
    var snapshot: [UInt8] = []
    var cursor = SnapshotCursor()
    while !cursor.isDone { first.appendSnapshot(from: &cursor, limit: 1000, to: &snapshot) }
    let second = room(snapshot)
    demand(first.seq == second.seq, "a snapshot tells another seq")
    demand(first.usernames == second.usernames, "a snapshot tells of others")
}

/// All that is read from files, which a disk may have made anything of: a room's log and a recording.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    var input = unsafe Input(bytes, count)
    let choice = input.byte()
    let data = Array(input.rest)
    if choice % 2 == 0 { replay(data) } else { load(data) }
    return 0
}
