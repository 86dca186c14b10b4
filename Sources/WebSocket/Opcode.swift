/// What a frame carries (RFC 6455, section 5.2). 3–7 and 11–15 are reserved.
package enum Opcode: UInt8, Sendable {
    case continuation = 0
    case text = 1
    case binary = 2
    case close = 8
    case ping = 9
    case pong = 10

    /// Control frames are whole, at most 125 bytes long, and may stand between a message's fragments (section 5.5).
    package var isControl: Bool { rawValue & 0x8 != 0 }
}

/// Which end of the connection this one is. Clients mask what they send, servers do not (RFC 6455, section 5.1).
package enum Role: Sendable {
    case server
    case client
}
