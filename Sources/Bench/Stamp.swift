import Bytes
import Client
import WebSocket

/// What is in the text of a load's message, in hexadecimal digits: who has sent it, which one it is, and when.
struct Stamp: Equatable {
    /// 0 to 65535.
    var sender: Int
    var number: UInt32
    /// When it was sent or, at a fixed rate, when it was due (ns).
    var time: Int64

    /// Reads the digits at `offset`; nil if there are none.
    init?(_ text: Span<UInt8>, at offset: Int) {
        guard offset >= 0, text.count - offset >= Self.size else { return nil }
        guard let sender = Self.number(text, offset, Self.senderDigits),
            let number = Self.number(text, offset + Self.senderDigits, Self.numberDigits),
            let time = Self.number(text, offset + Self.senderDigits + Self.numberDigits, Self.timeDigits)
        else { return nil }
        self.init(
            sender: Int(sender), number: UInt32(truncatingIfNeeded: number), time: Int64(truncatingIfNeeded: time))
    }

    init(sender: Int, number: UInt32, time: Int64) {
        (self.sender, self.number, self.time) = (sender, number, time)
    }

    /// Writes the digits over what is at `offset`.
    func write(to bytes: inout [UInt8], at offset: Int) {
        Self.write(UInt64(truncatingIfNeeded: sender), Self.senderDigits, &bytes, offset)
        Self.write(UInt64(number), Self.numberDigits, &bytes, offset + Self.senderDigits)
        let time = UInt64(bitPattern: time)
        Self.write(time, Self.timeDigits, &bytes, offset + Self.senderDigits + Self.numberDigits)
    }

    private static let senderDigits = 4
    private static let numberDigits = 8
    private static let timeDigits = 16
    /// In bytes.
    static let size = senderDigits + numberDigits + timeDigits

    private static func write(_ value: UInt64, _ digits: Int, _ bytes: inout [UInt8], _ offset: Int) {
        for place in 0..<digits {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(4 * (digits - 1 - place))) & 15
            bytes[offset + place] = digit < 10 ? UInt8(ascii: "0") + digit : UInt8(ascii: "a") + digit - 10
        }
    }

    private static func number(_ text: Span<UInt8>, _ offset: Int, _ digits: Int) -> UInt64? {
        var value: UInt64 = 0
        for place in offset..<offset + digits {
            let byte = text[place]
            switch byte {
            case UInt8(ascii: "0")...UInt8(ascii: "9"): value = value << 4 | UInt64(byte - UInt8(ascii: "0"))
            case UInt8(ascii: "a")...UInt8(ascii: "f"): value = value << 4 | UInt64(byte - UInt8(ascii: "a") + 10)
            default: return nil
            }
        }
        return value
    }
}

/// The messages of one run: all alike but for the stamp, which stands after a marker that no other run has.
struct MessageMaker {
    /// What the stamp stands after: `@` and four digits of the run.
    let marker: [UInt8]
    private(set) var message: [UInt8]
    let stampOffset: Int

    /// The shortest text there can be, in bytes; what is more is filled up.
    static let shortest = 5 + Stamp.size

    /// - Parameters:
    ///   - run: tells the messages of this run from those of others, which the room's history may still hold.
    ///   - payload: the text's size, in bytes.
    ///   - isEcho: the message is the text alone, and no JSON.
    init(run: UInt16, payload: Int, isEcho: Bool) {
        let digits = String(run, radix: 16)
        let marker = "@" + String(repeating: "0", count: 4 - digits.count) + digits
        let text = marker + String(repeating: "x", count: max(0, payload - marker.utf8.count))
        self.marker = Array(marker.utf8)
        let message = isEcho ? Array(text.utf8) : ClientMessage.message(text: text)
        stampOffset = (TextFinder(marker).first(in: message.span) ?? 0) + marker.utf8.count
        self.message = message
    }

    /// Writes the stamp and lends the message.
    mutating func send(_ stamp: Stamp, over connection: inout ClientConnection, key: UInt32) {
        stamp.write(to: &message, at: stampOffset)
        connection.send(message.span, key: key)
    }
}

/// Finds a few bytes in texts that look alike: it looks first where it found them last.
struct TextFinder {
    private let needle: [UInt8]
    private var hint = 0

    init(_ needle: [UInt8]) { self.needle = needle }
    init(_ needle: String) { self.needle = Array(needle.utf8) }

    /// - Returns: the offset of what follows the first place where it stands; nil if it does not.
    mutating func end(in text: Span<UInt8>) -> Int? {
        if !matches(text, at: hint) {
            guard let found = first(in: text) else { return nil }
            hint = found
        }
        return hint + needle.count
    }

    /// The offset of the first place where it stands.
    func first(in text: Span<UInt8>) -> Int? {
        guard text.count >= needle.count else { return nil }
        for offset in 0...text.count - needle.count where matches(text, at: offset) { return offset }
        return nil
    }

    private func matches(_ text: Span<UInt8>, at offset: Int) -> Bool {
        guard text.count - offset >= needle.count else { return false }
        for place in needle.indices where text[offset + place] != needle[place] { return false }
        return true
    }
}
