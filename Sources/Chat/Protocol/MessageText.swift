import Bytes

/// The rules for what can be said: 1 to 4000 Unicode scalars, not all white space or invisible; tabs and line breaks are
/// allowed, other control characters are not.
enum MessageText {
    enum Verdict { case fine, empty, tooLong, controlCharacter }

    /// Judges a text in which nothing is escaped any more.
    static func judge(_ text: Span<UInt8>, isASCII: Bool) -> Verdict {
        var isBlank = true
        if isASCII {
            // Length first: what is too long is not looked at.
            guard text.count <= Limits.textScalars.upperBound else { return .tooLong }
            for i in text.indices {
                let byte = text[i]
                if byte > 0x20, byte < 0x7F {
                    isBlank = false
                } else if byte != 0x20, byte != 0x0A, byte != 0x09, byte != 0x0D {
                    return .controlCharacter
                }
            }
        } else {
            var at = 0
            var count = 0
            while at < text.count {
                let scalar = UTF8Scalars.next(text, &at)
                count += 1
                guard count <= Limits.textScalars.upperBound else { return .tooLong }
                switch scalar.value {
                case 0x09, 0x0A, 0x0D, 0x20: break
                case ..<0x20, 0x7F..<0xA0: return .controlCharacter
                default: if isBlank, !scalar.isInvisible, !scalar.properties.isWhitespace { isBlank = false }
                }
            }
        }
        return isBlank ? .empty : .fine
    }
}

extension Unicode.Scalar {
    /// Whether nothing is seen where the scalar stands: joiners, variation selectors, bidirectional controls, fillers and the
    /// like. White space, controls and tags that are shown as boxes are other matters.
    var isInvisible: Bool {
        switch value {
        // The blank of Braille and the null notehead, which Unicode calls symbols; the controls of annotations and of Egyptian
        // hieroglyphs.
        case 0x2800, 0x1D159, 0xFFF9...0xFFFB, 0x13430...0x1343F: true
        default: properties.isDefaultIgnorableCodePoint
        }
    }
}
