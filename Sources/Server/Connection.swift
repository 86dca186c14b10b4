import Chat
import HTTP
import Sockets
import WebSocket

/// Where in its life a connection is.
enum Phase: UInt8 {
    /// The place in the table is free.
    case vacant
    /// Requests and answers; an upgrade may follow.
    case http
    /// A WebSocket to the chat, joined or not.
    case chat
    /// A WebSocket whose messages come back.
    case echo
    /// A close frame of ours is on its way or sent; the peer's is awaited.
    case closing
    /// All is said on this side: what is queued is sent, then the end; what still comes in is thrown away until the peer ends.
    case draining
    /// All is said on both sides: what is queued is sent, then the connection is closed.
    case ending
}

/// A connection, from accept to close. There may be very many, nearly all of them idle: what only some have is elsewhere.
struct Connection {
    var stream: Int32
    var generation: UInt32
    var phase = Phase.http
    /// Whether what is sent to it may be compressed (permessage-deflate).
    var deflates = false
    /// Whether the chat has welcomed it.
    var hasJoined = false
    /// Whether it is in `Server.dirty`.
    var isDirty = false
    /// Whether it is in `Server.unfinished`.
    var isUnfinished = false
    /// Whether it has brought so much at once that it comes after those who bring little; see `Server.drainUnfinished`.
    var isHeavy = false
    /// Whether nothing is received from it until what waits is sent.
    var isPaused = false
    /// Whether it is in `Server.farewells`: nothing more is received from it in this tick.
    var isLeaving = false
    /// Whether it is in `Server.starved`.
    var isStarved = false
    /// Whether our end of the connection is told of (FIN).
    var hasFinished = false
    /// Whether the peer has told of its end of the connection: nothing more comes from it.
    var peerHasFinished = false
    /// Whether a ping is out that nothing has come in after.
    var awaitsPong = false
    /// Whether its address counts towards the limit per address.
    var isCounted = false
    /// Whether it has not asked for anything yet.
    var isHandshake = false
    /// Whether its address counts towards the limit of such connections per address.
    var isHandshakeCounted = false

    var http: HTTPState?
    var reader: MessageReader
    /// Frames and responses of its own that this tick sends before anything else.
    var own: [UInt8] = []
    /// What the kernel has not taken.
    var backlog: Backlog?
    /// Bytes given to the kernel, but for rooms' frames, as a count that wraps around; and how many of them the peer had taken
    /// when that was looked at last.
    var bytesGiven: UInt32 = 0
    var bytesTaken: UInt32 = 0
    /// What it holds beside its backlog; see `noteHeldBytes`.
    var heldBytes = 0

    /// How many of the room's pending events were before its welcome.
    var cursor = 0
    /// This tick's replies to it, as a list in `Server.nextReply`; -1 is none.
    var firstReply: Int32 = -1
    var lastReply: Int32 = -1

    var timer = TimerLink()
    /// The number of the tick whose inputs have its newest message.
    var lastSpoke: UInt64 = 0
    /// When something was last received (ms).
    var lastReceived: Int64
    /// When its phase began (ms).
    var phaseStart: Int64
    /// Who it is: the peer's address, or what a trusted proxy says.
    var address: IPAddress
}

/// What a connection has while it speaks HTTP.
final class HTTPState {
    var parser = RequestParser()
    /// Received, but not looked at while the answers before it wait to be sent.
    var unread: [UInt8] = []
    /// Whether the connection ends after the answer that is queued.
    var isLast = false
    /// The request whose file is being looked for: whether its answer is to have content, and the connection be kept after it.
    var lookup: (includesContent: Bool, keepAlive: Bool)?
    /// The rest of an answer, which is sent when all that is queued is.
    var content: Content?
    enum Content {
        case kept([UInt8])
        /// From `next` on; whether the piece before it is still being read.
        case file(LargeFile, next: Int, isAwaited: Bool)
    }

    /// Whether the thread that reads files has something of it.
    var awaitsFile: Bool {
        if case .file(_, _, true) = content { return true }
        return lookup != nil
    }

    /// Who is at the other end of the connection itself.
    let peer: IPAddress
    /// Whether that is a proxy whose word on the client's address counts.
    let isProxied: Bool
    /// How many connections were accepted before it: of two in one millisecond this tells which is older.
    let number: UInt64

    init(peer: IPAddress, isProxied: Bool, number: UInt64) {
        self.peer = peer
        self.isProxied = isProxied
        self.number = number
    }
}
