import Bytes

/// What has happened in the chat since it began, for metrics.
package struct ChatCounters: Sendable {
    package var joins: UInt64 = 0
    package var leaves: UInt64 = 0
    package var resumes: UInt64 = 0
    package var renames: UInt64 = 0
    package var messages: UInt64 = 0
    /// Messages that were said again with an `id` that was used before.
    package var repeats: UInt64 = 0
    /// Events times the members that they went to.
    package var deliveries: UInt64 = 0
    /// Events that were taken back because they could not be written.
    package var takenBack: UInt64 = 0
    package var refusals: [ErrorCode: UInt64] = [:]
}

extension [UInt8] {
    init(copying bytes: Span<UInt8>) {
        self = []
        append(copying: bytes)
    }
}

extension String {
    /// The text of bytes that are known to be UTF-8.
    init(utf8 bytes: Span<UInt8>) {
        self = String(decoding: Array(copying: bytes), as: UTF8.self)
    }

    /// The text that a JSON string stands for.
    init(unescaping token: JSONToken, of text: Span<UInt8>) {
        var bytes: [UInt8] = []
        bytes.append(unescaping: token, of: text)
        self = String(decoding: bytes, as: UTF8.self)
    }
}
