/// A keyed digest (RFC 2104) over SHA-1: without the key nobody can find a digest's text, or a text's digest. What broke
/// SHA-1, collisions, does not touch this use (RFC 6194, section 3.3).
package struct HMAC: Sendable {
    /// The states behind the block that the key makes of each of the two digests: the same for all texts.
    private let inner: SHA1.State
    private let outer: SHA1.State

    package init(key: [UInt8]) {
        let block = key.count > 64 ? SHA1.digest(of: key.span) : key
        let padded = block + [UInt8](repeating: 0, count: 64 - block.count)
        let (innerPad, outerPad) = (padded.map { $0 ^ 0x36 }, padded.map { $0 ^ 0x5C })
        inner = SHA1.State(after: innerPad.span)
        outer = SHA1.State(after: outerPad.span)
    }

    /// The 20 bytes of the digest of `text`.
    package func digest(of text: Span<UInt8>) -> [UInt8] {
        let digest = inner.digest(of: text, afterBlocks: 1)
        return outer.digest(of: digest.span, afterBlocks: 1)
    }
}
