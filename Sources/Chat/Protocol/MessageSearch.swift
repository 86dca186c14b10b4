import Bytes

/// What someone looks for in messages, without regard to case and to canonical form.
///
/// Most of a log is passed over by its bytes alone (`forEachCandidate`); only a line that may have the text in it is read.
package struct MessageSearch: Sendable {
    private let characters: [Character]
    private let scalars: [Unicode.Scalar]
    /// The text itself where it is ASCII.
    private let ascii: [UInt8]?
    private let filter: Filter

    /// By what lines are passed over.
    private enum Filter {
        /// All that match have this.
        case run(PairFinder)
        /// All that match have something beyond ASCII.
        case nonASCII
        case none
    }

    /// - Parameter text: a JSON string, with its quotation marks.
    package init(_ text: Span<UInt8>) {
        var at = 0
        let plain = JSONScanner.value(text, &at).map { String(unescaping: $0, of: text) } ?? ""
        let needle = plain.caseFolded
        characters = Array(needle)
        scalars = Array(needle.unicodeScalars)
        ascii = needle.utf8.allSatisfy { $0 < 0x80 } ? Array(needle.utf8) : nil
        if let finder = PairFinder(MessageSearch.longestRun(in: plain)) {
            filter = .run(finder)
        } else {
            filter = ascii == nil ? .nonASCII : .none
        }
    }

    /// The longest part that stands as it is, but for its case, in every text that matches, with the same number of bytes. Left
    /// out are letters that may stand there as something else: those with a mark behind them, K and S, which have relatives
    /// beyond ASCII, and what ligatures are made of (ﬀ, ﬁ, ﬂ, ﬆ).
    private static func longestRun(in text: String) -> String {
        var (best, run): (String.UnicodeScalarView, String.UnicodeScalarView) = ("".unicodeScalars, "".unicodeScalars)
        var mayBeginLigature = false
        for scalar in text.unicodeScalars {
            if scalar.properties.canonicalCombiningClass != .notReordered { _ = run.popLast() }
            if run.count > best.count { best = run }
            let isPart = mayBeginLigature && "fFiIlLtT".unicodeScalars.contains(scalar)
            if !isPart, scalar.hasOneForm { run.append(scalar) } else { run = "".unicodeScalars }
            mayBeginLigature = "sSfF".unicodeScalars.contains(scalar)
        }
        return String(run.count > best.count ? run : best)
    }

    /// Walks the lines that may have the text in a message.
    package func forEachCandidate(in bytes: Span<UInt8>, _ body: (EventLine, Range<Int>) -> Void) {
        var at = 0
        // Where the text began in the line before: mostly it begins there in the next one, too.
        var hint = 0
        while let place = candidate(in: bytes, from: at) {
            var (start, end) = (place, place)
            while start > 0, bytes[start - 1] != 0x0A { start -= 1 }
            while end < bytes.count, bytes[end] != 0x0A { end += 1 }
            at = end + 1
            guard end < bytes.count else { return }
            // What stands in front of the text does not count.
            let text = MessageSearch.textStart(in: bytes, start..<end, &hint)
            if text > place, candidate(in: bytes.extracting(text..<end), from: 0) == nil { continue }
            if let event = EventLine(bytes.extracting(start..<end)) { body(event, start..<end) }
        }
    }

    private func candidate(in bytes: Span<UInt8>, from start: Int) -> Int? {
        switch filter {
        case .run(let finder): finder.next(in: bytes, from: start)
        case .nonASCII: bytes.nextNonASCII(from: start)
        case .none: start < bytes.count ? start : nil
        }
    }

    /// Where the text begins in a line that a server has written; in any other, where the line begins.
    private static func textStart(in bytes: Span<UInt8>, _ line: Range<Int>, _ hint: inout Int) -> Int {
        let opening: StaticString = "{\"type\":\"message\",\"seq\":"
        let name: StaticString = ",\"text\":\""
        let length = opening.utf8CodeUnitCount
        guard line.count > length, bytes.extracting(line.lowerBound..<line.lowerBound + length).isEqual(to: opening)
        else { return line.lowerBound }
        var at = line.lowerBound + hint
        if hint > length, at + 9 <= line.upperBound, bytes.extracting(at..<at + 9).isEqual(to: name) { return at }
        at = line.lowerBound + length
        while at + 9 <= line.upperBound {
            if bytes[at] == UInt8(ascii: ","), bytes.extracting(at..<at + 9).isEqual(to: name) {
                hint = at - line.lowerBound
                return at
            }
            at += 1
        }
        return line.lowerBound
    }

    /// Whether a message that has this text, a JSON string between its quotation marks, is one of those looked for.
    package func matches(_ event: EventLine, of line: Span<UInt8>, _ facts: MessageFacts? = nil) -> Bool {
        guard event.kind == .message, facts?.isDeleted != true else { return false }
        if let edit = facts?.edit { return matches(jsonString: edit.text.span) }
        guard event.text.kind == .string else { return false }
        guard event.text.isPlain, event.text.isASCII else { return matches(String(unescaping: event.text, of: line)) }
        return ascii.map { isIn(line.extracting(event.text.range), $0) } ?? false
    }

    /// The same for a text alone, given as a JSON string with its quotation marks.
    package func matches(jsonString text: Span<UInt8>) -> Bool {
        var at = 0
        return JSONScanner.value(text, &at).map { matches(String(unescaping: $0, of: text)) } ?? false
    }

    /// ASCII in ASCII.
    private func isIn(_ text: Span<UInt8>, _ wanted: [UInt8]) -> Bool {
        guard !wanted.isEmpty, wanted.count <= text.count else { return false }
        for start in 0...text.count - wanted.count {
            var length = 0
            while length < wanted.count, text[start + length].lowercase == wanted[length] { length += 1 }
            if length == wanted.count { return true }
        }
        return false
    }

    func matches(_ text: String) -> Bool {
        let folded = text.caseFolded
        return isIn(Array(folded.unicodeScalars)) || isIn(Array(folded))
    }

    /// Scalars in a row, behind which no mark follows that would make another character of the last one.
    private func isIn(_ text: [Unicode.Scalar]) -> Bool {
        place(of: scalars, in: text) { end in
            end == text.count || text[end].properties.canonicalCombiningClass == .notReordered
        }
    }

    /// Characters in a row; they compare by canonical equivalence.
    private func isIn(_ text: [Character]) -> Bool { place(of: characters, in: text) { _ in true } }

    private func place<Element: Equatable>(of wanted: [Element], in text: [Element], isEnd: (Int) -> Bool) -> Bool {
        guard !wanted.isEmpty, wanted.count <= text.count else { return false }
        for start in 0...text.count - wanted.count where text[start] == wanted[0] {
            if text[start..<start + wanted.count].elementsEqual(wanted), isEnd(start + wanted.count) { return true }
        }
        return false
    }
}

extension PairFinder {
    /// - Parameter text: characters whose cases have as many bytes.
    fileprivate init?(_ text: String) {
        self.init(lower: Array(text.lowercased().utf8), upper: Array(text.uppercased().utf8))
    }
}

extension UInt8 {
    /// An ASCII letter in lower case; any other byte as it is.
    fileprivate var lowercase: UInt8 { self &- UInt8(ascii: "A") < 26 ? self | 0x20 : self }
}

extension Unicode.Scalar {
    /// Whether it is written in one way only, but for its case, in JSON and by canonical equivalence.
    fileprivate var hasOneForm: Bool {
        switch value {
        case 0x20..<0x7F: !"kKsSfF\"\\".unicodeScalars.contains(self)
        case 0x419, 0x439: false
        case 0x410...0x44F: true  // Cyrillic
        case 0x5D0...0x5EA, 0x621, 0x627...0x64A: true  // Hebrew, Arabic
        case 0xE01...0xE30, 0x3400...0x4DBF, 0x4E00...0x9FFF: true  // Thai, Han
        default: false
        }
    }
}
