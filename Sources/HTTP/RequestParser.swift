import Bytes

/// What a request parser found in its input.
package enum RequestEvent: Sendable, Equatable {
    /// A whole request, its content included.
    case request(HTTPRequest)
    /// The input is no request that this server takes; the connection ends with the refusal's answer.
    ///
    /// - Parameter toHead: whether it began as a HEAD, so that the answer has no content either.
    case refused(HTTPRefusal, toHead: Bool)
}

/// Reads the requests of one connection, strictly by RFC 9112: what is ambiguous is refused, never guessed.
///
/// Any cutting of the input into pieces gives the same events.
package struct RequestParser: Sendable {
    private var reader = HeadReader()
    private var requestLine: RequestLine?
    /// The request whose head is complete, while its content is still to come.
    private var request: HTTPRequest?
    private var content: ContentReader?
    private var skippedEmptyLine = false
    private var hasEnded = false

    package init() {}

    /// Whether a part of a request has arrived: then the deadline for the whole of it runs.
    package var isMidRequest: Bool { skippedEmptyLine || !reader.isEmpty || content != nil }

    /// Whether what has arrived is the beginning of a HEAD, to which no answer has content.
    package var isHead: Bool { request.map { $0.method == .head } ?? reader.fields.bytes.starts(with: "HEAD ".utf8) }

    /// The memory that the part of a request takes that has arrived, in bytes.
    package var heldBytes: Int {
        reader.fields.bytes.capacity + (content.map { $0.heldBytes } ?? 0) + (request?.fields.bytes.capacity ?? 0)
    }

    /// Whether the client waits to be told that it may send the content (RFC 9110, 10.1.1). Where it is, after all that has
    /// arrived was read, an interim response with status 100 is due, and ``hasContinued()``.
    package private(set) var awaitsContinue = false

    /// The client has been told to go on.
    package mutating func hasContinued() { awaitsContinue = false }

    /// The next request in `input` from `offset` on.
    ///
    /// - Parameters:
    ///   - input: what arrived, and has not been consumed by an earlier call.
    ///   - offset: is moved behind what was consumed. Behind a request it stays: what follows an upgrade is the next
    ///     protocol's.
    ///   - maxContent: how long a request's content may be, in bytes. A longer one is refused where its length is known.
    /// - Returns: nil when it takes more bytes; everything in `input` is consumed then. After a refusal it is nil for good.
    package mutating func next(in input: Span<UInt8>, at offset: inout Int, maxContent: Int) -> RequestEvent? {
        while !hasEnded {
            if content != nil { return readContent(input, at: &offset, limit: maxContent) }
            switch reader.nextLine(in: input, at: &offset) {
            case .incomplete: return nil
            case .fault(let fault): return refuse(.head(fault))
            case .line(let line): if let event = take(line, maxContent: maxContent) { return event }
            }
        }
        offset = input.count
        return nil
    }

    private mutating func readContent(_ input: Span<UInt8>, at offset: inout Int, limit: Int) -> RequestEvent? {
        // A client that sends its content anyway is not waiting.
        if offset < input.count { awaitsContinue = false }
        switch content?.read(input, at: &offset, limit: limit) {
        case .incomplete, nil: return nil
        case .refused(let refusal): return refuse(refusal)
        case .complete:
            guard var request, let content else { return nil }
            request.content = content.bytes
            self = RequestParser()
            return .request(request)
        }
    }

    /// Takes one line of the head; an event where that settles the request's fate.
    private mutating func take(_ line: Range<Int>, maxContent: Int) -> RequestEvent? {
        guard let requestLine else { return takeRequestLine(line) }
        if !line.isEmpty {
            guard let fault = reader.addField(line) else { return nil }
            return refuse(.head(fault))
        }
        if let refusal = HostRule.refusal(reader.fields, minorVersion: requestLine.minorVersion) {
            return refuse(refusal)
        }
        switch ContentFraming(reader.fields, minorVersion: requestLine.minorVersion) {
        case .refused(let refusal): return refuse(refusal)
        case .none:
            let request = HTTPRequest(requestLine, fields: reader.take())
            self = RequestParser()
            return .request(request)
        case .length(let length):
            guard length <= maxContent else { return refuse(.contentTooLong) }
            begin(requestLine, ContentReader(length: length))
        case .chunked: begin(requestLine, ContentReader(chunked: ()))
        }
        return nil
    }

    private mutating func begin(_ line: RequestLine, _ content: ContentReader) {
        awaitsContinue = line.minorVersion >= 1 && reader.fields.has("expect", token: "100-continue")
        request = HTTPRequest(line, fields: reader.take())
        self.content = content
    }

    private mutating func takeRequestLine(_ line: Range<Int>) -> RequestEvent? {
        if line.isEmpty {
            guard !skippedEmptyLine else { return refuse(.emptyLines) }
            skippedEmptyLine = true
            _ = reader.take()
            return nil
        }
        switch RequestLine.parse(reader.fields, line) {
        case .line(let parsed): requestLine = parsed
        case .refused(let refusal): return refuse(refusal)
        }
        return nil
    }

    private mutating func refuse(_ refusal: HTTPRefusal) -> RequestEvent {
        let isHead = isHead
        self = RequestParser()
        hasEnded = true
        return .refused(refusal, toHead: isHead)
    }
}

/// Exactly one valid Host in HTTP/1.1, at most one in HTTP/1.0 (RFC 9112, 3.2).
enum HostRule {
    static func refusal(_ fields: HTTPFields, minorVersion: Int) -> HTTPRefusal? {
        var isThere = false
        for line in fields.lines where fields.isNamed(line, "host") {
            guard !isThere else { return .repeatedHost }
            guard HostSyntax.isValid(fields.bytes.span.extracting(line.value)) else { return .invalidHost }
            isThere = true
        }
        return isThere || minorVersion == 0 ? nil : .missingHost
    }
}
