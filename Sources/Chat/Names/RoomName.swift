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
}
