extension [UInt8] {
    /// Appends a copy of `bytes`. Amortised O(`bytes.count`), in one move of memory.
    package mutating func append(copying bytes: Span<UInt8>) {
        // unsafe: the pointer does not outlive the span that lends it.
        unsafe bytes.withUnsafeBufferPointer { buffer in unsafe append(contentsOf: buffer) }
    }
}
