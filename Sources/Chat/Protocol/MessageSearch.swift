import Bytes

/// What someone looks for in messages, without regard to case and to canonical form.
///
/// Most of a log is passed over by its bytes alone (`candidate`); only a line that may have the text in it is read (`matches`).
package struct MessageSearch: Sendable {
    private let needle: String
    private let characters: [Character]
    private let scalars: [Unicode.Scalar]
    /// The longest run of ASCII in it that stands in every line that matches, whatever its case; empty where there is none, and every
    /// line has to be read.
    private let run: [UInt8]
    private let finder: PairFinder?

    /// - Parameter text: a JSON string, with its quotation marks.
    package init(_ text: Span<UInt8>) {
        var at = 0
        let plain = JSONScanner.value(text, &at).map { String(unescaping: $0, of: text) } ?? ""
        needle = plain.caseFolded
        characters = Array(needle)
        scalars = Array(needle.unicodeScalars)
        run = MessageSearch.longestRun(in: plain)
        finder = PairFinder(run)
    }

    /// ASCII that stands in a JSON string as it is. Left out are letters that may stand there as something else: those with a mark
    /// behind them, K and S, which have relatives beyond ASCII, and what ligatures are made of (ﬀ, ﬁ, ﬂ, ﬆ).
    private static func longestRun(in text: String) -> [UInt8] {
        var (best, run): ([UInt8], [UInt8]) = ([], [])
        var mayBeginLigature = false
        for scalar in text.unicodeScalars {
            if scalar.properties.canonicalCombiningClass != .notReordered { run = Array(run.dropLast()) }
            if run.count > best.count { best = run }
            let isPlain = (0x20..<0x7F).contains(scalar.value) && scalar != "\"" && scalar != "\\"
            let isPart = mayBeginLigature && "fFiIlLtT".unicodeScalars.contains(scalar)
            if isPlain, !isPart, !"kKsSfF".unicodeScalars.contains(scalar) {
                run.append(UInt8(ascii: scalar))
            } else {
                run = []
            }
            mayBeginLigature = "sSfF".unicodeScalars.contains(scalar)
        }
        return run.count > best.count ? run : best
    }

    /// The next place, from `start` on, where a matching line may have the text; nil where no line of these can match.
    package func candidate(in bytes: Span<UInt8>, from start: Int) -> Int? {
        guard let finder else { return start < bytes.count ? start : nil }
        return finder.next(in: bytes, from: start)
    }

    /// Whether a message that has this text, a JSON string between its quotation marks, is one of those looked for.
    package func matches(_ event: EventLine, of line: Span<UInt8>, _ facts: MessageFacts? = nil) -> Bool {
        guard event.kind == .message, facts?.isDeleted != true else { return false }
        if let edit = facts?.edit { return matches(jsonString: edit.text.span) }
        guard event.text.kind == .string else { return false }
        return matches(String(unescaping: event.text, of: line))
    }

    /// The same for a text alone, given as a JSON string with its quotation marks.
    package func matches(jsonString text: Span<UInt8>) -> Bool {
        var at = 0
        return JSONScanner.value(text, &at).map { matches(String(unescaping: $0, of: text)) } ?? false
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
