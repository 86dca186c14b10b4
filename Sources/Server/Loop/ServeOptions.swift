import Chat
import Cluster
import Log
import Sockets

/// The version of all of it.
package let chatloopVersion = "1.0.0"

/// What `chatloop serve` can be told; the defaults are those of the command.
package struct ServeOptions: Sendable {
    package enum MetricsAudience: String, Sendable, CaseIterable { case off, loopback, `public` }
    package enum LogLevel: String, Sendable, CaseIterable, Comparable {
        case error, info, debug
        package static func < (a: Self, b: Self) -> Bool { rank(a) < rank(b) }
        private static func rank(_ level: Self) -> Int { allCases.firstIndex(of: level) ?? 0 }
    }

    package var host = "127.0.0.1"
    /// Where that was said, for errors.
    package var hostSource = "--host"
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
    /// Chat messages of one sender in the long run; 0 is no limit.
    package var messageRate: Double = 10
    /// Further web origins that may open the chat.
    package var origins: [String] = []
    /// Peers whose word on the client's address counts.
    package var trustedProxies: [AddressBlock] = []
    /// Seconds without traffic before a ping.
    package var pingInterval: Double = 30
    package var metrics = MetricsAudience.off
    package var recording: String?
    package var servesEcho = false
    package var watchesFiles = false
    package var logLevel = LogLevel.info
    /// The only rooms there are; nil is any.
    package var rooms: [String]?
    /// Rooms that may have a file.
    package var maxRooms = 10_000
    /// Days, and bytes, for which a room's history is kept; nil is for ever, and all.
    package var keepDays: Int?
    package var keepBytes: Int?
    /// Whether strangers are brought together at `/pair`.
    package var pairsStrangers = false
    /// The file whose first line is the password.
    package var passwordFile: String?
    /// The code that makes an operator, where it is in no file.
    package var operatorCode: String?
    /// PEM files: both or neither.
    package var tlsCertificate: String?
    package var tlsKey: String?
    package var cluster: ClusterAddress?
    /// This node's name; nil is one of the host's name and the process's number.
    package var node: String?
    /// Whether other processes of this machine listen on the same port.
    package var reusesPort = false

    // MARK: What no option changes: nobody could be told when to. Tests of debug builds make them small.

    /// Bytes that the queues and half-received messages of all connections together may hold in memory: less than what a small
    /// machine has, and more than ten thousand honest connections ever need.
    package var maxBuffers = 512 << 20
    /// Seconds for a request's head from its first byte on, or from the beginning of the connection: time enough for the worst
    /// line, and too little to hold a place with.
    package var requestTimeout: Double = 10
    /// Seconds that a kept HTTP connection may be silent between requests, as other servers have it.
    package var keepAlive: Double = 60
    /// Seconds for the join, from the upgrade on (the protocol says 30).
    package var joinTimeout: Double = 30
    /// Seconds for the answer to a close frame, and for the end of the connection.
    package var closeTimeout: Double = 5
    /// Rates of one connection, a second, that replace the chat's own (`Chat.Limits`); 0 is no limit.
    package var byteRate: Double?
    package var typingRate: Double?
    package var renameRate: Double?
    package var historyRate: Double?
    package var errorRate: Double?
    /// The same for reading over HTTP, of one address.
    package var readingRate: Double?
    /// Bytes at which a recording ends: it is to be looked at on a desk, not to fill a disk.
    package var recordingBytes = 1 << 30
    /// Bytes that are received at once.
    package var inboxBytes = 64 * 1024
    /// Whether SIGHUP means that the terminal is gone, and so is a stop.
    package var stopsAtHangUp = false

    package init() {}
}

extension ServeOptions {
    /// What the page's address begins with.
    package var scheme: String { tlsCertificate == nil ? "http" : "https" }

    /// The room that the page's own address means.
    var mainRoom: String {
        guard let rooms, !rooms.contains(RoomName.standard) else { return RoomName.standard }
        return rooms.first ?? RoomName.standard
    }

    /// How much of the history is kept.
    var retention: Retention {
        Retention(time: keepDays.map { Int64($0) * 86_400_000 }, bytes: keepBytes.map { Int64($0) })
    }

