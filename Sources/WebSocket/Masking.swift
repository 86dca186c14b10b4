/// The four bytes that a client's payload is combined with (RFC 6455, section 5.3).
package struct MaskingKey: Equatable, Sendable {
    /// The key's first byte on the wire is the lowest.
    private var word: UInt32

    /// The key whose bytes on the wire are those of `key`, the most significant first.
    package init(_ key: UInt32) { word = key.byteSwapped }

    /// The key whose first byte on the wire is the lowest of `word`.
    init(littleEndian word: UInt32) { self.word = word }

    /// Leaves a payload as it is.
    static let none = MaskingKey(0)

    /// The key for what follows after `count` bytes of payload.
    func advanced(by count: Int) -> MaskingKey {
        let bits = UInt32(truncatingIfNeeded: count & 3) &* 8
        return MaskingKey(littleEndian: word &>> bits | word &<< (32 &- bits))
    }

    private var repeated: UInt64 { UInt64(word) << 32 | UInt64(word) }

    /// Appends `payload` combined with the key, starting with the key's first byte: masked if it was plain, plain if it was
    /// masked. Eight bytes at a time, which the compiler widens to vectors.
    package func append(_ payload: Span<UInt8>, to bytes: inout [UInt8]) {
        if word == 0 { return bytes.append(copying: payload) }
        let count = payload.count
        bytes.append(addingCapacity: count) { output in
            // unsafe: both buffers hold `count` bytes, which every offset below stays within; they do not overlap, since
            // `bytes` is ours alone; all `count` bytes are written.
            unsafe output.withUnsafeMutableBufferPointer { target, initializedCount in
                unsafe payload.withUnsafeBytes { source in
                    unsafe combine(source, into: UnsafeMutableRawBufferPointer(target))
                }
                initializedCount = count
            }
        }
    }

    @unsafe private func combine(_ source: UnsafeRawBufferPointer, into target: UnsafeMutableRawBufferPointer) {
        guard source.count >= 8 else {
            for offset in 0..<source.count {
                let byte = UInt8(truncatingIfNeeded: word &>> UInt32(truncatingIfNeeded: 8 &* (offset & 3)))
                unsafe target[offset] = unsafe source[offset] ^ byte
            }
            return
        }
        let key = repeated.littleEndian
        let last = source.count - 8
        for offset in stride(from: 0, to: last, by: 8) {
            let word = unsafe source.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            unsafe target.storeBytes(of: word ^ key, toByteOffset: offset, as: UInt64.self)
        }
        // The last eight bytes, some of them for the second time.
        let rest = advanced(by: last).repeated.littleEndian
        let word = unsafe source.loadUnaligned(fromByteOffset: last, as: UInt64.self)
        unsafe target.storeBytes(of: word ^ rest, toByteOffset: last, as: UInt64.self)
    }
}
