import Bytes

/// Joins that cannot be answered before the disk has, and all that their connections say meanwhile.
extension Chat {
    /// Makes sure that a room is in memory.
    ///
    /// - Parameter text: the join.
    /// - Returns: false if it is not yet: then the join is done again when it is.
    mutating func load(
        _ room: UInt32, for id: ConnectionID, _ text: Span<UInt8>, into output: inout TickOutput
    ) -> Bool {
        if case .ready = rooms[Int(room)].phase { return true }
        if wait(id, text, into: &output) {
            rooms[Int(room)].waiting.append(id)
            startLoading(room, into: &output)
        }
        return false
    }

    /// Has a connection wait with its join.
    ///
    /// - Returns: false if it cannot be kept; that has been said then.
    mutating func wait(_ id: ConnectionID, _ join: Span<UInt8>, into output: inout TickOutput) -> Bool {
        visitors[Int(id.slot)].phase = .waiting
        guard park(join, of: id, into: &output) else {
            if isHere(id) { visitors[Int(id.slot)].phase = .outside }
            return false
        }
        return true
    }

    /// Keeps a message until what its connection waits for is there.
    ///
    /// - Returns: false if there is no room for it; that has been said then.
    mutating func park(_ text: Span<UInt8>, of id: ConnectionID, into output: inout TickOutput) -> Bool {
        let slot = Int(id.slot)
        let bytes = Limits.parkedBytes(of: text.count)
        guard parkedBytes + bytes <= limits.parkedBytesInAll else {
            let messageID = Command(text).flatMap { $0.messageID(in: text) }
            refuse(id, .tooFast(1000), messageID: messageID, of: text, into: &output)
            return false
        }
        // The join itself is kept in any case: it cannot be larger than what a connection may send.
        let isFirst = visitors[slot].parked.isEmpty
        guard isFirst || visitors[slot].parked.count < limits.parkedTexts,
            isFirst || visitors[slot].parkedBytes + bytes <= limits.parkedBytes
        else {
            end(id, .tooEager, into: &output)
            return false
        }
        visitors[slot].parked.append(Array(copying: text))
        visitors[slot].parkedBytes += bytes
        parkedBytes += bytes
        return true
    }

    /// Takes out what a connection has waiting.
    mutating func takeParked(_ id: ConnectionID) -> [[UInt8]] {
        let slot = Int(id.slot)
        let texts = visitors[slot].parked
        parkedBytes -= visitors[slot].parkedBytes
        visitors[slot].parked = []
        visitors[slot].parkedBytes = 0
        return texts
    }

    /// The wait is over: does what a connection has said meanwhile, its join first.
    ///
    /// - Parameter refusal: why the join cannot be done, if it cannot.
    mutating func resume(
        _ id: ConnectionID, fetched: FetchedEvents? = nil, refusal: Refusal? = nil, into output: inout TickOutput
    ) {
        guard isHeard(id), case .waiting = visitors[Int(id.slot)].phase else { return }
        visitors[Int(id.slot)].phase = .outside
        for (index, text) in takeParked(id).enumerated() {
            guard isHeard(id) else { return }
            if index == 0, let refusal {
                refuse(id, refusal, into: &output)
            } else if case .waiting = visitors[Int(id.slot)].phase {
                // Its join waits again, for something else.
                _ = park(text.span, of: id, into: &output)
            } else {
                perform(text.span, from: id, fetched: index == 0 ? fetched : nil, into: &output)
            }
        }
    }
}
