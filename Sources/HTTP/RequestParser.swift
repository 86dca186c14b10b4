/// What a request parser found in its input.
package enum RequestEvent: Sendable, Equatable {
    case request(HTTPRequest)
    /// The input is no request that this server takes; the connection ends with the refusal's answer.
    case refused(HTTPRefusal)
}

/// Reads the requests of one connection, strictly by RFC 9112: what is ambiguous is refused, never guessed.
///
/// It takes heads only. No request that this server serves has content, so one that announces some is the last of its
/// connection. Any cutting of the input into pieces gives the same events.
package struct RequestParser: Sendable {
    private var reader = HeadReader()
    private var requestLine: RequestLine?
    private var skippedEmptyLine = false
    private var hasEnded = false

    package init() {}

    /// Whether a part of a request's head has arrived: then the deadline for the whole of it runs.
    package var isMidRequest: Bool { skippedEmptyLine || !reader.isEmpty }

    /// The memory that the part of a head takes that has arrived, in bytes.
    package var heldBytes: Int { reader.fields.bytes.capacity }

    /// The next request in `input` from `offset` on.
    ///
    /// - Parameters:
    ///   - input: what arrived, and has not been consumed by an earlier call.
    ///   - offset: is moved behind what was consumed. Behind a request's head it stays: what follows an upgrade is the
    ///     next protocol's.
    /// - Returns: nil when it takes more bytes; everything in `input` is consumed then. After a refusal, and after a
    ///   request that announces content, it is nil for good.
    package mutating func next(in input: Span<UInt8>, at offset: inout Int) -> RequestEvent? {
        while !hasEnded {
            switch reader.nextLine(in: input, at: &offset) {
            case .incomplete: return nil
            case .fault(let fault): return refuse(.head(fault))
            case .line(let line): if let event = take(line) { return event }
            }
        }
        offset = input.count
        return nil
    }

    /// Takes one line of the head; an event where that settles the request's fate.
    private mutating func take(_ line: Range<Int>) -> RequestEvent? {
        guard let requestLine else { return takeRequestLine(line) }
        if !line.isEmpty {
            guard let fault = reader.addField(line) else { return nil }
            return refuse(.head(fault))
        }
        if let refusal = HostRule.refusal(reader.fields, minorVersion: requestLine.minorVersion) {
            return refuse(refusal)
        }
        switch ContentRule.verdict(reader.fields, minorVersion: requestLine.minorVersion) {
        case .refused(let refusal): return refuse(refusal)
        case .none: return finish(requestLine, announcesContent: false)
        case .announced:
            // Another method's request is handed out nevertheless, so that it gets the 405 that tells what is allowed.
            guard case .other = requestLine.method else { return refuse(.unexpectedContent) }
            hasEnded = true
            return finish(requestLine, announcesContent: true)
        }
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

    private mutating func finish(_ line: RequestLine, announcesContent: Bool) -> RequestEvent {
        requestLine = nil
        skippedEmptyLine = false
        return .request(HTTPRequest(line, fields: reader.take(), announcesContent: announcesContent))
    }

    private mutating func refuse(_ refusal: HTTPRefusal) -> RequestEvent {
        self = RequestParser()
        hasEnded = true
        return .refused(refusal)
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

/// Whether content follows a head, by RFC 9112, 6.3. Each doubt is a refusal: two programs in a row that read the
/// boundaries of requests differently are what request smuggling lives on.
enum ContentRule {
    enum Verdict: Equatable {
        case none
        case announced
        case refused(HTTPRefusal)
    }

    static func verdict(_ fields: HTTPFields, minorVersion: Int) -> Verdict {
        let lengths = fields.count(of: "content-length")
        let hasCodings = fields.count(of: "transfer-encoding") > 0
        if hasCodings {
            if lengths > 0 { return .refused(.lengthAndTransferEncoding) }
            if minorVersion == 0 { return .refused(.transferEncodingInOldVersion) }
            return codings(fields)
        }
        if lengths == 0 { return .none }
        if lengths > 1 { return .refused(.repeatedContentLength) }
        return length(fields)
    }

    /// A row of digits of any length; only whether it is zero matters, so no number can overflow.
    private static func length(_ fields: HTTPFields) -> Verdict {
        for line in fields.lines where fields.isNamed(line, "content-length") {
            guard !line.value.isEmpty, ByteSet.digit.containsAll(of: fields.bytes.span, in: line.value) else {
                return .refused(.invalidContentLength)
            }
            for index in line.value where fields.bytes[index] != UInt8(ascii: "0") { return .announced }
        }
        return .none
    }

    /// `chunked`, once and at the end (RFC 9112, 6.1 and 7.1); before it, codings that are not known here.
    private static func codings(_ fields: HTTPFields) -> Verdict {
        var (chunked, others, endsChunked) = (0, 0, false)
        for line in fields.lines where fields.isNamed(line, "transfer-encoding") {
            _ = fields.anyMember(of: line.value) { member in
                endsChunked = ASCII.equal(fields.bytes.span, in: member, ignoringCaseOf: "chunked")
                if endsChunked { chunked += 1 } else { others += 1 }
                return false
            }
        }
        guard chunked == 1, endsChunked else { return .refused(.chunkedNotLast) }
        return others == 0 ? .announced : .refused(.unknownTransferCoding)
    }
}
