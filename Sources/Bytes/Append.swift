extension [UInt8] {
    /// Appends a copy of `bytes`. Amortised O(`bytes.count`), in one move of memory.
    package mutating func append(copying bytes: Span<UInt8>) {
        // unsafe: the pointer does not outlive the span that lends it.
        unsafe bytes.withUnsafeBufferPointer { buffer in unsafe append(contentsOf: buffer) }
    }

    /// Appends the last bytes of a number, the most significant of them first.
    ///
    /// - Parameter byteCount: how many, up to 8.
    package mutating func append(bigEndian value: UInt64, byteCount: Int) {
        for index in (0..<byteCount).reversed() { append(UInt8(truncatingIfNeeded: value >> UInt64(8 * index))) }
    }
}
