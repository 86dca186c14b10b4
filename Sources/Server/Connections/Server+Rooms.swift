import Bytes
import Chat
import HTTP
import WebSocket

/// What a room gives and takes over HTTP, beside its page: messages of programs, pages of the past, and what anyone may know.
extension Server where W: ~Copyable {
    /// Passes a request on to the chat.
    ///
    /// - Returns: nil where the chat is asked; else the answer.
    mutating func ask(_ slot: Int, _ asked: RoomRequest, _ request: HTTPRequest, _ target: HTTPTarget) -> Response? {
        guard RoomName.isValid(Array(asked.room.utf8).span) else {
            return .plain(.notFound, "There is no such room: a room's name is 1 to 32 of a-z, 0-9 and -.")
        }
        switch asked.kind {
        case .post: return post(slot, request, to: asked.room)
        case .about: ask(slot, .about, asked.room)
        case .messages:
            guard let page = PageQuery(target) else { return PageQuery.refusal }
            ask(slot, .messages(before: page.before, limit: page.limit, by: bot(request)), asked.room)
        }
        return nil
    }

    private mutating func ask(_ slot: Int, _ kind: WebRequest.Kind, _ room: String) {
        let name = inputs.append(Array(room.utf8).span)
        let address = chat.secret.address(connections[slot].address.site.bytes.span)
        inputs.items.append(.asked(connections.id(slot), WebRequest(kind, room: name, address: address)))
    }

    private mutating func post(_ slot: Int, _ request: HTTPRequest, to room: String) -> Response? {
        // A web page that somebody has open elsewhere could send what a program sends.
        guard OriginCheck.allows(request, also: options.origins, isSecure: options.tlsCertificate != nil) else {
            logForeignOrigin(slot, request)
            return .plain(.forbidden, "Pages of other sites may not post here. The log of the server says more.")
        }
        guard let bot = bot(request) else {
            return .plain(
                .unauthorized, "This takes a token of `chatloop token`, as Authorization: Bearer TOKEN",
                [("WWW-Authenticate", "Bearer")])
        }
        switch PostContent(request) {
        case .refused(let response): return response
        case .object(let text):
            ask(slot, .post(by: bot, content: inputs.append(text.span)), room)
            return nil
        }
    }

    /// The program whose token a request has brought; nil where it has none, or one that is not known.
    private mutating func bot(_ request: HTTPRequest) -> Bot? {
        guard let token = BearerToken(request) else { return nil }
        lookAtTokens()
        return tokens?.bot(of: token)
    }

    /// The chat has answered a request.
    ///
    /// - Parameter text: a JSON text without its closing bracket.
    mutating func answer(_ id: ConnectionID, _ outcome: WebOutcome, _ text: ArraySlice<UInt8>) {
        let isPost = connections.slot(of: id).flatMap { connections[$0].http?.awaited?.isPost } ?? false
        answerAwaited(id, Response(outcome, text, isPost: isPost))
    }
}

/// A request for something of a room that is not its page.
struct RoomRequest {
    enum Kind { case post, about, messages }
    let kind: Kind
    let room: String

    /// Nil for any other.
    init?(_ path: [String], _ method: HTTPMethod) {
        guard path.count >= 2, path[0] == "r" else { return nil }
        room = path[1]
        switch path.dropFirst(2) {
        case [] where method == .post: kind = .post
        case ["about"]: kind = .about
        case ["messages"]: kind = .messages
        default: return nil
        }
    }

    /// Whether a target is a room's address, be the name one or not.
    ///
    /// - Parameter target: nil where it makes no sense.
    static func takesPosts(_ target: HTTPTarget?, _ request: HTTPRequest) -> Bool {
        guard let path = target?.path else { return request.target.hasPrefix("/r/") }
        return path.count == 2 && path[0] == "r"
    }
}

/// Which messages are asked for.
struct PageQuery {
    private(set) var before = UInt64.max
    private(set) var limit = 50

    /// Nil where a value is none.
    init?(_ target: HTTPTarget) {
        if let text = target.query("before") {
            guard let number = Self.number(text), number <= Limits.largestSeq else { return nil }
            before = number
        }
        if let text = target.query("limit") {
            guard let number = Self.number(text), Limits.historyLimit.contains(number) else { return nil }
            limit = Int(number)
        }
    }

    private static func number(_ text: String) -> UInt64? {
        text.utf8.allSatisfy { (0x30...0x39).contains($0) } ? UInt64(text) : nil
    }

    static let refusal = Response(
        .badRequest,
        json: #"{"type":"error","code":"bad_field","message":"before is a seq, and limit is from 1 to 200."}"#)
}

extension Response {
    /// What the chat has answered. It is new each time, and nobody else's to keep.
    fileprivate init(_ outcome: WebOutcome, _ text: ArraySlice<UInt8>, isPost: Bool) {
        var fields = [("Cache-Control", "no-store")]
        switch outcome {
        case .ok: status = .ok
        case .created: status = .created
        case .refused(let code, let wait):
            status = Self.status(of: code, isPost: isPost)
            if status == .unauthorized { fields.append(("WWW-Authenticate", "Bearer")) }
            if status == .tooManyRequests { fields.append(("Retry-After", String(max(1, ((wait ?? 0) + 999) / 1000)))) }
        }
        type = "application/json"
        self.fields = fields
        content = .bytes(text + Array("}\n".utf8))
    }

    fileprivate init(_ status: HTTPStatus, json: String) {
        self.status = status
        type = "application/json"
        fields = [("Cache-Control", "no-store")]
        content = .bytes(Array("\(json)\n".utf8))
    }

    private static func status(of code: ErrorCode, isPost: Bool) -> HTTPStatus {
        switch code {
        case .badJSON: .badRequest
        case .rateLimited: .tooManyRequests
        case .roomInvalid: .notFound
        case .passwordRequired, .inviteRequired: .unauthorized
        case .banned where !isPost: .forbidden
        case .storageFailed: .serviceUnavailable
        default: .unprocessableContent
        }
    }
}
