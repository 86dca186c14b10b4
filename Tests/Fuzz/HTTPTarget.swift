import HTTP
import WebSocket

/// Content that a request may have: little, so that the limit is met.
private let maxContent = 100

private func requests(_ pieces: [[UInt8]]) -> [RequestEvent] {
    var parser = RequestParser()
    var events: [RequestEvent] = []
    for piece in pieces {
        var offset = 0
        while let event = parser.next(in: piece.span, at: &offset, maxContent: maxContent) {
            if case .request(let request) = event { demand(request.content.count <= maxContent, "too much content") }
            events.append(event)
        }
        if parser.awaitsContinue { parser.hasContinued() }
        demand(offset == piece.count, "bytes were left")
    }
    return events
}

private func responses(_ pieces: [[UInt8]]) -> [ResponseEvent] {
    var parser = ResponseParser()
    var events: [ResponseEvent] = []
    for piece in pieces where events.isEmpty {
        var offset = 0
        if let event = parser.next(in: piece.span, at: &offset) { events.append(event) }
    }
    return events
}

/// All that the server makes of a request's target and fields.
private func use(_ request: HTTPRequest) {
    if let target = HTTP.HTTPTarget.parse(request.target) {
        for segment in target.path {
            demand(segment != "." && segment != "..", "a segment leads upwards")
            demand(!segment.utf8.contains { $0 == 0x2F || $0 == 0x5C || $0 < 0x20 }, "a segment hides a separator")
        }
        _ = target.query("room")
    }
    _ = ForwardedFor.client(of: request, peer: "127.0.0.1") { $0 == "127.0.0.1" }
    _ = ForwardedFor.isForwarded(request)
    _ = request.keepAlive
    _ = Gzip.isAccepted(by: request.value(of: "accept-encoding"))
    if let etags = request.value(of: "if-none-match") { _ = Conditional.matches(ifNoneMatch: etags, etag: "\"a\"") }
    if let host = request.value(of: "host") { _ = Authority.isAddress(Authority.host(of: host)) }
    _ = Handshake.judge(request.fields, deflate: true, subprotocols: ["chatloop.v1"])
}

/// The parsers of requests and responses, and everything that reads what they found.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    var input = unsafe Input(bytes, count)
    let isResponse = input.byte() & 1 == 1
    let seed = input.byte()
    let (whole, pieces) = ([Array(input.rest)], input.pieces(seed: seed))
    if isResponse {
        demand(responses(whole) == responses(pieces), "a split changes the response")
    } else {
        let events = requests(whole)
        demand(events == requests(pieces), "a split changes the requests")
        for case .request(let request) in events { use(request) }
    }
    return 0
}
