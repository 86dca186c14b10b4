import Chat
import Client

/// A tick of the chat, without a disk: clients must be able to read every word of what comes of it.
///
/// - Parameter onEnding: is told of each connection that the chat ends.
/// - Returns: a digest of all that came of it.
func tick(_ chat: inout Chat, _ inputs: TickInputs, onEnding: (ConnectionID, Ending) -> Void) -> UInt64 {
    var output = TickOutput()
    chat.update(inputs, into: &output)
    chat.settle(failed: [], journalWritten: true, into: &output)
    let digest = output.digest(chat)
    for reply in output.replies where !reply.range.isEmpty {
        demand(ServerMessage(output.bytes.span.extracting(reply.range)) != nil, "a reply that no client reads")
    }
    for index in output.due {
        let room = chat.rooms[Int(index)]
        for event in room.pending where event.isKept {
            demand(ServerMessage(room.lines.span.extracting(event.range)) != nil, "an event that no client reads")
        }
    }
    for (id, ending) in output.endings { onEnding(id, ending) }
    chat.endTick(output)
    return digest
}
