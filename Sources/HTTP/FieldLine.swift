/// Where one field's name and value lie in its head. Offsets fit in 16 bits because a head is at most 16 KiB.
struct FieldLine: Sendable, Equatable {
    private let nameStart, nameEnd, valueStart, valueEnd: UInt16

    var name: Range<Int> { Int(nameStart)..<Int(nameEnd) }
    var value: Range<Int> { Int(valueStart)..<Int(valueEnd) }

    private init(name: Range<Int>, value: Range<Int>) {
        nameStart = UInt16(truncatingIfNeeded: name.lowerBound)
        nameEnd = UInt16(truncatingIfNeeded: name.upperBound)
        valueStart = UInt16(truncatingIfNeeded: value.lowerBound)
        valueEnd = UInt16(truncatingIfNeeded: value.upperBound)
    }

    enum Outcome {
        case field(FieldLine)
        case fault(HeadFault)
    }

    /// `field-name ":" OWS field-value OWS` (RFC 9112, 5); `line` is not empty and holds no control characters.
    static func parse(_ bytes: Span<UInt8>, _ line: Range<Int>) -> Outcome {
        guard !ASCII.isWhiteSpace(bytes[line.lowerBound]) else { return .fault(.foldedLine) }
        let token = ByteSet.token
        var colon = line.lowerBound
        while colon < line.upperBound, token.contains(bytes[colon]) { colon += 1 }
        guard colon > line.lowerBound, colon < line.upperBound, bytes[colon] == ASCII.colon else {
            return .fault(nameFault(bytes, colon..<line.upperBound))
        }
        let value = ASCII.trimmed(bytes, colon + 1..<line.upperBound)
        return .field(FieldLine(name: line.lowerBound..<colon, value: value))
    }

    /// Which rule a line broke: `rest` is what follows its name, and is no colon.
    private static func nameFault(_ bytes: Span<UInt8>, _ rest: Range<Int>) -> HeadFault {
        if rest.isEmpty { return .missingColon }
        let afterSpace = ASCII.trimmed(bytes, rest).lowerBound
        let isSpaced = afterSpace > rest.lowerBound && afterSpace < rest.upperBound
        return isSpaced && bytes[afterSpace] == ASCII.colon ? .spaceBeforeColon : .invalidFieldName
    }
}
