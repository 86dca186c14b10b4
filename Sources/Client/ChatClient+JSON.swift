/// The server's messages as lines of JSON, for programs.
extension ChatClient {
    /// Hands over what a message says as lines, before it is taken in: each event exactly once, those of a welcome one by one.
    ///
    /// The welcome itself comes without its history, and without the session: whoever has that can take this client's
    /// place, and what is written here ends up in files and logs.
    func report(_ message: ServerMessage, _ text: Span<UInt8>, into actions: inout [ClientAction]) {
        func show(_ line: [UInt8]) { actions.append(.show(.json(line))) }
        switch (message, phase) {
        case (.welcome(let welcome), .joining):
            show(JSONLine.copy(text, without: ["history", "session"]))
            var newest = welcome.seq < seq ? 0 : seq
            let isPast = isFirst(welcome)
            for event in welcome.history where event.seq > newest {
                newest = event.seq
                guard let line = event.json else { continue }
                show(isPast ? JSONLine.markedPast(line) : line)
            }
        case (.event(let event), .joined): if event.seq > seq { show(JSONLine.copy(text)) }
        case (.welcome, _), (.event, _): break
        case (_, .joined), (.error, .joining): show(JSONLine.copy(text))
        default: break
        }
    }
}
