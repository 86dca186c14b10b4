import Bytes

/// Makes values of the bytes that the engine sends, however they are split.
///
/// What a header announces is counted before it arrives, so a length that is too great is refused at once. A reader that has
/// failed stays so: the rest of the bytes has no meaning.
package struct RESPReader: Sendable {
    package struct Limits: Sendable {
        /// Bytes of one line. The longest are errors, which may quote a script.
        package var line = 64 << 10
        /// Arrays within arrays. Our scripts answer with three levels.
        package var depth = 8
        /// Bytes of one value in memory: a room's snapshot and the records after it, several times over.
        package var memory = 64 << 20
        /// What an element costs beside its bytes.
        package static let element = 48

        package init() {}
    }

    /// What is wrong with the bytes.
    package enum Fault: Error, Equatable, Sendable {
        case unknownType(UInt8)
        case malformedNumber
        /// A line ends otherwise than with CR LF, or a bulk string is followed by something else.
        case missingLineBreak
        case lineTooLong
        case tooDeep
        case tooLarge
    }

    /// An array that has begun.
    private struct Partial: Sendable {
        var elements: [RESPValue]
        var missing: Int
    }

    private let limits: Limits
    private var buffer: [UInt8] = []
    /// Where the bytes begin that are not read yet, and how far they were searched for the end of a line.
    private var head = 0
    private var searched = 0
    private var partials: [Partial] = []
    /// The length of the bulk string that comes next, once its header is read.
    private var bulk: Int?
    /// Bytes that the current value has, or has announced.
    private var spent = 0
    private var fault: Fault?

    package init(limits: Limits = Limits()) { self.limits = limits }

    /// Takes in bytes; `next` is to be called until it is nil before there are more.
    package mutating func receive(_ bytes: Span<UInt8>) {
        guard fault == nil else { return }
        if head > 0, head * 2 >= buffer.count {
            buffer.removeFirst(head)
            searched -= head
            head = 0
        }
        buffer.append(copying: bytes)
    }

    /// The next whole value; nil until more bytes are there.
    package mutating func next() throws(Fault) -> RESPValue? {
        if let fault { throw fault }
        do throws(Fault) {
            return try read()
        } catch {
            fault = error
            (buffer, partials) = ([], [])
            throw error
        }
    }

    private mutating func read() throws(Fault) -> RESPValue? {
        while true {
            let value: RESPValue
            if let length = bulk {
                guard let bytes = try takeBulk(length) else { return nil }
                bulk = nil
                value = .bulk(bytes)
            } else {
                guard let line = try takeLine() else { return nil }
                guard let finished = try begin(line) else { continue }
                value = finished
            }
            if let whole = finish(value) {
                spent = 0
                return whole
            }
        }
    }

    /// Adds a value to the array that it is part of.
    ///
    /// - Returns: what is whole and part of nothing.
    private mutating func finish(_ value: RESPValue) -> RESPValue? {
        var value = value
        while var partial = partials.popLast() {
            partial.elements.append(value)
            partial.missing -= 1
            if partial.missing > 0 {
                partials.append(partial)
                return nil
            }
            value = .array(partial.elements)
        }
        return value
    }

    /// Reads a line: a whole value, or the header of one.
    ///
    /// - Returns: nil where more belongs to the value.
    private mutating func begin(_ line: Range<Int>) throws(Fault) -> RESPValue? {
        guard let type = line.first.map({ buffer[$0] }) else { throw .unknownType(UInt8(ascii: "\r")) }
        let rest = line.dropFirst()
        if partials.isEmpty { try spend(Limits.element) }
        switch type {
        case UInt8(ascii: "+"): return .simple(try text(rest))
        case UInt8(ascii: "-"): return .error(RESPError(try text(rest)))
        case UInt8(ascii: ":"): return .integer(try number(rest))
        case UInt8(ascii: "$"):
            guard let length = try length(rest) else { return .null }
            try spend(length)
            bulk = length
            return nil
        case UInt8(ascii: "*"):
            guard let count = try length(rest) else { return .null }
            guard partials.count < limits.depth else { throw .tooDeep }
            guard count <= limits.memory / Limits.element else { throw .tooLarge }
            try spend(count * Limits.element)
            if count == 0 { return .array([]) }
            partials.append(Partial(elements: [], missing: count))
            return nil
        default: throw .unknownType(type)
        }
    }

    private mutating func spend(_ bytes: Int) throws(Fault) {
        guard bytes <= limits.memory - spent else { throw .tooLarge }
        spent += bytes
    }

    // MARK: Bytes

    /// The next line, without its end.
    private mutating func takeLine() throws(Fault) -> Range<Int>? {
        let end = min(buffer.count, head + limits.line + 2)
        while searched < end, buffer[searched] != UInt8(ascii: "\n") { searched += 1 }
        guard searched < end else {
            if buffer.count >= head + limits.line + 2 { throw .lineTooLong }
            return nil
        }
        guard searched > head, buffer[searched - 1] == UInt8(ascii: "\r") else { throw .missingLineBreak }
        let line = head..<searched - 1
        guard !line.contains(where: { buffer[$0] == UInt8(ascii: "\r") }) else { throw .missingLineBreak }
        searched += 1
        head = searched
        return line
    }

    private mutating func takeBulk(_ length: Int) throws(Fault) -> [UInt8]? {
        guard buffer.count - head >= length + 2 else { return nil }
        let end = head + length
        guard buffer[end] == UInt8(ascii: "\r"), buffer[end + 1] == UInt8(ascii: "\n") else { throw .missingLineBreak }
        defer {
            head = end + 2
            searched = head
        }
        return Array(buffer[head..<end])
    }

    /// A line for people. An error may quote anything, so what is no UTF-8 is replaced.
    private mutating func text(_ range: Range<Int>) throws(Fault) -> String {
        try spend(range.count)
        return String(decoding: buffer[range], as: UTF8.self)
    }

    private func number(_ range: Range<Int>) throws(Fault) -> Int64 {
        let digits = range.first.map { buffer[$0] } == UInt8(ascii: "-") ? range.dropFirst() : range
        guard (1...19).contains(digits.count),
            digits.allSatisfy({ (UInt8(ascii: "0")...UInt8(ascii: "9")).contains(buffer[$0]) }),
            let number = Int64(String(decoding: buffer[range], as: UTF8.self))
        else { throw .malformedNumber }
        return number
    }

    /// The length of what follows; nil is −1, which says that there is nothing.
    private func length(_ range: Range<Int>) throws(Fault) -> Int? {
        let number = try number(range)
        if number == -1 { return nil }
        guard number >= 0 else { throw .malformedNumber }
        guard number <= limits.memory else { throw .tooLarge }
        return Int(number)
    }
}
