import Chat
import History
import Sockets

/// What `chatloop serve` can be told; the defaults are those of the command.
package struct ServeOptions: Sendable {
    package enum MetricsAudience: String, Sendable, CaseIterable { case loopback, `public`, off }
    package enum LogLevel: String, Sendable, CaseIterable, Comparable {
        case error, info, debug
        package static func < (a: Self, b: Self) -> Bool { rank(a) < rank(b) }
        private static func rank(_ level: Self) -> Int { allCases.firstIndex(of: level) ?? 0 }
    }

    package var host = "127.0.0.1"
    package var port: UInt16 = 8080
    package var publicFolder: String?
    package var dataFolder = ".chatloop"
    package var isEphemeral = false
    package var fsync = FsyncPolicy.everySecond
    /// Ticks a second at most; 0 is as many as there is work for.
    package var tickRate: Double = 0
    package var poller = PollerKind.available[0]
    /// Open connections in all; nil is what the descriptor limit allows.
    package var maxConnections: Int?
    /// Open connections from one address; 0 is no limit.
    package var maxConnectionsPerAddress = 0
    /// Bytes of the largest WebSocket message.
    package var maxMessage = 65_536
    /// Bytes of unsent output that one connection may pile up.
    package var maxQueue = 1_048_576
    /// Messages a second of one connection in the long run; 0 is no limit.
    package var messageRate: Double = 10
    /// Further web origins that may open the chat.
    package var origins: [String] = []
    /// Peers whose word on the client's address counts.
    package var trustedProxies: [AddressBlock] = []
    /// Seconds without traffic before a ping.
    package var pingInterval: Double = 30
    package var metrics = MetricsAudience.loopback
    package var recording: String?
    package var servesEcho = false
    package var watchesFiles = false
    package var logLevel = LogLevel.info
    /// The journal of sessions is written anew when it is larger than this, and twice as large as what still counts (bytes).
    /// The command has no option for it; a simulated world makes it small, so that it comes to that.
    package var journalBytes: Int64 = 4 << 20

    package init() {}
}

/// The times after which the loop does something about a silent connection, and the sizes of its buffers, in one place.
enum Timing {
    /// A request's head must be complete this long after its first byte, or after the connection was made (ms).
    static let requestHead: Int64 = 10_000
    /// A kept-alive HTTP connection may be silent this long between requests (ms).
    static let keepAlive: Int64 = 60_000
    /// A WebSocket must join this long after the upgrade (ms).
    static let join: Int64 = 30_000
    /// The peer has this long to answer a close frame and to end the connection (ms).
    static let close: Int64 = 5_000
    /// After descriptors have run out, accepting is tried again (ms).
    static let acceptAgain: Int64 = 500
    /// How long a graceful stop waits for connections to take what is queued and to close (ms).
    static let stop: Int64 = 3_000
}

enum Sizes {
    /// Bytes that are received at once.
    static let inbox = 64 * 1024
    /// Times that one connection is received from in a tick. One that has more waits for the next: a flood takes its turn.
    static let receivesPerTick = 4
    /// Connections that are accepted in a tick.
    static let acceptsPerTick = 1024
    /// Bytes of messages in a tick. When there are more, the rest of those ready waits for the next.
    static let tickBytes = 4 << 20
    /// Bytes of answers that an HTTP connection may have waiting before its next request is looked at.
    static let httpQueue = 256 * 1024
    /// Bytes that are sent at once where several pieces have to be put together.
    static let outbox = 256 * 1024
    /// Bytes that are read from the history in a tick.
    static let readBytes = 1 << 20
    /// Connections beyond the limit that are served the page, and told that the server is full.
    static let reservedConnections = 32
    /// Unsent bytes that one connection may have while all together have too many.
    static let scarceQueue = 64 * 1024
    /// The same for all connections together: when as much waits unsent, slow ones are dropped sooner.
    static let allQueues = 512 << 20
    /// Descriptors that are not for connections: standard streams, poller, pipe, listener, logs, files.
    static let reservedDescriptors = 128
    /// Connections, however many descriptors there may be.
    static let mostConnections = 1 << 20
}
