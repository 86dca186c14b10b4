import Bytes
import Chat
import Client

/// A tick of the chat, without a disk: clients must be able to read every word of what comes of it.
///
/// - Parameter onEnding: is told of each connection that the chat ends.
/// - Returns: the rooms' inputs, and what came of them.
@discardableResult
func tick(
    _ chat: inout Chat, _ inputs: inout TickInputs, onEnding: (ConnectionID, Ending) -> Void
) -> (work: [Chat.Work], digest: TickDigest) {
    var output = TickOutput()
    chat.admit(&inputs, into: &output)
    let work = chat.work
    let bytes = inputs.bytes
    chat.update(bytes.span, into: &output)
    chat.settle(failed: [], ticket: nil, bytes.span, into: &output)
    let digest = chat.digest
    for (_, range) in output.answers { demandReadable(output.bytes, range) }
    for due in output.due {
        let room = chat.rooms[Int(due.room)]
        for entry in room.pending where !entry.range.isEmpty {
            if entry.kind == .welcome { continue }  // the session is put in by the server
            demandReadable(entry.isEvent ? room.lines : room.texts, entry.range)
        }
    }
    for (id, ending) in output.endings { onEnding(id, ending) }
    chat.endTick(output)
    return (work, digest)
}

/// - Parameter range: a JSON text without its closing bracket.
private func demandReadable(_ bytes: [UInt8], _ range: Range<Int>) {
    let text = Array(bytes[range]) + [UInt8(ascii: "}")]
    demand(ServerMessage(text.span) != nil, "an answer or event that no client reads")
}
