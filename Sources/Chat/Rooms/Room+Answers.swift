import Bytes

/// Answers to single connections.
extension Room {
    /// Answers a connection; `body` writes the text up to the closing bracket, and may look at the room.
    mutating func answer(
        _ id: ConnectionID, request: UInt64 = 0, renewsJoin: Bool = false, _ body: (Room, inout [UInt8]) -> Void
    ) {
        // Its own node answers it.
        guard !id.isElsewhere else { return }
        var text: [UInt8] = []
        swap(&text, &texts)
        let start = text.count
        body(self, &text)
        swap(&text, &texts)
        append(.answer(request: request, renewsJoin: renewsJoin), to: .one(id), range: start..<texts.count)
    }

    /// Answers with an error.
    ///
    /// - Parameters:
    ///   - reference: what the client calls the request, if anything.
    ///   - isCounted: whether the door has refused it, and counted that.
    mutating func refuse(
        _ id: ConnectionID, _ refusal: Refusal, _ reference: Reference? = nil, _ bytes: Span<UInt8> = Span(),
        request: UInt64 = 0, isCounted: Bool = false
    ) {
        if !isCounted { refusals.append((id, refusal.code)) }
        let start = texts.count
        texts.append(error: refusal, reference, bytes)
        let renewsJoin = refusal.code.asksAgain
        append(.answer(request: request, renewsJoin: renewsJoin), to: .one(id), range: start..<texts.count)
    }
}

extension [UInt8] {
    /// Appends an error's text up to the closing bracket.
    mutating func append(error refusal: Refusal, _ reference: Reference?, _ bytes: Span<UInt8>) {
        append("{\"type\":\"error\",\"code\":")
        append(quoting: refusal.code.rawValue)
        append(",\"message\":\"")
        append(refusal.message)
        append("\"")
        if let wait = refusal.retryAfter {
            append(",\"retryAfter\":")
            append(decimal: UInt64(Swift.max(0, wait)))
        }
        if let until = refusal.until {
            append(",\"until\":")
            append(decimal: UInt64(clamping: until))
        }
        guard let reference else { return }
        append(reference.name == .id ? ",\"id\":" : ",\"ref\":")
        append(copying: bytes.extracting(reference.range))
    }
}
