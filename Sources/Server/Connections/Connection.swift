import Chat
import HTTP
import Sockets
import WebSocket

/// Where in its life a connection is. Nothing in here needs memory of its own, so that it is copied at no cost; buffers stand
/// beside it.
enum ConnectionState {
    /// The place in the table is free.
    case vacant
    /// Requests and answers; an upgrade may follow.
    case http
    /// A WebSocket to the chat, joined or not.
    case chat(ChatState)
    /// A WebSocket whose messages come back.
    case echo(WebSocketState)
    /// A close frame of ours is on its way or sent; the peer's is awaited.
    case closing
    /// All is said on this side: what is queued is sent, then the end of our side (FIN), which `hasFinished` tells of; what still
    /// comes in is thrown away until the peer ends.
    case draining(hasFinished: Bool)
    /// All is said on both sides: what is queued is sent, then the connection is closed.
    case ending
}

/// What an open WebSocket has.
struct WebSocketState {
    /// Whether what is sent to it may be compressed (permessage-deflate).
    var deflates: Bool
    /// Whether a ping is out that nothing has come in after.
    var awaitsPong = false
}

/// What a WebSocket to the chat has beside.
struct ChatState {
    /// The number of the tick whose inputs have its newest message.
    var lastSpoke: UInt64 = 0
    var socket: WebSocketState
    /// Whether the chat has welcomed it.
    var hasJoined = false
    /// Whether its close is deferred: nothing more is received from it until that has been done.
    var isLeaving = false
}

/// What becomes of what comes in from a connection.
enum ConnectionInput {
    case open
    /// Nothing is received until what waits to be sent is.
    case paused
    /// The peer has ended its side: nothing more comes.
    case finished
}

/// A connection, from accept to close. There may be very many, nearly all of them idle: what only some have is elsewhere.
struct Connection {
    // First what is asked of each member when a room's frames are sent, then the larger, and the small ones where they take no more
    // than their size.
    let stream: Int32
    let generation: UInt32
    /// Frames and responses of its own that this tick sends before anything else.
    var own: [UInt8] = []
    /// What the kernel has not taken.
    var backlog: Backlog?
    var state = ConnectionState.http
    var input = ConnectionInput.open
    /// Why a room's frames do not go to it with everyone's.
    var passedOver: PassedOver = []
    /// What it has while it speaks HTTP, the last answer's content included; nil from an upgrade on.
    var http: HTTPState?
    var reader: MessageReader
    /// Bytes given to the kernel, but for rooms' frames, as a count that wraps around; and how many of them the peer had taken
    /// when that was looked at last.
    var bytesGiven: UInt32 = 0
    var bytesTaken: UInt32 = 0
    /// What it holds beside its backlog; see `noteHeldBytes`.
    var heldBytes = 0
    /// When something was last received (ms).
    var lastReceived: Int64
    /// When its state began, or the request that it is at (ms).
    var stateStart: Int64
    /// Who it is: the peer's address, or what a trusted proxy says.
    var address: IPAddress
    var timer = TimerLink()
}

extension Connection {
    var isVacant: Bool { if case .vacant = state { true } else { false } }
    var isHTTP: Bool { if case .http = state { true } else { false } }
    var isChat: Bool { if case .chat = state { true } else { false } }
    var isEcho: Bool { if case .echo = state { true } else { false } }
    var isClosing: Bool { if case .closing = state { true } else { false } }

    /// Whether it gets something else of a room's entries than everyone does; while they are sent.
    var isIndividual: Bool {
        get { passedOver.contains(.individual) }
        set { if newValue { passedOver.insert(.individual) } else { passedOver.remove(.individual) } }
    }

    /// Whether what is for it is gathered.
    var isSlow: Bool {
        get { passedOver.contains(.slow) }
        set { if newValue { passedOver.insert(.slow) } else { passedOver.remove(.slow) } }
    }

    /// Whether a WebSocket is open.
    var isWebSocket: Bool { socket != nil }

    /// What it has as a WebSocket to the chat; nil where it is none. Setting it changes what it has, never what it is.
    var chat: ChatState? {
        get { if case .chat(let chat) = state { chat } else { nil } }
        set { if let newValue, isChat { state = .chat(newValue) } }
    }

    /// What it has as an open WebSocket of either kind; nil where it is none. Setting it changes what it has, never what it is.
    var socket: WebSocketState? {
        get {
            switch state {
            case .chat(let chat): chat.socket
            case .echo(let socket): socket
            case .vacant, .http, .closing, .draining, .ending: nil
            }
        }
        set {
            guard let newValue else { return }
            if case .echo = state { state = .echo(newValue) }
            chat?.socket = newValue
        }
    }

    /// Whether what is sent to it may be compressed.
    var deflates: Bool { socket?.deflates ?? false }

    /// Whether something is still to be sent to it.
    var isAnswering: Bool { !own.isEmpty || backlog != nil || http?.isAnswering == true }

    /// What it holds in memory for its peer.
    var memory: Int { heldBytes + (backlog?.heldBytes ?? 0) }
}

/// What a connection has while it speaks HTTP.
final class HTTPState {
    var parser = RequestParser()
    /// Received, but not looked at while the answers before it wait to be sent.
    var unread: [UInt8] = []
    /// Whether the connection ends after the answer that is queued.
    var isLast = false
    /// The request whose answer comes from a file or from the chat, and is awaited: whether it is to have content, and the
    /// connection be kept after it, and whether it is a post.
    var awaited: (includesContent: Bool, keepAlive: Bool, isPost: Bool)?
    /// The rest of an answer, which is sent when all that is queued is.
    var content: Content?
    /// Who is at the other end of the connection itself.
    let peer: IPAddress
    /// Whether that is a proxy whose word on the client's address counts.
    let isProxied: Bool
    /// How many connections were accepted before it: of two in one millisecond this tells which is older.
    let number: UInt64

    enum Content {
        case kept([UInt8])
        /// From `next` on; whether the piece that begins there is being read.
        case file(LargeFile, next: Int, isAwaited: Bool)
    }

    init(peer: IPAddress, isProxied: Bool, number: UInt64) {
        self.peer = peer
        self.isProxied = isProxied
        self.number = number
    }

    /// Whether an answer is under way that is not queued.
    var isAnswering: Bool { awaited != nil || content != nil }

    /// Whether it waits for the chat, or for the thread that reads files.
    var isWaiting: Bool {
        if case .file(_, _, true) = content { return true }
        return awaited != nil
    }

    /// The memory of the parts of requests that have come, in bytes.
    var heldBytes: Int { unread.count + parser.heldBytes }
}