    /// What a cluster's rooms decide by, in words: all nodes have to be told the same.
    var clusterRules: [UInt8] {
        let rooms = rooms.map { "--rooms " + $0.joined(separator: ",") } ?? "any room"
        return Array("rules 1, \(rooms)".utf8)
    }

    /// What the chat allows.
    func limits(isDurable: Bool) -> Limits {
        var limits = Limits(messagesPerSecond: messageRate, isDurable: isDurable)
        limits.rules.namedRooms = rooms ?? []
        limits.rules.pairsStrangers = pairsStrangers
        limits.rules.isShared = cluster != nil
        limits.rooms = maxRooms
        // Half of it for the newest events, and half for the messages before them.
        if let keepBytes { limits.rules.recentBytes = min(limits.rules.recentBytes, keepBytes / 2) }
        limits.keepDays = keepDays.map { UInt64(clamping: $0) }
        if let readingRate { limits.readingFromAddress = Limits.rate(readingRate, seconds: 10) }
        if let byteRate { limits.bytes = Limits.rate(byteRate, seconds: 3) }
        if let typingRate { limits.typing = Limits.rate(typingRate, seconds: 5) }
        if let renameRate { limits.renames = Limits.rate(renameRate, seconds: 100) }
        if let historyRate { limits.history = Limits.rate(historyRate, seconds: 4) }
        if let errorRate { limits.errors = Limits.errorRate(errorRate) }
        return limits
    }
}

/// The times of the loop itself, and the sizes of its buffers, in one place.
enum Timing {
    /// How soon it is noticed that all operators are ended (ms).
    static let linkLook: Int64 = 2_000
    /// Whoever has something to say when a connection begins says it within this time (ms).
    static let moment: Int64 = 1_000
    /// How long one that reads too slowly has to read that it is closed for that (ms).
    static let slowFarewell: Int64 = 30_000
    /// While every place is taken, a connection that is kept for a next request may be silent this long (ms).
    static let idleWhileFull: Int64 = 5_000
    /// After descriptors have run out, accepting is tried again (ms).
    static let acceptAgain: Int64 = 500
    /// After the system has had no memory to send with, sending is tried again (ms).
    static let sendAgain: Int64 = 50
    /// How often a node looks what of its rooms' histories is not to be kept any longer (ms).
    static let expiryLook: Int64 = 600_000
    /// How long events are gathered for a page that nobody looks at (ms): the protocol allows a second, some of which a tick may take.
    static let gathering: Int64 = 950
    /// How long a graceful stop waits for connections to take what is queued and to close (ms).
    static let stop: Int64 = 3_000
}

enum Sizes {
    /// Times that one connection may be received from in a tick, while that does not fill the buffer; and the buffers that
    /// all who have more may fill in a tick together. The rest waits for the next: floods take turns with each other, and
    /// a tick with them takes about a millisecond.
    static let receivesPerTick = 4
    /// Connections that are accepted in a tick. Those who are here already are not to wait for a flood of newcomers.
    static let acceptsPerTick = 32
    /// Bytes of messages in a tick. When there are more, the rest of those ready waits for the next.
    static let tickBytes = 4 << 20
    /// Bytes of answers that an HTTP connection may have waiting before its next request is looked at.
    static let httpQueue = 64 * 1024
    /// Bytes of a file's content that are copied behind their head, so that both go out together.
    static let copiedContent = 16 * 1024
    /// Bytes of events that are gathered for a room's pages that nobody looks at.
    static let gathering = 64 * 1024
    /// Bytes that are sent at once where several pieces have to be put together.
    static let outbox = 256 * 1024
    /// Connections beyond the limit that are served the page, and told that the server is full.
    static let reservedConnections = 32
    /// Bytes that may be left of a frame for a connection that is ended for holding too much.
    static let lastWords = 64 * 1024
    /// Descriptors that are neither connections nor rooms' files: standard streams, poller, pipes, listeners, lock, files that
    /// are read and synced, and a few more than there are.
    static let reservedDescriptors = 20
    /// Files of rooms that are held open. Those of others are opened for each write.
    static let mostRoomFiles = 64
    /// Connections, however many descriptors there may be.
    static let mostConnections = 1 << 20
}
