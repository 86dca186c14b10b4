/// How a request's content is delimited, by RFC 9112, 6.3. Each doubt is a refusal: two programs in a row that read the
/// boundaries of requests differently are what request smuggling lives on.
enum ContentFraming: Equatable {
    case none
    /// So many bytes, at least one; `Int.max` stands for more than an `Int` can say.
    case length(Int)
    case chunked
    case refused(HTTPRefusal)

    init(_ fields: HTTPFields, minorVersion: Int) {
        let lengths = fields.count(of: "content-length")
        if fields.count(of: "transfer-encoding") > 0 {
            if lengths > 0 {
                self = .refused(.lengthAndTransferEncoding)
            } else if minorVersion == 0 {
                self = .refused(.transferEncodingInOldVersion)
            } else {
                self = Self.codings(fields)
            }
        } else if lengths > 1 {
            self = .refused(.repeatedContentLength)
        } else {
            self = lengths == 1 ? Self.length(fields) : .none
        }
    }

    /// A row of digits of any length.
    private static func length(_ fields: HTTPFields) -> ContentFraming {
        var length = 0
        for line in fields.lines where fields.isNamed(line, "content-length") {
            guard !line.value.isEmpty, ByteSet.digit.containsAll(of: fields.bytes.span, in: line.value) else {
                return .refused(.invalidContentLength)
            }
            for index in line.value {
                let (tens, overflows) = length.multipliedReportingOverflow(by: 10)
                let (sum, overflowsToo) = tens.addingReportingOverflow(Int(fields.bytes[index] - UInt8(ascii: "0")))
                guard !overflows, !overflowsToo else { return .length(.max) }
                length = sum
            }
        }
        return length == 0 ? .none : .length(length)
    }

    /// `chunked`, once and at the end (RFC 9112, 6.1 and 7.1); before it, codings that are not known here.
    private static func codings(_ fields: HTTPFields) -> ContentFraming {
        var (chunked, others, endsChunked) = (0, 0, false)
        fields.forEachMember(of: "transfer-encoding") { member in
            endsChunked = ASCII.equal(fields.bytes.span, in: member, ignoringCaseOf: "chunked")
            if endsChunked { chunked += 1 } else { others += 1 }
        }
        guard chunked == 1, endsChunked else { return .refused(.chunkedNotLast) }
        return others == 0 ? .chunked : .refused(.unknownTransferCoding)
    }
}

/// Collects a request's content from input that comes in pieces of any size.
struct ContentReader: Sendable {
    private(set) var bytes: [UInt8] = []
    private var part: Part
    /// The lines between the chunks, and those of the trailer.
    private var lines = HeadReader()

    private enum Part {
        /// Bytes of a content of known length; how many are still to come.
        case content(left: Int)
        /// The line with a chunk's size (RFC 9112, 7.1).
        case chunkSize
        case chunk(left: Int)
        /// The line break behind a chunk.
        case chunkEnd
        /// Fields behind the last chunk, which are read and dropped (RFC 9112, 7.1.2).
        case trailer
    }

    enum Outcome {
        case complete
        case incomplete
        case refused(HTTPRefusal)
    }

    init(length: Int) { part = .content(left: length) }
    init(chunked: Void) { part = .chunkSize }

    /// The memory that the part of a content takes that has arrived, in bytes.
    var heldBytes: Int { bytes.capacity + lines.fields.bytes.capacity }

    /// Takes what belongs to the content from `input`, of which `offset` says how far it has been consumed.
    ///
    /// - Parameter limit: how long a content in chunks may become, in bytes.
    mutating func read(_ input: Span<UInt8>, at offset: inout Int, limit: Int) -> Outcome {
        while true {
            switch part {
            case .content(let left):
                let count = take(left, input, at: &offset)
                guard count == left else {
                    part = .content(left: left - count)
                    return .incomplete
                }
                return .complete
            case .chunk(let left):
                let count = take(left, input, at: &offset)
                guard count == left else {
                    part = .chunk(left: left - count)
                    return .incomplete
                }
                part = .chunkEnd
            case .chunkSize, .chunkEnd, .trailer:
                switch lines.nextLine(in: input, at: &offset) {
                case .incomplete: return .incomplete
                case .fault: return .refused(.malformedChunk)
                case .line(let line): if let outcome = take(line, limit: limit) { return outcome }
                }
            }
        }
    }

    /// Takes as many bytes as there are, and no more than `left`.
    private mutating func take(_ left: Int, _ input: Span<UInt8>, at offset: inout Int) -> Int {
        let count = min(left, input.count - offset)
        bytes.append(copying: input.extracting(offset..<offset + count))
        offset += count
        return count
    }

    /// Takes a line that stands between chunks or behind them; an outcome where that settles it.
    private mutating func take(_ line: Range<Int>, limit: Int) -> Outcome? {
        switch part {
        case .chunkSize:
            guard let size = Self.size(lines.fields.bytes.span, line) else { return .refused(.malformedChunk) }
            guard size <= limit - bytes.count else { return .refused(.contentTooLong) }
            _ = lines.take()
            part = size > 0 ? .chunk(left: size) : .trailer
        case .chunkEnd:
            guard line.isEmpty else { return .refused(.malformedChunk) }
            _ = lines.take()
            part = .chunkSize
        case .trailer:
            if line.isEmpty { return .complete }
            if lines.addField(line) != nil { return .refused(.malformedChunk) }
        case .content, .chunk: break
        }
        return nil
    }

    /// The number before a line's end or its extensions, none of which is known here (RFC 9112, 7.1.1); `Int.max` for a very large
    /// one, nil for what is no number.
    private static func size(_ bytes: Span<UInt8>, _ line: Range<Int>) -> Int? {
        var (size, index) = (0, line.lowerBound)
        while index < line.upperBound, let digit = ASCII.hexValue(bytes[index]) {
            size = size > Int.max >> 4 ? .max : size << 4 | Int(digit)
            index += 1
        }
        guard index > line.lowerBound else { return nil }
        let rest = ASCII.trimmed(bytes, index..<line.upperBound)
        return index == line.upperBound || !rest.isEmpty && bytes[rest.lowerBound] == UInt8(ascii: ";") ? size : nil
    }
}
