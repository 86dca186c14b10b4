/// A key, as a line editor sees it.
enum Key: Equatable, Sendable {
    case text(Unicode.Scalar)
    case enter, tab, backspace, delete, left, right, wordLeft, wordRight, home, end, up, down
    case killToEnd, killToStart, killWord, yank, clearScreen
    /// ^C
    case interrupt
    /// ^D
    case endOfInput
}

/// Takes the bytes of a terminal apart into keys: UTF-8, control characters, and escape sequences of xterm and its kin
/// (ECMA-48, section 5). A sequence that is not known is swallowed whole: none of it becomes text.
///
/// Bytes may come in any pieces. Pasted text is bracketed by sequences of its own (mode 2004), so that a line break in it is
/// not taken for the key.
struct KeyReader: Sendable {
    private enum State: Equatable {
        case ground
        case escape
        /// `ESC [`, and the parameters so far.
        case sequence
        /// `ESC [ [`, a function key of the Linux console, or `ESC N`: one byte follows, and means nothing here.
        case oneMore
        /// `ESC O`
        case application
        /// `ESC ]`, `ESC P` and others: a string until BEL or `ESC \`.
        case string
    }

    private var state = State.ground
    private var parameters: [UInt8] = []
    private var isPasting = false
    /// Whether two escapes came before the sequence: some terminals send that for Alt.
    private var isAlternate = false
    /// Whether the last thing pasted was CR: an LF after it is the same line break.
    private var wasReturn = false
    /// A character of which some bytes have come.
    private var character: [UInt8] = []
    /// When the last bytes came (ms).
    private var lastTime: Int64 = .min / 2

    /// Sequences that are known are shorter than this. Of a longer one the rest is not kept.
    private static let longestSequence = 16
    /// The bytes of a sequence come together. After a pause as long as this (ms) somebody has pressed Escape and, later,
    /// something else.
    private static let longestPause: Int64 = 500

    /// - Parameter now: the time (ms) of a clock that does not go back.
    mutating func take(_ bytes: some Sequence<UInt8>, now: Int64 = 0) -> [Key] {
        if now - lastTime > Self.longestPause { state = .ground }
        lastTime = now
        var keys: [Key] = []
        for byte in bytes { take(byte, &keys) }
        return keys
    }

    private mutating func take(_ byte: UInt8, _ keys: inout [Key]) {
        // An escape begins anew wherever it comes, and a key like Enter or ^C ends whatever was begun: a slip of the finger
        // (Escape, then `]`) must not swallow everything that is typed from then on.
        if state != .ground, byte == 0x1B {
            isAlternate = state == .escape
            state = .escape
            return
        }
        if state != .ground, byte < 0x20 {
            let isEndOfString = state == .string && byte == 0x07
            state = .ground
            return isEndOfString ? () : takeGround(byte, &keys)
        }
        switch state {
        case .ground: takeGround(byte, &keys)
        case .escape: takeEscape(byte, &keys)
        case .application:
            state = .ground
            keys += cursorKey(byte)
        case .oneMore: state = .ground
        case .string: break
        case .sequence:
            if parameters.isEmpty, byte == UInt8(ascii: "[") {
                state = .oneMore
            } else if byte >= 0x40, byte <= 0x7E {
                state = .ground
                finish(byte, &keys)
            } else if byte > 0x7E {
                state = .ground
                takeGround(byte, &keys)
            } else if parameters.count <= Self.longestSequence {
                parameters.append(byte)
            }
        }
    }

