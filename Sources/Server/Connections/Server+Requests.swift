import Chat
import HTTP
import Sockets
import WebSocket

/// HTTP: requests in, answers out, and the upgrade.
extension Server where W: ~Copyable {
    /// Reads requests.
    ///
    /// - Returns: whether the connection has become a WebSocket, and the rest of the bytes is frames.
    mutating func readRequests(_ slot: Int, _ bytes: Span<UInt8>, at offset: inout Int) -> Bool {
        guard let http = connections[slot].http, !http.isLast else { return false }
        var isTimed = http.parser.isMidRequest
        while true {
            if mustWait(slot) {
                http.unread.append(copying: bytes.extracting(offset...))
                pause(slot)
                return false
            }
            guard let event = http.parser.next(in: bytes, at: &offset, maxContent: options.maxMessage) else { break }
            isTimed = false
            guard answer(slot, event) else { return false }
            if !connections[slot].isHTTP { return true }
        }
        if http.parser.awaitsContinue {
            HTTPResponse.appendContinue(to: &connections[slot].own)
            http.parser.hasContinued()
            outgoing.markDirty(slot)
        }
        // The time for a request runs from its first byte; the bytes of a slow one do not buy more.
        if http.parser.isMidRequest, !isTimed {
            connections[slot].stateStart = now
            connections.setTimer(slot, to: now + milliseconds(options.requestTimeout))
        }
        return false
    }

    /// Goes on with what had to wait for the answers before it to be sent.
    mutating func resumeRequests(_ slot: Int) {
        guard let http = connections[slot].http, !http.unread.isEmpty else { return }
        let unread = http.unread
        http.unread = []
        take(slot, unread.span)
    }

    /// Whether so many answers wait that the client has to take some before the next request counts.
    private func mustWait(_ slot: Int) -> Bool {
        if let http = connections[slot].http, http.lookup != nil || http.content != nil { return true }
        return connections[slot].own.count + (connections[slot].backlog?.byteCount ?? 0) > Sizes.httpQueue
    }

    /// - Returns: whether more requests may follow.
    private mutating func answer(_ slot: Int, _ event: RequestEvent) -> Bool {
        metrics.requests += 1
        admission.hasAsked(slot, connections[slot].address)
        switch event {
        case .refused(let refusal, let toHead):
            metrics.rejections[.badRequest, default: 0] += 1
            log(.debug, "request-refused", "connection", slot, "reason", refusal.reason)
            respond(slot, .plain(refusal.status, refusal.reason), includesBody: !toHead, keepAlive: false)
            return false
        case .request(let request):
            connections[slot].stateStart = now
            connections.setTimer(slot, to: now + milliseconds(options.keepAlive))
            return answer(slot, request)
        }
    }

    private mutating func answer(_ slot: Int, _ request: HTTPRequest) -> Bool {
        let keepAlive = request.keepAlive && thisTick.stopping == nil && !isOverFull
        let isHead = request.method == .head
        let target = HTTPTarget.parse(request.target)
        identify(slot, request)
        if let host = admission.hostCheck?.foreignHost(request, target) {
            respond(slot, refusal(ofHost: host, slot), includesBody: !isHead, keepAlive: keepAlive)
            return keepAlive
        }
        guard request.method == .get || isHead else {
            let answer = Response.plain(
                .methodNotAllowed, "Only GET and HEAD are answered here.", [("Allow", "GET, HEAD")])
            respond(slot, answer, includesBody: true, keepAlive: keepAlive)
            return keepAlive
        }
        guard let target else {
            // A room's name that is none is not found, in whatever way it is spelled.
            let isRoom = request.target.hasPrefix("/r/")
            let answer = isRoom ? Site.noRoom(named: "") : .plain(.badRequest, "The address makes no sense.")
            respond(slot, answer, includesBody: !isHead, keepAlive: isRoom && keepAlive)
            return isRoom && keepAlive
        }
        if let endpoint = endpoint(target), !isHead, request.minorVersion >= 1, request.count(of: "upgrade") > 0 {
            return upgrade(slot, request, target, to: endpoint, keepAlive: keepAlive)
        }
        // Whoever asks on without taking the answers gets no more of them while memory is scarce.
        if memory.isHigh, connections[slot].backlog != nil || !connections[slot].own.isEmpty {
            metrics.rejections[.crowded, default: 0] += 1
            let answer = Response.plain(
                .serviceUnavailable, "The server has too much waiting. Take what there is first.")
            respond(slot, answer, includesBody: !isHead, keepAlive: false)
            return false
        }
        guard let response = self.response(slot, request, target) else {
            connections[slot].http?.lookup = (includesContent: !isHead, keepAlive: keepAlive)
            return keepAlive
        }
        respond(slot, response, includesBody: !isHead, keepAlive: keepAlive)
        return keepAlive
    }

