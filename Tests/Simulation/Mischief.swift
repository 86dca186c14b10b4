import Sockets

/// What goes wrong in a world, and when.
extension Simulator {
    func schedule(_ fault: WorldEvent.Fault) {
        let interval = faults.interval(of: fault)
        if interval > 0 { events.add(.fault(fault), at: now + random.time(mean: interval * plan.pace) + 1) }
    }

    func strike(_ fault: WorldEvent.Fault) {
        guard !isCalm else { return }
        defer { schedule(fault) }
        switch fault {
        case .reset, .blackHole, .stall:
            let links = network.openLinks
            guard !links.isEmpty else { return }
            strike(fault, random.pick(links))
        case .exhaustion:
            trace("world  no descriptors")
            network.isExhausted = true
            events.add(.relief(fault), at: now + random.time(mean: 2_000_000_000))
        case .kill, .powerCut:
            cutsPower = fault == .powerCut
            callsLeft = random.number(0...60)
        case .restart:
            // Somebody has no patience, and asks twice.
            signals = random.happens(0.2) ? [15, 15] : [15]
        case .fullDisk:
            trace("world  the disk is full")
            isDiskFull = true
            events.add(.relief(fault), at: now + random.time(mean: 5_000_000_000))
        case .clockJump:
            wallOffset += Int64(random.number(-7_200_000...7_200_000))
            lastTrouble = now
            trace("world  the clock jumps")
        }
    }

    private func strike(_ fault: WorldEvent.Fault, _ link: Link) {
        trace("world  \(fault) of connection \(link.number)")
        link.isHindered = true
        switch fault {
        case .reset: network.reset(link)
        case .blackHole: link.isBlackHole = true
        default: link.stalledUntil = now + random.time(mean: 10_000_000_000)
        }
    }

    /// What goes wrong with somebody's connection again and again, whenever something arrives on it.
    func curse(_ link: Link) {
        guard link.person == plan.cursedPerson, random.happens(0.05) else { return }
        strike(random.pick([.reset, .blackHole, .stall, .stall]), link)
    }

    func relieve(_ fault: WorldEvent.Fault) {
        if fault == .exhaustion {
            network.isExhausted = false
            network.availableSince = now
        }
        if fault == .fullDisk { isDiskFull = false }
    }

    /// Counts a call of the server.
    ///
    /// - Returns: false if it has been killed before.
    func operate() -> Bool {
        guard !isKilled else { return false }
        if let left = callsLeft {
            callsLeft = left - 1
            if left <= 0 { isKilled = true }
        }
        return !isKilled
    }

    func diskFault(_ call: SimulatedDisk.Call) -> SimulatedDisk.Fault? {
        let fault = chosenFault(call)
        if case .fail? = fault { (lastTrouble, hasRefused) = (now, true) }
        return fault
    }

    private func chosenFault(_ call: SimulatedDisk.Call) -> SimulatedDisk.Fault? {
        guard operate() else { return .fail(5) }
        if let room = plan.cursedRoom, call.path.contains("/\(room)/") || call.path.hasSuffix("/\(room)") {
            if [.open, .read, .list, .append].contains(call.operation) { return .fail(5) }
        }
        switch call.operation {
        case .append:
            if isDiskFull { return random.happens(0.5) ? .fail(28) : .short(random.number(0...20)) }
            if random.happens(faults.diskError) { return .fail(5) }
            if random.happens(faults.shortWrite) { return .short(random.number(1...100)) }
        case .sync: if random.happens(faults.syncError) { return .fail(5) }
        case .open:
            if network.isExhausted { return .fail(24) }
            if random.happens(faults.diskError / 4) { return .fail(5) }
        case .read:
            if random.happens(faults.diskError / 4) { return .fail(5) }
            if random.happens(faults.shortWrite) { return .short(random.number(1...100)) }
        case .truncate, .rename, .remove, .list, .size: if random.happens(faults.diskError) { return .fail(5) }
        default: break
        }
        return nil
    }
}
