import HTTP

/// A request's head on the wire: the request line, a Host unless it is nil, and further lines.
func head(_ lines: String..., requestLine: String = "GET / HTTP/1.1", host: String? = "a.example") -> String {
    let all = [requestLine] + (host.map { ["Host: \($0)"] } ?? []) + lines
    return all.map { $0 + "\r\n" }.joined() + "\r\n"
}

/// All events that a fresh parser finds in the input, given to it in these pieces.
func events(_ pieces: [[UInt8]], maxContent: Int = 1000) -> [RequestEvent] {
    var parser = RequestParser()
    var events: [RequestEvent] = []
    for piece in pieces {
        var offset = 0
        while let event = parser.next(in: piece.span, at: &offset, maxContent: maxContent) { events.append(event) }
        assert(offset == piece.count, "the parser leaves nothing behind when it wants more")
    }
    return events
}

func events(_ text: String) -> [RequestEvent] { events([Array(text.utf8)]) }

/// The one request that the input holds; nil where it holds none, several, or is refused.
func request(_ text: String) -> HTTPRequest? {
    let found = events(text)
    guard found.count == 1, case .request(let request) = found[0] else { return nil }
    return request
}

/// Why the input is refused; nil where it is not, or where more than the refusal comes out.
func refusal(_ text: String) -> HTTPRefusal? {
    let found = events(text)
    guard found.count == 1, case .refused(let refusal, _) = found[0] else { return nil }
    return refusal
}
