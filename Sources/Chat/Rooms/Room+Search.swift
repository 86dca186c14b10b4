import Bytes

/// What someone looks for in all that was said.
extension Room {
    mutating func search(_ search: SearchRequest, _ bytes: Span<UInt8>, _ id: ConnectionID) {
        guard speaker(id, search.reference, bytes) != nil else { return }
        guard !rules.isDurable || firstKept == 0 else {
            let want = DiskRead.Want.search(
                Array(copying: bytes.extracting(search.text)), before: search.before, limit: search.limit)
            return append(.awaits(DiskRead(room: 0, want: want, request: 0)), to: .one(id)) { text in
                text.append(copying: bytes.extracting(search.ref))
            }
        }
        // Without a disk all that there is is here.
        let wanted = MessageSearch(bytes.extracting(search.text))
        let all = messages(before: search.before, limit: 1 << 32, bytes: 1 << 40).lines
        var found: [LineReference] = []
        for reference in all.reversed() {
            guard let (event, line) = message(reference.seq),
                wanted.matches(event, of: line.span, facts(of: event, in: line.span))
            else { continue }
            found.append(reference)
            if found.count > search.limit { break }
        }
        let more = found.count > search.limit
        if more { found.removeLast() }
        let next = more ? found.last?.seq : nil
        answerFound(search, next: next, bytes, id) { room, text in room.append(found.reversed(), for: id, to: &text) }
    }

    /// What was found on the disk.
    mutating func answer(
        _ search: SearchRequest, stored: Span<UInt8>, next: UInt64?, _ bytes: Span<UInt8>, _ id: ConnectionID
    ) {
        answerFound(search, next: next, bytes, id) { room, text in
            room.append(stored: stored, for: id, to: &text) { $0?.isDeleted != true }
        }
    }

    private mutating func answerFound(
        _ search: SearchRequest, next: UInt64?, _ bytes: Span<UInt8>, _ id: ConnectionID,
        _ events: (Room, inout [UInt8]) -> Void
    ) {
        answer(id, request: search.request) { room, text in
            text.append("{\"type\":\"found\",\"events\":[")
            events(room, &text)
            text.append(next == nil ? "],\"more\":false" : "],\"more\":true,\"before\":")
            if let next { text.append(decimal: next) }
            guard !search.ref.isEmpty else { return }
            text.append(",\"ref\":")
            text.append(copying: bytes.extracting(search.ref))
        }
    }
}
