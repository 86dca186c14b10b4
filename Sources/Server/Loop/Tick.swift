import Chat
import WebSocket

/// One turn of the loop, and what a turn leaves to the next.
struct Tick {
    /// How many there were, this one included.
    private(set) var number: UInt64 = 0
    /// The present: nanoseconds of the monotonic clock.
    private(set) var nanoseconds: Int64
    /// When the next one may begin, with `--tick-rate` (ns).
    private(set) var earliest: Int64 = 0
    /// Whether the inputs are still open.
    private(set) var isReceiving = false
    /// What has happened after the inputs were closed, for the next tick.
    private var carried: [TickInputs.Item] = []
    /// Connections that end when what was said by them has been answered.
    private var deferredCloses: [(connection: ConnectionID, close: DeferredClose)] = []
    /// A stop that is under way.
    var stopping: Stopping?

    init(now: Int64) { nanoseconds = now }

    /// - Parameters:
    ///   - now: in nanoseconds.
    ///   - rate: ticks a second at most; 0 is no limit.
    mutating func begin(now: Int64, rate: Double) {
        number += 1
        isReceiving = true
        nanoseconds = now
        if rate > 0 { earliest = now + Int64(1e9 / rate) }
    }

    mutating func endReceiving() { isReceiving = false }

    /// Whether something waits for the next one that nobody else will tell of.
    var hasCarried: Bool { !carried.isEmpty }

    mutating func carry(_ item: TickInputs.Item) { carried.append(item) }

    mutating func takeCarried(into inputs: inout TickInputs) {
        inputs.items.append(contentsOf: carried)
        carried.removeAll(keepingCapacity: true)
    }

    mutating func deferClose(_ connection: ConnectionID, _ close: DeferredClose) {
        deferredCloses.append((connection, close))
    }

    mutating func takeDeferredCloses() -> [(connection: ConnectionID, close: DeferredClose)] {
        guard !deferredCloses.isEmpty else { return [] }
        defer { deferredCloses.removeAll() }
        return deferredCloses
    }
}

/// How a connection ends whose end is deferred until what it has said is answered.
enum DeferredClose {
    /// The peer has broken the protocol.
    case failed(CloseCode, String)
    /// The peer has sent a close frame.
    case closed(CloseCode?)
    /// The peer has ended its side without one.
    case ended
}

/// A stop that is under way.
struct Stopping {
    var signal: Int32
    /// When what is left is left (ms).
    var deadline: Int64
    /// Whether there was a second signal.
    var isForced = false
    /// Why it stops, where that is no signal.
    var failure: StartFailure?
}
