import Chat
import HTTP
import WebSocket

/// From HTTP to a WebSocket, and what an upgrade is refused for.
extension Server where W: ~Copyable {
    /// A request for a WebSocket's address that asks for no upgrade: says what has probably become of it on the way here.
    mutating func upgradeRequired(_ slot: Int, _ request: HTTPRequest) -> Response {
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

    /// Answers a request for an upgrade.
    ///
    /// - Returns: whether more may follow on the connection: frames after an upgrade, else requests.
    mutating func upgrade(
        _ slot: Int, _ request: HTTPRequest, _ target: HTTPTarget, to endpoint: Endpoint, keepAlive: Bool
    ) -> Bool {
        if !OriginCheck.allows(request, also: options.origins, isSecure: options.tlsCertificate != nil) {
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
            // The page at `/` asks for the lobby, which may be another room here.
            let asked = target.query("room") ?? RoomName.standard
            let room = asked == RoomName.standard ? options.mainRoom : asked
            accept(slot, answer, endpoint, room: room, isOwnAddress: isOwnAddress(slot, request))
            return true
        }
    }

    private mutating func refuseOrigin(_ slot: Int, _ request: HTTPRequest) {
        logForeignOrigin(slot, request)
        let answer = Response.plain(
            .forbidden, "Pages of other sites may not open this chat. The log of the server says more.")
        respond(slot, answer, includesBody: true, keepAlive: false)
    }

    /// A page of another site has tried something that only the chat's own may do.
    mutating func logForeignOrigin(_ slot: Int, _ request: HTTPRequest) {
        metrics.rejections[.foreignOrigin, default: 0] += 1
        let origin = request.value(of: "origin") ?? ""
        if admission.upgradeLog.admits(now: now) {
            let remedy =
                OriginCheck.canonical(origin).map { "if that page may open the chat, give --origin \($0)" }
                ?? "open the chat from a page of its own"
            log(
                .info, "upgrade-refused", "connection", slot, "reason", "origin", "origin", origin, "host",
                request.value(of: "host") ?? "", "remedy", remedy + "; a proxy has to pass on Host as it came")
        }
    }

    /// Whether the address that a connection counts for is the client's alone, as far as can be seen, so that a ban may be of it:
    /// not this machine's, not a trusted proxy's own, and not that of a proxy that nobody has declared, which gives itself away
    /// by what it adds to requests.
    private func isOwnAddress(_ slot: Int, _ request: HTTPRequest) -> Bool {
        guard !connections[slot].address.isLoopback else { return false }
        if let http = connections[slot].http, http.isProxied { return connections[slot].address != http.peer }
        return !ForwardedFor.isForwarded(request)
            && !["via", "x-real-ip", "x-forwarded-proto", "cf-connecting-ip"].contains { request.count(of: $0) > 0 }
    }

    private mutating func accept(
        _ slot: Int, _ answer: Handshake.Answer, _ endpoint: Endpoint, room: String, isOwnAddress: Bool
    ) {
        var fields = [
            ("Upgrade", "websocket"), ("Sec-WebSocket-Accept", String(decoding: answer.acceptKey, as: UTF8.self)),
        ]
        if let name = answer.subprotocol { fields.append(("Sec-WebSocket-Protocol", name)) }
        if let extensions = answer.extensionHeader { fields.append(("Sec-WebSocket-Extensions", extensions)) }
        HTTPResponse.append(
            to: &connections[slot].own, status: .switchingProtocols, fields: fields, keepAlive: true,
            secondsSinceEpoch: inputs.moment.time / 1000)
        metrics.upgrades += 1
        connections[slot].http = nil
        connections[slot].reader = MessageReader(role: .server, deflate: answer.deflate)
        let socket = WebSocketState(deflates: answer.compress)
        connections[slot].state = endpoint == .echo ? .echo(socket) : .chat(ChatState(socket: socket))
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
        if thisTick.stopping != nil { return startClosing(slot, .goingAway, "The server is stopping.") }
        if endpoint != .echo { open(slot, room: endpoint == .chat ? room : nil, isOwnAddress: isOwnAddress) }
        setWebSocketTimer(slot)
    }

    /// Tells the chat of a new WebSocket.
    ///
    /// - Parameter room: as it was asked for; nil where a stranger is.
    private mutating func open(_ slot: Int, room: String?, isOwnAddress: Bool) {
        lookAtTokens()
        let id = connections.id(slot)
        let secret = UInt128(world.random()) << 64 | UInt128(world.random())
        let address = chat.secret.address(connections[slot].address.site.bytes.span)
        guard let room else {
            return inputs.items.append(
                .openedForPairing(id, secret: secret, address: address, isOwnAddress: isOwnAddress))
        }
        let name = inputs.append(Array(room.utf8).span)
        inputs.items.append(
            .opened(id, room: name, secret: secret, address: address, isOwnAddress: isOwnAddress))
    }
}

/// The kind of WebSocket that an address is of.
enum Endpoint {
    case chat, echo
    /// Where strangers wait for each other; with no upgrade it is the page.
    case pair
}
