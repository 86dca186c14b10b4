/// Why a connection or request was turned away.
enum Rejection: String, CaseIterable {
    case badRequest = "bad_request"
    case lateRequest = "late_request"
    case foreignOrigin = "foreign_origin"
    /// A request was sent to a name that is not this server's.
    case foreignHost = "foreign_host"
    case tooManyFromAddress = "too_many_from_address"
    /// It said nothing, and its place was needed.
    case silent
    /// All connections together have too much waiting.
    case crowded
    case full
}

/// What the server counts, since it was started.
struct Metrics {
    /// When the process began to serve (ms since the Unix epoch).
    var startTime: Int64 = 0
    /// Descriptors that may be open.
    var mostDescriptors = 0
    /// Where its file system's free space is told of; nil where nothing is kept.
    var dataFolder: String?

    mutating func begin(_ options: ServeOptions, descriptors: Int, wall: Int64) {
        startTime = wall
        mostDescriptors = descriptors
        dataFolder = options.isEphemeral ? nil : options.dataFolder
    }

    var ticks: UInt64 = 0
    var accepted: UInt64 = 0
    var closed: UInt64 = 0
    var abortedAccepts: UInt64 = 0
    var exhaustedAccepts: UInt64 = 0
    var exhaustedSends: UInt64 = 0
    var requests: UInt64 = 0
    var responses: [Int: UInt64] = [:]
    var upgrades: UInt64 = 0
    var rejections: [Rejection: UInt64] = [:]
    var losses: [Loss: UInt64] = [:]
    /// Close frames that began here, by code.
    var closes: [UInt16: UInt64] = [:]
    var violations: UInt64 = 0
    var pings: UInt64 = 0
    var messagesReceived: UInt64 = 0
    var bytesReceived: UInt64 = 0
    var bytesSent: UInt64 = 0
    /// Connections ended because all together had too much waiting.
    var crowdedOut: UInt64 = 0
    var storageFailures: UInt64 = 0
    var tickEvents: UInt64 = 0
    var tickDurations = Histogram()

    /// - Parameter nanoseconds: from after the wait to after the sending.
    mutating func endTick(events: Int, nanoseconds: Int64) {
        tickEvents += UInt64(events)
        tickDurations.record(nanoseconds: nanoseconds)
    }
}

/// How often something took how long, in a few buckets (as Prometheus wants them: each includes the ones before it).
struct Histogram {
    /// The upper bounds, in nanoseconds.
    static let bounds: [Int64] = [
        10_000, 30_000, 100_000, 300_000, 1_000_000, 3_000_000, 10_000_000, 30_000_000, 100_000_000, 300_000_000,
    ]

    /// One for each bound, and one for what is beyond.
    private(set) var counts = [UInt64](repeating: 0, count: Histogram.bounds.count + 1)
    private(set) var sum: Int64 = 0

    mutating func record(nanoseconds: Int64) {
        let bucket = Self.bounds.firstIndex { nanoseconds <= $0 } ?? Self.bounds.count
        counts[bucket] += 1
        sum += nanoseconds
    }
}
