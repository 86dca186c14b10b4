/// What of a room's entries may be sent, and when.
extension Room {
    /// A part of the entries that waits for the disk itself.
    struct Gate: Sendable {
        var ticket: UInt64
        /// Entries below this number wait for it.
        var below: UInt64
    }

    /// The tick's entries may be sent, or wait for the disk.
    ///
    /// - Parameter ticket: what has to be synced before; nil where the tick has written nothing that has to.
    /// - Returns: whether some wait for the disk.
    mutating func release(after ticket: UInt64?) -> Bool {
        if let ticket {
            gates.append(Gate(ticket: ticket, below: nextEntry))
        } else if !gates.isEmpty {
            // Whatever comes later is sent later.
            gates[gates.count - 1].below = nextEntry
        } else {
            releasedBelow = nextEntry
        }
        return !gates.isEmpty
    }

    /// What was written up to a ticket is on the disk itself.
    ///
    /// - Returns: whether nothing waits for the disk any more.
    mutating func release(through ticket: UInt64) -> Bool {
        while let gate = gates.first, gate.ticket <= ticket {
            releasedBelow = gate.below
            gates.removeFirst()
        }
        return gates.isEmpty
    }

    /// When those of the released entries that are for everyone are due, nil where there are none; and whether there are some
    /// for single connections, which are due at once.
    func dueTimes(now: Int64) -> (shared: Int64?, hasOwn: Bool) {
        var (hasShared, mayWait, hasOwn) = (false, true, false)
        for entry in pending {
            guard entry.number < releasedBelow else { break }
            if entry.isShared {
                hasShared = true
                mayWait = mayWait && entry.mayWait
            } else {
                hasOwn = true
            }
        }
        guard hasShared else { return (nil, hasOwn) }
        return (mayWait ? max(now, lastSent &+ holdTime) : now, hasOwn)
    }

    /// The number of the entry from which on a connection hears what everyone hears; one that is not inside hears nothing.
    package func hearsFrom(_ id: ConnectionID) -> UInt64 {
        guard let number = inside[id], let place = members[number]?.place else { return .max }
        return hearsFrom[place]
    }

    /// The connections that may not hear all entries from this one on.
    package func hearingLate(than number: UInt64) -> [ConnectionID] {
        present.indices.filter { hearsFrom[$0] > number }.map { present[$0] }
    }

    /// Forgets entries that have been sent.
    ///
    /// - Returns: how many were delivered, counted once for each of those they went to.
    mutating func removeSent(_ due: TickOutput.Due, now: Int64) -> UInt64 {
        var sent: UInt64 = 0
        if due.includesShared {
            let end = pending.firstIndex { $0.number >= due.below } ?? pending.count
            for entry in pending[..<end] where entry.isEvent { sent += UInt64(present.count) }
            pending.removeFirst(end)
            lastSent = now
        } else {
            pending.removeAll { $0.number < due.below && !$0.isShared }
        }
        clearAway()
        return sent
    }

    /// Lets go of the texts of entries that are gone.
    private mutating func clearAway() {
        // Memory is kept for the next tick in proportion to the people, so that a thousand quiet rooms hold little.
        let keep = 4096 + 16 * present.count
        // Answers that waited for others have their texts behind those of later entries: the order is not that of `pending`.
        var (firstLine, firstText) = (lines.count, texts.count)
        for entry in pending {
            if entry.isEvent {
                firstLine = min(firstLine, entry.range.lowerBound)
            } else {
                firstText = min(firstText, entry.range.lowerBound)
            }
        }
        if firstLine == lines.count {
            lines.removeAll(keepingCapacity: lines.capacity <= keep)
        } else if firstLine > lines.count / 2 {
            lines.removeFirst(firstLine)
            shift(events: true, by: firstLine)
        }
        if firstText == texts.count {
            texts.removeAll(keepingCapacity: texts.capacity <= keep)
        } else if firstText > texts.count / 2 {
            texts.removeFirst(firstText)
            shift(events: false, by: firstText)
        }
        if pending.isEmpty, pending.capacity * MemoryLayout<Entry>.stride > keep { pending = [] }
        start.bytes = lines.count
    }

    private mutating func shift(events: Bool, by count: Int) {
        for index in pending.indices where pending[index].isEvent == events {
            let range = pending[index].range
            pending[index].range = range.lowerBound - count..<range.upperBound - count
        }
    }

    mutating func takeGraces() -> [GraceRequest] {
        defer { if !graces.isEmpty { graces = [] } }
        return graces
    }

    mutating func takeServerChanges() -> [ServerChange] {
        defer { if !serverChanges.isEmpty { serverChanges = [] } }
        return serverChanges
    }

    mutating func takeRefusals() -> [(connection: ConnectionID, code: ErrorCode)] {
        defer { if !refusals.isEmpty { refusals = [] } }
        return refusals
    }
}
