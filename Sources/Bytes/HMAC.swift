/// A keyed digest (RFC 2104) over SHA-1: without the key nobody can find a digest's text, or a text's digest. What broke
/// SHA-1, collisions, does not touch this use (RFC 6194, section 3.3).
package enum HMAC {
    /// The 20 bytes of the digest of `text` under `key`.
    package static func digest(of text: Span<UInt8>, key: [UInt8]) -> [UInt8] {
        let block = key.count > 64 ? SHA1.digest(of: key.span) : key
        let padded = block + [UInt8](repeating: 0, count: 64 - block.count)
        var inner = padded.map { $0 ^ 0x36 }
        inner.append(copying: text)
        return SHA1.digest(of: (padded.map { $0 ^ 0x5C } + SHA1.digest(of: inner.span)).span)
    }
}
