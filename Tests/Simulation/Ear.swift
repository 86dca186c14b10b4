import WebSocket

/// Hears the messages on one side of a connection out of its bytes, without the help of the client that is under test.
package struct Ear {
    private let role: Role
    private var reader: MessageReader?
    private var head: [UInt8] = []
    private var arena: [UInt8] = []
    private let inflater = Inflater()
    /// The close code and the reason, once they were said.
    package var dismissal: (UInt16, String)?
    /// Whether the handshake is over.
    package var isOpen: Bool { reader != nil }
    /// The first line of the handshake, once it is over.
    package private(set) var firstLine = ""

    /// - Parameter role: who listens: a client hears what servers say.
    package init(_ role: Role) { self.role = role }

    package mutating func take(_ bytes: [UInt8], _ hear: ([UInt8]) -> Void) {
        var offset = 0
        if reader == nil {
            head += bytes
            guard let end = Self.end(of: head) else { return }
            offset = bytes.count - (head.count - end)
            let text = String(decoding: head[..<end], as: UTF8.self)
            firstLine = String(text.prefix { $0 != "\r\n" })
            guard role == .server || firstLine.hasPrefix("HTTP/1.1 101") else { return }
            reader = MessageReader(role: role, deflate: text.contains("permessage-deflate"))
        }
        guard let inflater else { return }
        while let event = reader?.next(
            in: bytes.span, at: &offset, into: &arena, maxMessage: 1 << 26, inflater: inflater)
        {
            switch event {
            case .text(let range): hear(Array(arena[range]))
            case .close(let code, let reason):
                dismissal = (code?.rawValue ?? 1005, String(decoding: arena[reason], as: UTF8.self))
            default: break
            }
            arena.removeAll(keepingCapacity: true)
        }
    }

    private static func end(of head: [UInt8]) -> Int? {
        guard head.count >= 4 else { return nil }
        return (4...head.count).first { head[$0 - 4..<$0].elementsEqual([13, 10, 13, 10]) }
    }
}
