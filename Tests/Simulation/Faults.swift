/// How bad the world is: how often, and for how long, each thing goes wrong. Every seed has its own.
package struct Faults: Sendable {
    /// Nanoseconds that bytes are under way, on average.
    package var latency: Int64 = 20_000_000
    /// Of all sends, those that are taken in part although there is room.
    package var partialSend = 0.0
    /// Of all sends, those that are refused although there is room.
    package var refusedSend = 0.0
    /// Of all sends, those for which the system has no memory, of which nobody is told when it has some again.
    package var exhaustedSend = 0.0
    /// Of all receives, those that find nothing although there is something; it is told of again.
    package var spuriousReadiness = 0.0
    /// Of all receives, those that give only a part of what is there, down to one byte; the rest is told of again.
    package var partialReceive = 0.0
    /// Of all sends, those whose bytes arrive cut into pieces, down to one byte.
    package var cutting = 0.0
    /// Of all connections, those with a very small kernel buffer.
    package var smallBuffers = 0.0
    /// Nanoseconds between breaks of some connection, on average; 0 is never. The same for the following.
    package var resetEvery: Int64 = 0
    package var blackHoleEvery: Int64 = 0
    package var stallEvery: Int64 = 0
    /// Of all attempts to connect, those that fail.
    package var refusedConnect = 0.0
    /// Times without free descriptors.
    package var exhaustionEvery: Int64 = 0
    /// Kills of the process between two system calls, and of the machine.
    package var killEvery: Int64 = 0
    package var powerCutEvery: Int64 = 0
    /// Graceful stops and restarts.
    package var restartEvery: Int64 = 0
    /// Times in which the disk is full, and calls that fail.
    package var fullDiskEvery: Int64 = 0
    package var diskError = 0.0
    package var syncError = 0.0
    package var shortWrite = 0.0
    /// Of all appends, those after which the kernel happens to write the file to the medium.
    package var writeBack = 0.0
    /// How often the server asks in vain whether a sync in the background is done.
    package var syncDelay = 0
    /// Nanoseconds that the disk takes for each of its steps, at most.
    package var diskStep: Int64 = 5_000_000
    /// Of all events, those after whose first sight the power is cut: what somebody has seen must be there again.
    package var powerCutOnSight = 0.0
    /// Jumps of the wall clock.
    package var clockJumpEvery: Int64 = 0

    /// How long it takes on average until a fault comes again; 0 is never.
    func interval(of fault: WorldEvent.Fault) -> Int64 {
        switch fault {
        case .reset: resetEvery
        case .blackHole: blackHoleEvery
        case .stall: stallEvery
        case .exhaustion: exhaustionEvery
        case .kill: killEvery
        case .powerCut: powerCutEvery
        case .restart: restartEvery
        case .fullDisk: fullDiskEvery
        case .clockJump: clockJumpEvery
        }
    }

    package static let none = Faults()

    /// What a plan wants more of.
    mutating func stress(_ emphasis: Emphasis, _ random: inout SeededRandom) {
        let second: Int64 = 1_000_000_000
        switch emphasis {
        case .nothing, .doors: break
        case .crashes:
            killEvery = second * Int64(random.number(4...30))
            powerCutEvery = random.happens(0.3) ? 0 : second * Int64(random.number(8...60))
        case .crowd:
            // Everybody would begin anew, and a crowd takes its time.
            (killEvery, powerCutEvery, restartEvery) = (0, 0, 0)
        case .absences:
            exhaustionEvery = second * Int64(random.number(5...40))
            if random.happens(0.7) { (killEvery, powerCutEvery, restartEvery) = (0, 0, 0) }
        case .badDisk:
            killEvery = second * Int64(random.number(10...60))
            powerCutEvery = second * Int64(random.number(5...30))
            diskError = Double(random.number(2...20)) / 100
            syncError = Double(random.number(2...20)) / 100
            shortWrite = Double(random.number(1...50)) / 100
        case .scarcity:
            let (latency, exhaustion) = (latency, second * Int64(random.number(5...20)))
            self = .none
            (self.latency, exhaustionEvery) = (latency, exhaustion)
            exhaustedSend = random.pick([0, 0.02, 0.2])
        }
    }

    /// A world where everything goes wrong, each thing in some seeds often, in some seldom, in some never.
    package static func all(_ random: inout SeededRandom) -> Faults {
        let second: Int64 = 1_000_000_000
        func some(_ random: inout SeededRandom, _ most: Double) -> Double {
            random.happens(0.4) ? 0 : most * Double(random.number(1...100)) / 100
        }
        func every(_ random: inout SeededRandom, _ shortest: Int64) -> Int64 {
            random.happens(0.4) ? 0 : shortest * Int64(random.number(1...20))
        }
        var faults = Faults()
        faults.latency = Int64(random.number(1...200)) * 1_000_000
        faults.partialSend = some(&random, 0.2)
        faults.refusedSend = some(&random, 0.1)
        faults.exhaustedSend = some(&random, 0.02)
        faults.spuriousReadiness = some(&random, 0.1)
        faults.cutting = some(&random, 0.3)
        faults.smallBuffers = some(&random, 0.3)
        faults.resetEvery = every(&random, 20 * second)
        faults.blackHoleEvery = every(&random, 60 * second)
        faults.stallEvery = every(&random, 20 * second)
        faults.refusedConnect = some(&random, 0.2)
        faults.exhaustionEvery = every(&random, 120 * second)
        faults.killEvery = every(&random, 60 * second)
        faults.powerCutEvery = every(&random, 120 * second)
        faults.restartEvery = every(&random, 120 * second)
        faults.fullDiskEvery = every(&random, 60 * second)
        faults.diskError = some(&random, 0.01)
        faults.syncError = some(&random, 0.02)
        faults.shortWrite = some(&random, 0.05)
        faults.partialReceive = some(&random, 0.2)
        faults.writeBack = some(&random, 0.1)
        faults.syncDelay = random.happens(0.5) ? 0 : random.number(1...40)
        faults.clockJumpEvery = every(&random, 60 * second)
        if random.happens(0.3) { faults.diskStep = 300_000_000 }
        if random.happens(0.3) { faults.powerCutOnSight = 0.02 }
        return faults
    }
}
