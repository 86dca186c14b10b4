import Sockets

/// What has been used and done up to some moment of a run. What happened in a time is the difference of two.
struct Snapshot: Sendable {
    /// Nanoseconds of the monotonic clock.
    var time: Int64 = 0
    /// Nanoseconds of processor time of the server; nil where its process is not known.
    var serverProcessor: Int64?
    /// Bytes that the server has in memory.
    var serverMemory: Int?
    /// Nanoseconds of processor time of this process.
    var ownProcessor: Int64 = 0
    var sent: UInt64 = 0
    var deliveries: UInt64 = 0
    var joins: UInt64 = 0

    init() {}

    /// Now, as far as the system knows.
    init(server process: Int32?) {
        let usage = process.flatMap { ProcessUsage.of(process: $0) }
        serverProcessor = usage?.cpuNanoseconds
        serverMemory = usage?.residentBytes
        ownProcessor = Clock.processor
        time = Clock.monotonic
    }
}