    /// What a request gets that was sent to a name which anyone could have pointed here.
    private mutating func refusal(ofHost host: String, _ slot: Int) -> Response {
        metrics.rejections[.foreignHost, default: 0] += 1
        if admission.hostLog.admits(now: now) {
            log(
                .info, "host-refused", "connection", slot, "host", host, "remedy",
                "behind a proxy give --trust-proxy with its address; for a name of your own give --origin http://\(host)"
            )
        }
        return .plain(
            .misdirectedRequest,
            "This chat answers on this machine only, and not by this name. The log of the server says what to do about that."
        )
    }

    /// Finds out who really asks, where a trusted proxy says so.
    private mutating func identify(_ slot: Int, _ request: HTTPRequest) {
        guard let http = connections[slot].http, http.isProxied else { return }
        let trusted = options.trustedProxies
        let client = ForwardedFor.client(of: request, peer: http.peer.description) { text in
            IPAddress(text).map { address in trusted.contains { $0.contains(address) } } ?? false
        }
        // A proxy may use one connection for the requests of many.
        let address = IPAddress(client) ?? http.peer
        if address != connections[slot].address { log(.debug, "forwarded", "connection", slot, "address", address) }
        connections[slot].address = address
    }

    /// The kind of WebSocket that a target is the address of.
    private enum Endpoint {
        case chat, echo
    }

    private func endpoint(_ target: HTTPTarget) -> Endpoint? {
        switch target.path {
        case ["chat"]: return .chat
        case ["echo"] where options.servesEcho: return .echo
        default: return nil
        }
    }

    /// - Returns: nil where the answer is in a folder, and has to be read first.
    private mutating func response(_ slot: Int, _ request: HTTPRequest, _ target: HTTPTarget) -> Response? {
        if admission.isOver(connections[slot].address) {
            metrics.rejections[.tooManyFromAddress, default: 0] += 1
            return .plain(.tooManyRequests, "There are too many connections from your address.")
        }
        if endpoint(target) != nil { return upgradeRequired(slot, request) }
        switch target.path {
        case ["healthz"]:
            let status: HTTPStatus = keeping.isKeeping || target.query("ready") == nil ? .ok : .serviceUnavailable
            return Response(
                status: status, content: .bytes(Array((keeping.isKeeping ? "ok" : "not keeping: disk").utf8)))
        case ["metrics"] where mayReadMetrics(slot, request):
            return Response(
                status: .ok, type: "text/plain; version=0.0.4; charset=utf-8", content: .bytes(metricsText()))
        default:
            return files.response(to: target.path, of: request, from: connections.id(slot))
        }
    }

    private func mayReadMetrics(_ slot: Int, _ request: HTTPRequest) -> Bool {
        switch options.metrics {
        case .off: return false
        case .public: return true
        case .loopback: return connections[slot].address.isLoopback && !ForwardedFor.isForwarded(request)
        }
    }

    mutating func respond(_ slot: Int, _ response: Response, includesBody: Bool, keepAlive: Bool) {
        let status = response.status
        HTTPResponse.appendHead(
            to: &connections[slot].own, status: status,
            fields: response.allFields(type: status.allowsContent ? response.type : nil),
            contentLength: response.content.count, keepAlive: keepAlive, secondsSinceEpoch: inputs.time / 1000)
        if includesBody, status.allowsContent { append(response.content, slot) }
        metrics.responses[status.code, default: 0] += 1
        if !keepAlive {
            connections[slot].http?.isLast = true
            startDraining(slot)
        }
        outgoing.markDirty(slot)
    }

    // MARK: The upgrade

    /// A request for a WebSocket's address that asks for no upgrade: says what has probably become of it on the way here.
    private mutating func upgradeRequired(_ slot: Int, _ request: HTTPRequest) -> Response {
        let isHandshake = request.count(of: "sec-websocket-key") > 0
        let reason: String
        if request.minorVersion == 0 {
            reason =
                "This request came by HTTP/1.0, which knows no WebSockets. If there is a proxy in front of the chat, have it "
                + "speak HTTP/1.1 to the chat; in nginx: proxy_http_version 1.1;"
        } else if isHandshake {
            reason =
                "This would open a WebSocket, but for its Upgrade field, which a proxy in front of the chat has not passed "
                + "on; in nginx: \(Self.nginxUpgrade)"
        } else {
            reason =
                "This is the address of a WebSocket, and the request asks for none. If the chat page cannot connect, a proxy "
                + "in front of the chat does not pass on the fields Upgrade and Connection; in nginx: \(Self.nginxUpgrade)"
        }
        if isHandshake, admission.upgradeLog.admits(now: now) {
            log(.info, "upgrade-refused", "connection", slot, "reason", "no-upgrade", "remedy", reason)
        }
        return .plain(.upgradeRequired, reason, [("Upgrade", "websocket")])
    }

