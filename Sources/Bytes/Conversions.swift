extension [UInt8] {
    /// A copy of these bytes.
    package init(copying bytes: Span<UInt8>) {
        self = []
        append(copying: bytes)
    }
}

extension String {
    /// The text of bytes that are known to be UTF-8.
    package init(utf8 bytes: Span<UInt8>) {
        self = String(decoding: Array(copying: bytes), as: UTF8.self)
    }

    /// The text that a JSON string stands for.
    package init(unescaping token: JSONToken, of text: Span<UInt8>) {
        var bytes: [UInt8] = []
        bytes.append(unescaping: token, of: text)
        self = String(decoding: bytes, as: UTF8.self)
    }
}