    private mutating func takeGround(_ byte: UInt8, _ keys: inout [Key]) {
        if byte >= 0x80 || !character.isEmpty { return takeUTF8(byte, &keys) }
        let isSecondOfTwo = wasReturn && byte == 0x0A
        wasReturn = isPasting && byte == 0x0D
        if byte >= 0x20, byte != 0x7F { return keys.append(.text(Unicode.Scalar(byte))) }
        if isPasting, byte != 0x1B {
            // Line breaks and tabs of what is pasted are text.
            if byte == 0x09 { keys.append(.text("\t")) }
            if byte == 0x0D || byte == 0x0A && !isSecondOfTwo { keys.append(.text("\n")) }
            return
        }
        switch byte {
        case 0x01: keys.append(.home)
        case 0x02: keys.append(.left)
        case 0x03: keys.append(.interrupt)
        case 0x04: keys.append(.endOfInput)
        case 0x05: keys.append(.end)
        case 0x06: keys.append(.right)
        case 0x08, 0x7F: keys.append(.backspace)
        case 0x09: keys.append(.tab)
        case 0x0A, 0x0D: keys.append(.enter)
        case 0x0B: keys.append(.killToEnd)
        case 0x0C: keys.append(.clearScreen)
        case 0x0E: keys.append(.down)
        case 0x10: keys.append(.up)
        case 0x15: keys.append(.killToStart)
        case 0x17: keys.append(.killWord)
        case 0x19: keys.append(.yank)
        case 0x1B: (state, isAlternate) = (.escape, false)
        default: break
        }
    }

    /// Collects a character of several bytes; invalid bytes become U+FFFD, and C1 controls are no text.
    private mutating func takeUTF8(_ byte: UInt8, _ keys: inout [Key]) {
        if !character.isEmpty, byte & 0xC0 != 0x80 {
            // Cut off: the byte begins something else.
            character = []
            keys.append(.text("\u{FFFD}"))
            return takeGround(byte, &keys)
        }
        wasReturn = false
        character.append(byte)
        let first = character[0]
        let length = first < 0xC2 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 1
        guard character.count >= length else { return }
        let scalar = String(decoding: character, as: UTF8.self).unicodeScalars.first ?? "\u{FFFD}"
        if !(0x80...0x9F).contains(scalar.value) { keys.append(.text(scalar)) }
        character = []
    }

    // MARK: Escape sequences

    private mutating func takeEscape(_ byte: UInt8, _ keys: inout [Key]) {
        parameters = []
        switch byte {
        case UInt8(ascii: "["): state = .sequence
        case UInt8(ascii: "O"): state = .application
        case UInt8(ascii: "N"): state = .oneMore
        // OSC, DCS, SOS, PM, APC
        case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "X"), UInt8(ascii: "^"), UInt8(ascii: "_"):
            state = .string
        default:
            state = .ground
            switch byte {
            case UInt8(ascii: "b"): keys.append(.wordLeft)
            case UInt8(ascii: "f"): keys.append(.wordRight)
            case 0x7F: keys.append(.killWord)
            case 0x80...: takeGround(byte, &keys)
            default: break
            }
        }
    }

    private func cursorKey(_ byte: UInt8) -> [Key] {
        switch byte {
        case UInt8(ascii: "A"): [.up]
        case UInt8(ascii: "B"): [.down]
        case UInt8(ascii: "C"): [isAlternate ? .wordRight : .right]
        case UInt8(ascii: "D"): [isAlternate ? .wordLeft : .left]
        case UInt8(ascii: "H"): [.home]
        case UInt8(ascii: "F"): [.end]
        default: []
        }
    }

    /// The last byte of `ESC [ parameters`.
    private mutating func finish(_ byte: UInt8, _ keys: inout [Key]) {
        let text = String(decoding: parameters, as: UTF8.self)
        switch (byte, text) {
        case (UInt8(ascii: "~"), "200"): (isPasting, wasReturn) = (true, false)
        case (UInt8(ascii: "~"), "201"): (isPasting, wasReturn) = (false, false)
        case (UInt8(ascii: "~"), "1"), (UInt8(ascii: "~"), "7"): keys.append(.home)
        case (UInt8(ascii: "~"), "4"), (UInt8(ascii: "~"), "8"): keys.append(.end)
        case (UInt8(ascii: "~"), "3"): keys.append(.delete)
        // With Control or Alt held down the parameters say so: `1;5D`.
        case (UInt8(ascii: "C"), "1;5"), (UInt8(ascii: "C"), "1;3"): keys.append(.wordRight)
        case (UInt8(ascii: "D"), "1;5"), (UInt8(ascii: "D"), "1;3"): keys.append(.wordLeft)
        default: if text.isEmpty { keys += cursorKey(byte) }
        }
    }
}
