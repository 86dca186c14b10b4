import Bytes
import Foundation
import Support

/// Nuisances at work, each on a thread of its own, until they are told to stop.
///
/// They would have machines of their own. Here they share the processors with the server, and would take most of them from
/// it by their number, which says nothing about the server: so they get what it leaves.
final class Mob: @unchecked Sendable {
    private let lock = NSLock()
    private let kinds: [Nuisance]
    private var isOver = false
    private var finished = 0
    private var rounds: [Nuisance: Int] = [:]
    private var failures: [String] = []

    init(_ kinds: [Nuisance], against server: LiveServer) {
        self.kinds = kinds
        ignoreBrokenPipes()
        // The threads only ask it for its port, which does not change.
        nonisolated(unsafe) let server = server
        for kind in kinds {
            Thread.detachNewThread { [self] in
                defer { lock.withLock { finished += 1 } }
                #if os(Linux)
                    // On Linux that is a thread's, in spite of its name.
                    setpriority(__priority_which_t(PRIO_PROCESS.rawValue), 0, 19)
                #endif
                while !lock.withLock({ isOver }) {
                    do {
                        try kind.disturb(server)
                        lock.withLock { rounds[kind, default: 0] += 1 }
                    } catch {
                        lock.withLock { failures.append("\(kind): \(error)") }
                    }
                }
            }
        }
    }

    /// Whether each has done so many rounds; one that only fails counts as having done none.
    func hasDone(_ count: Int) -> Bool { lock.withLock { kinds.allSatisfy { rounds[$0, default: 0] >= count } } }

    /// Begins no further rounds.
    func stop() { lock.withLock { isOver = true } }

    /// Whether the last rounds have come to an end.
    var isFinished: Bool { lock.withLock { finished == kinds.count } }

    /// What went otherwise than the hostile side expects.
    var complaints: [String] { lock.withLock { failures } }
}
