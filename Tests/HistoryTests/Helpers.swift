import History

/// One event's line as the chat writes it.
func line(_ seq: UInt64, _ text: String? = nil, type: String = "message") -> [UInt8] {
    let rest = type == "message" ? #","text":"\#(text ?? "text of \(seq)")""# : ""
    return Array(#"{"type":"\#(type)","seq":\#(seq),"time":1700000000000,"username":"Ada"\#(rest)}"#.utf8) + [0x0A]
}

func lines(_ seqs: ClosedRange<UInt64>, type: String = "message") -> [UInt8] {
    seqs.flatMap { line($0, type: type) }
}

/// The seqs of a block's lines, by a way of its own.
func seqs(_ block: [UInt8]) -> [UInt64] {
    String(decoding: block, as: UTF8.self).split(separator: "\n").compactMap { line in
        line.split(separator: "\"seq\":").dropFirst().first.flatMap { UInt64($0.prefix { $0.isNumber }) }
    }
}

extension History {
    /// Asks, and reads until there is an answer.
    func answer(_ kind: ReadRequest.Kind, room: String = "lobby", budget: Int = 1 << 20) -> ReadResult? {
        var now: UInt64 = 0
        return answer(kind, room: room, budget: budget, from: &now)
    }

    /// The same by the caller's clock.
    func answer(_ kind: ReadRequest.Kind, room: String, budget: Int = 1 << 20, from now: inout UInt64) -> ReadResult? {
        request(ReadRequest(kind, room: room, tag: 7))
        for _ in 0..<1_000_000 {
            if let result = advance(byteBudget: budget).first { return result }
            // A load may wait for a sync, that is, for the clock.
            guard hasWork || nextDeadline != nil else { return nil }
            now += 1_000_000
            tick(now: now)
        }
        return nil
    }

    func load(_ room: String = "lobby") -> LoadedRoom? {
        guard case .loaded(let loaded) = answer(.load, room: room)?.outcome else { return nil }
        return loaded
    }

    func messages(before: UInt64, limit: Int = 200, room: String = "lobby") -> (seqs: [UInt64], more: Bool)? {
        guard case .messages(let block, let more) = answer(.messages(before: before, limit: limit), room: room)?.outcome
        else { return nil }
        return (seqs(block.bytes), more)
    }

    func event(_ seq: UInt64, room: String = "lobby") -> [UInt8]? {
        guard case .event(let bytes) = answer(.event(seq: seq), room: room)?.outcome else { return nil }
        return bytes
    }

    func since(_ after: UInt64, limit: Int = 1000, room: String = "lobby") -> (seqs: [UInt64], leftOut: Bool)? {
        guard case .since(let block, let leftOut) = answer(.since(after: after, limit: limit), room: room)?.outcome
        else { return nil }
        return (seqs(block.bytes), leftOut)
    }

    func append(_ bytes: [UInt8], at firstSeq: UInt64, room: String = "lobby") -> AppendOutcome {
        append(room: room, lines: bytes.span, firstSeq: firstSeq)
    }

    func appendJournal(_ text: String) -> AppendOutcome {
        let bytes = Array(text.utf8)
        return appendJournal(bytes.span)
    }
}
