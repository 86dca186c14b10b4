import Bytes

/// The rules for a room's name: `[a-z0-9-]{1,32}`.
package enum RoomName {
    package static let standard = "lobby"

    package static func isValid(_ name: Span<UInt8>) -> Bool {
        guard (1...32).contains(name.count) else { return false }
        for i in name.indices {
            switch name[i] {
            case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "-"): break
            default: return false
            }
        }
        return true
    }

    private static let pairPrefix = "pair-"
    private static let pairLength = 26

    /// Whether a name has the form of a pair room's name.
    package static func isOfPair(_ name: String) -> Bool {
        name.utf8.count == pairLength && name.hasPrefix(pairPrefix)
    }

    /// The name for two strangers that follows from random bits: 105 of them, in base32.
    static func ofPair(_ bits: UInt128) -> String {
        let alphabet = Array("abcdefghijklmnopqrstuvwxyz234567".utf8)
        var (name, rest) = (Array(pairPrefix.utf8), bits)
        while name.count < pairLength {
            name.append(alphabet[Int(truncatingIfNeeded: rest & 31)])
            rest >>= 5
        }
        return String(decoding: name, as: UTF8.self)
    }
}