    private static var nginxUpgrade: String {
        "proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection \"upgrade\";"
    }

    /// - Returns: whether more may follow on the connection: frames after an upgrade, else requests.
    private mutating func upgrade(
        _ slot: Int, _ request: HTTPRequest, _ target: HTTPTarget, to endpoint: Endpoint, keepAlive: Bool
    ) -> Bool {
        if !OriginCheck.allows(request, also: options.origins) {
            metrics.rejections[.foreignOrigin, default: 0] += 1
            refuseOrigin(slot, request)
            return false
        }
        switch Handshake.judge(request.fields, deflate: true, subprotocols: ["chatloop.v1"]) {
        case .malformed(let reason):
            metrics.rejections[.badRequest, default: 0] += 1
            if admission.upgradeLog.admits(now: now) {
                log(.info, "upgrade-refused", "connection", slot, "reason", reason)
            }
            respond(slot, .plain(.badRequest, reason), includesBody: true, keepAlive: false)
            return false
        case .wrongVersion:
            let fields = [("Sec-WebSocket-Version", "13"), ("Upgrade", "websocket")]
            let response = Response.plain(.upgradeRequired, "WebSocket version 13 is spoken here.", fields)
            respond(slot, response, includesBody: true, keepAlive: keepAlive)
            return keepAlive
        case .notAnUpgrade:
            respond(slot, upgradeRequired(slot, request), includesBody: true, keepAlive: keepAlive)
            return keepAlive
        case .accept(let answer):
            accept(slot, answer, endpoint, room: target.query("room") ?? RoomName.standard)
            return true
        }
    }

    private mutating func refuseOrigin(_ slot: Int, _ request: HTTPRequest) {
        let origin = request.value(of: "origin") ?? ""
        if admission.upgradeLog.admits(now: now) {
            let remedy =
                OriginCheck.canonical(origin).map { "if that page may open the chat, give --origin \($0)" }
                ?? "open the chat from a page of its own"
            log(
                .info, "upgrade-refused", "connection", slot, "reason", "origin", "origin", origin, "host",
                request.value(of: "host") ?? "", "remedy", remedy + "; a proxy has to pass on Host as it came")
        }
        let answer = Response.plain(
            .forbidden, "Pages of other sites may not open this chat. The log of the server says more.")
        respond(slot, answer, includesBody: true, keepAlive: false)
    }

    private mutating func accept(_ slot: Int, _ answer: Handshake.Answer, _ endpoint: Endpoint, room: String) {
        var fields = [
            ("Upgrade", "websocket"), ("Sec-WebSocket-Accept", String(decoding: answer.acceptKey, as: UTF8.self)),
        ]
        if let name = answer.subprotocol { fields.append(("Sec-WebSocket-Protocol", name)) }
        if let extensions = answer.extensionHeader { fields.append(("Sec-WebSocket-Extensions", extensions)) }
        HTTPResponse.append(
            to: &connections[slot].own, status: .switchingProtocols, fields: fields, keepAlive: true,
            secondsSinceEpoch: inputs.time / 1000)
        metrics.upgrades += 1
        let isTooFast =
            connections[slot].http?.isProxied == true && !admission.admitsRate(connections[slot].address, now: now)
        connections[slot].http = nil
        connections[slot].reader = MessageReader(role: .server, deflate: answer.deflate)
        let socket = WebSocketState(deflates: answer.compress)
        connections[slot].state = endpoint == .chat ? .chat(ChatState(socket: socket)) : .echo(socket)
        connections[slot].stateStart = now
        admission.count(slot, connections[slot].address)
        outgoing.markDirty(slot)
        if isOverFull {
            metrics.rejections[.full, default: 0] += 1
            return startClosing(slot, .tryAgainLater, "The server is full. Try again later.")
        }
        if admission.isOver(connections[slot].address) {
            metrics.rejections[.tooManyFromAddress, default: 0] += 1
            return startClosing(slot, .tryAgainLater, "There are too many connections from your address.")
        }
        if isTooFast {
            metrics.rejections[.tooFastFromAddress, default: 0] += 1
            return startClosing(slot, .tryAgainLater, "There are too many new connections from your address.")
        }
        if thisTick.stopping != nil { return startClosing(slot, .goingAway, "The server is stopping.") }
        if endpoint == .chat {
            let start = inputs.bytes.count
            inputs.bytes.append(contentsOf: room.utf8)
            let secret = Bits128(high: world.random(), low: world.random())
            inputs.items.append(.opened(connections.id(slot), room: start..<inputs.bytes.count, secret: secret))
        }
        setWebSocketTimer(slot)
    }
}
