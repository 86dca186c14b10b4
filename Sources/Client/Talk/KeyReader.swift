/// A key, as a line editor sees it.
enum Key: Equatable, Sendable {
    case text(Unicode.Scalar)
    case enter, tab, backspace, delete, left, right, wordLeft, wordRight, home, end, up, down
    case killToEnd, killToStart, killWord, clearScreen
    /// ^D
    case endOfInput
}

/// Takes the bytes of a terminal apart into keys: UTF-8, control characters, and escape sequences of xterm and its kin.
///
/// Bytes may come in any pieces. Pasted text is bracketed by sequences of its own (mode 2004), so that a line break in it is
/// not taken for the key.
struct KeyReader: Sendable {
    private enum State: Equatable {
        case ground
        case escape
        /// `ESC [`, and the parameters so far.
        case sequence
        /// `ESC O`
        case application
    }

    private var state = State.ground
    private var parameters: [UInt8] = []
    private var isPasting = false
    /// A character of which some bytes have come.
    private var character: [UInt8] = []

    /// The longest sequence that is waited for; what goes on longer is none that is known.
    private static let longestSequence = 16

    mutating func take(_ bytes: some Sequence<UInt8>) -> [Key] {
        var keys: [Key] = []
        for byte in bytes { take(byte, &keys) }
        return keys
    }

    private mutating func take(_ byte: UInt8, _ keys: inout [Key]) {
        switch state {
        case .ground: takeGround(byte, &keys)
        case .escape:
            state = byte == UInt8(ascii: "[") ? .sequence : byte == UInt8(ascii: "O") ? .application : .ground
            parameters = []
            if state == .ground { keys += Self.alternate(byte) }
        case .application:
            state = .ground
            keys += Self.cursorKey(byte)
        case .sequence:
            guard byte < 0x40 || byte > 0x7E else {
                state = .ground
                return finish(byte, &keys)
            }
            parameters.append(byte)
            if parameters.count > Self.longestSequence { state = .ground }
        }
    }

    private mutating func takeGround(_ byte: UInt8, _ keys: inout [Key]) {
        if byte >= 0x80 || !character.isEmpty { return takeUTF8(byte, &keys) }
        if byte >= 0x20, byte != 0x7F { return keys.append(.text(Unicode.Scalar(byte))) }
        if isPasting, byte != 0x1B {
            // Line breaks and tabs of what is pasted are text.
            if byte == 0x09 || byte == 0x0A || byte == 0x0D { keys.append(.text(byte == 0x09 ? "\t" : "\n")) }
            return
        }
        switch byte {
        case 0x01: keys.append(.home)
        case 0x02: keys.append(.left)
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
        case 0x1B: state = .escape
        default: break
        }
    }

    /// Collects a character of several bytes; what is no UTF-8 becomes U+FFFD.
    private mutating func takeUTF8(_ byte: UInt8, _ keys: inout [Key]) {
        if !character.isEmpty, byte & 0xC0 != 0x80 {
            // Cut off: the byte begins something else.
            character = []
            keys.append(.text("\u{FFFD}"))
            return takeGround(byte, &keys)
        }
        character.append(byte)
        let first = character[0]
        let length = first < 0xC2 ? 1 : first < 0xE0 ? 2 : first < 0xF0 ? 3 : first < 0xF5 ? 4 : 1
        guard character.count >= length else { return }
        keys += String(decoding: character, as: UTF8.self).unicodeScalars.prefix(1).map { .text($0) }
        character = []
    }

    // MARK: Escape sequences

    private static func alternate(_ byte: UInt8) -> [Key] {
        switch byte {
        case UInt8(ascii: "b"): [.wordLeft]
        case UInt8(ascii: "f"): [.wordRight]
        case 0x08, 0x7F: [.killWord]
        default: []
        }
    }

    private static func cursorKey(_ byte: UInt8) -> [Key] {
        switch byte {
        case UInt8(ascii: "A"): [.up]
        case UInt8(ascii: "B"): [.down]
        case UInt8(ascii: "C"): [.right]
        case UInt8(ascii: "D"): [.left]
        case UInt8(ascii: "H"): [.home]
        case UInt8(ascii: "F"): [.end]
        default: []
        }
    }

    /// The last byte of `ESC [ parameters`.
    private mutating func finish(_ byte: UInt8, _ keys: inout [Key]) {
        let text = String(decoding: parameters, as: UTF8.self)
        switch (byte, text) {
        case (UInt8(ascii: "~"), "200"): isPasting = true
        case (UInt8(ascii: "~"), "201"): isPasting = false
        case (UInt8(ascii: "~"), "1"), (UInt8(ascii: "~"), "7"): keys.append(.home)
        case (UInt8(ascii: "~"), "4"), (UInt8(ascii: "~"), "8"): keys.append(.end)
        case (UInt8(ascii: "~"), "3"): keys.append(.delete)
        // With Control or Alt held down the parameters say so: `1;5D`.
        case (UInt8(ascii: "C"), "1;5"), (UInt8(ascii: "C"), "1;3"): keys.append(.wordRight)
        case (UInt8(ascii: "D"), "1;5"), (UInt8(ascii: "D"), "1;3"): keys.append(.wordLeft)
        default: if text.isEmpty { keys += Self.cursorKey(byte) }
        }
    }
}
