import Bytes
import Chat
import Client

/// A tick of the chat, without a disk: clients must be able to read every word of what comes of it.
///
/// - Parameters:
///   - onAdmitted: sees the rooms' inputs before the rooms do.
///   - onEnding: is told of each connection that the chat ends.
/// - Returns: what came of the inputs.
@discardableResult
func tick(
    _ chat: inout Chat, _ inputs: inout TickInputs, onAdmitted: (Chat, [UInt8]) -> Void = { _, _ in },
    onEnding: (ConnectionID, Ending) -> Void
) -> TickDigest {
    var output = TickOutput()
    chat.admit(&inputs, into: &output)
    let bytes = inputs.bytes
    onAdmitted(chat, bytes)
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
    return digest
}

/// - Parameter range: a JSON text without its closing bracket.
private func demandReadable(_ bytes: [UInt8], _ range: Range<Int>) {
    let text = Array(bytes[range]) + [UInt8(ascii: "}")]
    demand(ServerMessage(text.span) != nil, "an answer or event that no client reads")
}
