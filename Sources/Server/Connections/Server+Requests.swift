import Bytes
import Chat
import HTTP
import Sockets

/// HTTP: requests in, answers out.
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
        if connections[slot].http?.isAnswering == true { return true }
        return connections[slot].own.count + (connections[slot].backlog?.byteCount ?? 0) > Sizes.httpQueue
    }

    /// - Returns: whether more requests may follow.
    private mutating func answer(_ slot: Int, _ event: RequestEvent) -> Bool {
        metrics.requests += 1
        admission.hasAsked(slot)
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
        if world.isPlainByMistake(connections[slot].stream) {
            respond(slot, Self.directionToTLS(request, target), includesBody: !isHead, keepAlive: false)
            return false
        }
        let takesPosts = RoomRequest.takesPosts(target, request)
        guard request.method == .get || isHead || (request.method == .post && takesPosts) else {
            let answer = Response.plain(
                .methodNotAllowed, "Only GET, HEAD\(takesPosts ? " and POST" : "") are answered here.",
                [("Allow", takesPosts ? "GET, HEAD, POST" : "GET, HEAD")])
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
        if let endpoint = endpoint(target), request.method == .get, request.minorVersion >= 1,
            request.count(of: "upgrade") > 0, endpoint != .pair || request.has("upgrade", token: "websocket")
        {
            return upgrade(slot, request, target, to: endpoint, keepAlive: keepAlive)
        }
        // A client that does not take its answers gets no more of them while memory is scarce.
        if memory.isHigh, connections[slot].backlog != nil || !connections[slot].own.isEmpty {
            metrics.rejections[.crowded, default: 0] += 1
            let answer = Response.plain(
                .serviceUnavailable, "The server has too much waiting. Take what there is first.")
            respond(slot, answer, includesBody: !isHead, keepAlive: false)
            return false
        }
        guard let response = self.response(slot, request, target) else {
            connections[slot].http?.awaited = (
                includesContent: !isHead, keepAlive: keepAlive, isPost: request.method == .post
            )
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
                "behind a proxy give --trust-proxy with its address; for a name of your own give --origin \(options.scheme)://\(host)"
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

    /// The WebSocket that a target is the address of.
    private func endpoint(_ target: HTTPTarget) -> Endpoint? {
        switch target.path {
        case ["chat"]: return .chat
        case ["echo"] where options.servesEcho: return .echo
        case ["pair"] where options.pairsStrangers: return .pair
        default: return nil
        }
    }

    /// - Returns: nil where the answer is in a folder and has to be read first, or comes from the chat.
    private mutating func response(_ slot: Int, _ request: HTTPRequest, _ target: HTTPTarget) -> Response? {
        if admission.isOver(connections[slot].address) {
            metrics.rejections[.tooManyFromAddress, default: 0] += 1
            return .plain(.tooManyRequests, "There are too many connections from your address.")
        }
        switch endpoint(target) {
        case .pair: return files.response(to: [], of: request, from: connections.id(slot))
        case .chat, .echo: return upgradeRequired(slot, request)
        case nil: break
        }
        switch target.path {
        case ["healthz"]:
            let status: HTTPStatus = keeping.isKeeping || target.query("ready") == nil ? .ok : .serviceUnavailable
            let state = keeping.isKeeping ? "ok" : cluster == nil ? "not keeping: disk" : "not keeping: cluster"
            return Response(status: status, content: .bytes(Array(state.utf8)))
        case ["metrics"] where mayReadMetrics(slot, request):
            return Response(
                status: .ok, type: "text/plain; version=0.0.4; charset=utf-8", content: .bytes(metricsText()))
        default:
            if let asked = RoomRequest(target.path, request.method) { return ask(slot, asked, request, target) }
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

    /// The answer is there that a request has waited for, from a file or from the chat.
    mutating func answerAwaited(_ id: ConnectionID, _ response: Response) {
        guard let slot = connections.slot(of: id), let http = connections[slot].http, let awaited = http.awaited else {
            return
        }
        http.awaited = nil
        let keepAlive = awaited.keepAlive && thisTick.stopping == nil && connections[slot].input != .finished
        respond(slot, response, includesBody: awaited.includesContent, keepAlive: keepAlive)
    }

    mutating func respond(_ slot: Int, _ response: Response, includesBody: Bool, keepAlive: Bool) {
        let status = response.status
        HTTPResponse.appendHead(
            to: &connections[slot].own, status: status,
            fields: response.allFields(type: status.allowsContent ? response.type : nil),
            contentLength: response.content.count, keepAlive: keepAlive, secondsSinceEpoch: inputs.moment.time / 1000)
        if includesBody, status.allowsContent { append(response.content, slot) }
        metrics.responses[status.code, default: 0] += 1
        if !keepAlive {
            connections[slot].http?.isLast = true
            startDraining(slot)
        }
        outgoing.markDirty(slot)
    }
}
