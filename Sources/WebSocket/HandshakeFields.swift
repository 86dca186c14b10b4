import Bytes

/// The header fields of an opening handshake that are the WebSocket's own, from either end (RFC 6455, section 4).
///
/// Hand it every field line of a request or of an answer, in order; it keeps what it needs.
package struct HandshakeFields {
    var upgrade = Lines()
    var connection = Lines()
    var key = Lines()
    var accept = Lines()
    var version = Lines()
    var extensions = Lines()
    var subprotocols = Lines()

    /// What the lines with one name say.
    struct Lines {
        private(set) var count = 0
        /// The values with commas between them, as if on one line (RFC 9110, section 5.3).
        private(set) var value: [UInt8] = []

        fileprivate mutating func append(_ line: Span<UInt8>) {
            if count > 0 { value.append(UInt8(ascii: ",")) }
            count += 1
            var range = 0..<line.count
            while let first = range.first, isWhitespace(line[first]) { range.removeFirst() }
            while let last = range.last, isWhitespace(line[last]) { range.removeLast() }
            value.append(copying: line.extracting(range))
        }

        /// Whether there is one line, and no other, that says `text` in upper or lower case.
        func isExactly(_ text: String) -> Bool { count == 1 && matches(value.span, text) }

        /// Whether `element` is in the list, in upper or lower case.
        func contains(_ element: String) -> Bool {
            value.split(separator: UInt8(ascii: ",")).contains { part in
                // An element may be nothing but white space (RFC 9110, section 5.6.1): then there is no first and no last.
                guard let first = part.firstIndex(where: { !isWhitespace($0) }),
                    let last = part.lastIndex(where: { !isWhitespace($0) })
                else { return false }
                return matches(Array(part[first...last]).span, element)
            }
        }
    }

    package init() {}

    /// Takes one field line.
    ///
    /// - Parameters:
    ///   - name: in upper or lower case.
    ///   - value: white space around it does not count.
    package mutating func add(name: Span<UInt8>, value: Span<UInt8>) {
        if matches(name, "upgrade") {
            upgrade.append(value)
        } else if matches(name, "connection") {
            connection.append(value)
        } else if matches(name, "sec-websocket-key") {
            key.append(value)
        } else if matches(name, "sec-websocket-accept") {
            accept.append(value)
        } else if matches(name, "sec-websocket-version") {
            version.append(value)
        } else if matches(name, "sec-websocket-extensions") {
            extensions.append(value)
        } else if matches(name, "sec-websocket-protocol") {
            subprotocols.append(value)
        }
    }
}

private func isWhitespace(_ byte: UInt8) -> Bool { byte == 0x20 || byte == 0x09 }

/// Whether `bytes` spell `text`, which is in lower case, without regard to the case of ASCII letters.
private func matches(_ bytes: Span<UInt8>, _ text: String) -> Bool {
    guard bytes.count == text.utf8.count else { return false }
    var index = 0
    for expected in text.utf8 {
        let byte = bytes[index]
        let isUppercase = byte >= UInt8(ascii: "A") && byte <= UInt8(ascii: "Z")
        guard (isUppercase ? byte | 0x20 : byte) == expected else { return false }
        index += 1
    }
    return true
}
