import Bytes

/// A rule of RFC 9112 that the lines of a head broke, be it a request's or a response's.
package enum HeadFault: Sendable, Equatable {
    /// A line feed without its carriage return. Tolerating it is how requests are smuggled (RFC 9112, 2.2).
    case bareLineFeed
    /// A carriage return that no line feed follows (RFC 9112, 2.2).
    case bareCarriageReturn
    /// A control character other than the tab (RFC 9110, 5.5).
    case controlCharacter
    /// The start line is longer than `HTTPLimits.requestLine`.
    case startLineTooLong
    /// The head is longer than `HTTPLimits.head`.
    case headTooLong
    /// There are more field lines than `HTTPLimits.fields`.
    case tooManyFields
    /// A field line begins with white space: a folded value, or one before the first field (RFC 9112, 2.2 and 5.2).
    case foldedLine
    /// A field line without a colon (RFC 9112, 5).
    case missingColon
    /// White space between a field's name and its colon (RFC 9112, 5.1).
    case spaceBeforeColon
    /// A field name that is empty or not a token (RFC 9110, 5.1).
    case invalidFieldName

    /// What broke, as a phrase for the peer to read.
    package var reason: String {
        switch self {
        case .bareLineFeed: "a line ends with LF alone"
        case .bareCarriageReturn: "a CR without its LF"
        case .controlCharacter: "a control character in the head"
        case .startLineTooLong: "the first line is too long"
        case .headTooLong: "the header is too long"
        case .tooManyFields: "too many header fields"
        case .foldedLine: "a header line begins with white space"
        case .missingColon: "a header line without a colon"
        case .spaceBeforeColon: "white space before the colon of a header field"
        case .invalidFieldName: "an invalid header field name"
        }
    }
}

/// Collects a head line by line from input that comes in pieces of any size.
///
/// Each byte is looked at once and copied once, into the buffer that becomes the message's own; what is refused is
/// refused at the same byte however the input was cut.
struct HeadReader: Sendable {
    enum Line {
        /// Where in `fields.bytes` a whole line lies, its CRLF left out.
        case line(Range<Int>)
        case incomplete
        case fault(HeadFault)
    }

    private(set) var fields = HTTPFields()
    private var lineStart = 0

    var isEmpty: Bool { fields.bytes.isEmpty }

    /// The next line of the head from `input`, of which `offset` says how far it has been consumed.
    mutating func nextLine(in input: Span<UInt8>, at offset: inout Int) -> Line {
        if fields.bytes.count > lineStart, fields.bytes.last == ASCII.carriageReturn {
            return endLine(in: input, at: &offset)
        }
        let isStartLine = lineStart == 0
        // A field line leaves room for its own CRLF and for the empty line's, so that a head that ends is never over.
        let limit = isStartLine ? HTTPLimits.requestLine : max(0, HTTPLimits.head - 4 - lineStart)
        let room = limit - (fields.bytes.count - lineStart)
        let end = room < input.count - offset ? offset + room : input.count
        var index = offset
        while index < end, !ASCII.isControl(input[index]) { index += 1 }
        append(input, offset..<index)
        offset = index
        guard index < input.count else { return .incomplete }

        switch input[index] {
        case ASCII.carriageReturn:
            fields.bytes.append(ASCII.carriageReturn)
            offset += 1
            return endLine(in: input, at: &offset)
        case ASCII.lineFeed: return .fault(.bareLineFeed)
        case let byte where ASCII.isControl(byte): return .fault(.controlCharacter)
        default: return .fault(isStartLine ? .startLineTooLong : .headTooLong)
        }
    }

    /// Notes the field of a line that `nextLine` gave; the fault where it breaks a rule.
    mutating func addField(_ line: Range<Int>) -> HeadFault? {
        guard fields.lines.count < HTTPLimits.fields else { return .tooManyFields }
        switch FieldLine.parse(fields.bytes.span, line) {
        case .fault(let fault): return fault
        case .field(let field):
            if fields.lines.isEmpty { fields.lines.reserveCapacity(16) }
            fields.lines.append(field)
            return nil
        }
    }

    /// Hands the head out and is empty again.
    mutating func take() -> HTTPFields {
        defer { self = HeadReader() }
        return fields
    }

    /// After a CR: the LF, and the line is whole.
    private mutating func endLine(in input: Span<UInt8>, at offset: inout Int) -> Line {
        guard offset < input.count else { return .incomplete }
        guard input[offset] == ASCII.lineFeed else { return .fault(.bareCarriageReturn) }
        offset += 1
        fields.bytes.append(ASCII.lineFeed)
        let line = lineStart..<fields.bytes.count - 2
        lineStart = fields.bytes.count
        return .line(line)
    }

    private mutating func append(_ input: Span<UInt8>, _ range: Range<Int>) {
        guard !range.isEmpty else { return }
        // One allocation holds a usual head. A kilobyte at most on trust: bytes that came are no promise of a head.
        if fields.bytes.isEmpty { fields.bytes.reserveCapacity(min(1024, input.count - range.lowerBound)) }
        fields.bytes.append(copying: input.extracting(range))
    }
}
