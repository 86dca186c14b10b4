import Bytes

/// Events for one who asks for the past: messages as they are now, and edits without a text that does not count any more.
extension Room {
    /// Appends events with commas between them.
    ///
    /// - Parameters:
    ///   - asker: for whom they are.
    ///   - closes: whether the last one's closing bracket is written, too.
    func append(
        _ references: [LineReference], _ fetched: FetchedEvents? = nil, for asker: ConnectionID, closes: Bool = true,
        to bytes: inout [UInt8]
    ) {
        let obsolete = obsoleteEdits(among: references, fetched)
        let user = self.asker(asker)
        var copy: [UInt8] = []
        for (index, reference) in references.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            let isObsolete = obsolete.contains(reference.seq)
            let isPlain = reference.source != .fetched && !isObsolete
            if isPlain, reference.kind != .message || facts[reference.seq] == nil && purges.isEmpty {
                append(raw: reference, to: &bytes)
            } else {
                copyLine(reference, fetched, to: &copy)
                append(copy.span, isObsolete: isObsolete, for: user, to: &bytes)
            }
            if closes || index + 1 < references.count { bytes.append(UInt8(ascii: "}")) }
        }
    }

    /// Appends stored messages with commas between them.
    ///
    /// - Parameter isWanted: is given what was done to one, where its line does not tell it.
    func append(
        stored: Span<UInt8>, for asker: ConnectionID, to bytes: inout [UInt8], where isWanted: (MessageFacts?) -> Bool
    ) {
        let user = self.asker(asker)
        var isFirst = true
        EventLine.forEach(in: stored) { event, range in
            guard event.kind == .message else { return }
            // What has expired meanwhile is passed over.
            guard event.seq > expiredThrough else { return }
            let line = stored.extracting(range)
            let facts = facts(of: event, in: line)
            guard isWanted(facts) else { return }
            if !isFirst { bytes.append(UInt8(ascii: ",")) }
            isFirst = false
            event.appendNow(of: line, facts, for: user, to: &bytes)
            bytes.append(UInt8(ascii: "}"))
        }
    }

    /// Who asks.
    func asker(_ id: ConnectionID) -> UserID { inside[id].flatMap { user(of: $0) } ?? .nobody }

    private func append(_ line: Span<UInt8>, isObsolete: Bool, for user: UserID, to bytes: inout [UInt8]) {
        guard let event = EventLine(line) else { return assertionFailure("a line of the room is no event") }
        if event.kind == .message {
            event.appendNow(of: line, facts(of: event, in: line), for: user, to: &bytes)
        } else if isObsolete {
            event.appendWithoutText(of: line, to: &bytes)
        } else {
            event.appendVisible(of: line, to: &bytes)
        }
    }

    /// Copies the whole line of an event.
    private func copyLine(_ reference: LineReference, _ fetched: FetchedEvents?, to copy: inout [UInt8]) {
        copy.removeAll(keepingCapacity: true)
        if reference.source == .fetched, let fetched {
            copy.append(copying: fetched.lines.span.extracting(reference.range))
        } else {
            append(raw: reference, to: &copy)
            copy.append(UInt8(ascii: "}"))
        }
    }

    /// The edits whose message was deleted or edited again. All that was done to a message after an edit is among what follows
    /// it here.
    private func obsoleteEdits(among references: [LineReference], _ fetched: FetchedEvents?) -> Set<UInt64> {
        guard references.contains(where: { $0.kind == .edit }) else { return [] }
        var obsolete: Set<UInt64> = []
        var newest: [UInt64: UInt64] = [:]
        var copy: [UInt8] = []
        for reference in references where reference.kind == .edit || reference.kind == .delete {
            copyLine(reference, fetched, to: &copy)
            guard let event = EventLine(copy.span), let target = JSONScanner.whole(copy.span, event.target) else {
                continue
            }
            if let earlier = newest[target] { obsolete.insert(earlier) }
            newest[target] = event.seq
            // A purge has marked the messages in memory; the times of others are unknown here.
            let isPurged = purges.contains { $0.covers(event, of: copy.span) } && message(target) == nil
            if facts[target]?.isDeleted == true || isPurged { obsolete.insert(event.seq) }
        }
        return obsolete
    }
}
