/// A response's head.
package struct HTTPResponseHead: Sendable, Equatable {
    /// 101 or 200 to 599.
    package let statusCode: Int
    package let fields: HTTPFields
}

/// Why a client gives up on a response.
package enum ResponseRefusal: Sendable, Equatable {
    /// The lines of the head break a rule that requests and responses share.
    case head(HeadFault)
    /// Not `HTTP/1.x SP three digits SP phrase` (RFC 9112, 4).
    case malformedStatusLine
    /// A version of HTTP other than 1.x.
    case unsupportedVersion
    /// A status code outside of 100 to 599 (RFC 9110, 15).
    case invalidStatusCode
    /// More interim responses than `HTTPLimits.interimResponses`.
    case tooManyInterimResponses

    /// What broke, as a phrase for a person to read.
    package var reason: String {
        switch self {
        case .head(let fault): fault.reason
        case .malformedStatusLine: "the answer is not HTTP"
        case .unsupportedVersion: "the answer is in another version of HTTP"
        case .invalidStatusCode: "the answer has an invalid status code"
        case .tooManyInterimResponses: "interim answers without end"
        }
    }
}

/// What a response parser found in its input.
package enum ResponseEvent: Sendable, Equatable {
    case response(HTTPResponseHead)
    case refused(ResponseRefusal)
}

/// Reads the head of the one response that a client waits for, to a WebSocket handshake or a plain GET.
///
/// Interim responses are passed over (RFC 9110, 15.2), 101 excepted: it is the final one of an upgrade. What follows the
/// head is the caller's: the next protocol, or content that nobody needs.
package struct ResponseParser: Sendable {
    private var reader = HeadReader()
    private var statusCode: Int?
    private var interimResponses = 0
    private var hasEnded = false

    package init() {}

    /// The response in `input` from `offset` on, or its refusal; nil when it takes more bytes, and for good after either.
    package mutating func next(in input: Span<UInt8>, at offset: inout Int) -> ResponseEvent? {
        while !hasEnded {
            switch reader.nextLine(in: input, at: &offset) {
            case .incomplete: return nil
            case .fault(let fault): return refuse(.head(fault))
            case .line(let line): if let event = take(line) { return event }
            }
        }
        return nil
    }

    private mutating func take(_ line: Range<Int>) -> ResponseEvent? {
        guard let statusCode else {
            switch Self.statusCode(reader.fields.bytes.span, line) {
            case .code(let code): self.statusCode = code
            case .refused(let refusal): return refuse(refusal)
            }
            return nil
        }
        if !line.isEmpty {
            guard let fault = reader.addField(line) else { return nil }
            return refuse(.head(fault))
        }
        let fields = reader.take()
        if statusCode < 200, statusCode != 101 {
            interimResponses += 1
            self.statusCode = nil
            return interimResponses > HTTPLimits.interimResponses ? refuse(.tooManyInterimResponses) : nil
        }
        hasEnded = true
        return .response(HTTPResponseHead(statusCode: statusCode, fields: fields))
    }

    /// The code of `HTTP-version SP 3DIGIT SP [reason-phrase]` (RFC 9112, 4).
    private static func statusCode(_ bytes: Span<UInt8>, _ line: Range<Int>) -> StatusLine {
        guard line.count >= 13, RequestLine.isVersion(bytes, 0..<8), bytes[8] == ASCII.space,
            ByteSet.digit.containsAll(of: bytes, in: 9..<12), bytes[12] == ASCII.space
        else { return .refused(.malformedStatusLine) }
        guard bytes[5] == UInt8(ascii: "1") else { return .refused(.unsupportedVersion) }
        var code = 0
        for index in 9..<12 { code = code * 10 + Int(bytes[index] - UInt8(ascii: "0")) }
        return (100...599).contains(code) ? .code(code) : .refused(.invalidStatusCode)
    }

    private enum StatusLine {
        case code(Int)
        case refused(ResponseRefusal)
    }

    private mutating func refuse(_ refusal: ResponseRefusal) -> ResponseEvent {
        self = ResponseParser()
        hasEnded = true
        return .refused(refusal)
    }
}
