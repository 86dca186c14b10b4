import CSystem

/// The content coding that static files are sent in, where the client takes it (RFC 9110, 8.4.1.3).
package enum Gzip {
    /// Whether an Accept-Encoding takes gzip: by its name or by `*`, with a weight that is not zero (RFC 9110, 12.5.3).
    ///
    /// - Parameter acceptEncoding: the field's value; nil where it is absent. A value that breaks the grammar takes nothing.
    package static func isAccepted(by acceptEncoding: String?) -> Bool {
        var scanner = FieldScanner(Array((acceptEncoding ?? "").utf8))
        guard let codings = scanner.list(of: weighted) else { return false }
        let named = codings.first { ["gzip", "x-gzip"].contains($0.name.lowercased()) }
        return (named ?? codings.first { $0.name == "*" })?.isWanted ?? false
    }

    /// `coding [ OWS ";" OWS "q=" qvalue ]`
    private static func weighted(_ scanner: inout FieldScanner) -> (name: String, isWanted: Bool)? {
        guard let name = scanner.token() else { return nil }
        scanner.skipWhitespace()
        guard scanner.take(";") else { return (name, true) }
        scanner.skipWhitespace()
        guard scanner.token()?.lowercased() == "q", scanner.take("="), let weight = scanner.token() else { return nil }
        return (name, weight.contains { "123456789".contains($0) })
    }

    /// The content in gzip (RFC 1952), as small as zlib makes it; nil where that is no shorter, or there is no memory for it.
    package static func compress(_ content: [UInt8]) -> [UInt8]? {
        guard content.count > 1, content.count <= Int32.max else { return nil }
        // Kept at one address for as long as zlib uses it: its state points back to it.
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        defer { unsafe stream.deallocate() }
        // unsafe: the version and size that zlib checks are those of the header this is compiled with. 15 is the largest
        // window, and 16 more asks for gzip's wrapping in place of zlib's.
        guard
            unsafe deflateInit2_(
                stream, Z_BEST_COMPRESSION, Z_DEFLATED, 15 + 16, 9, Z_DEFAULT_STRATEGY, ZLIB_VERSION,
                Int32(MemoryLayout<z_stream>.size)) == Z_OK
        else { return nil }
        defer { unsafe deflateEnd(stream) }
        var isComplete = false
        let room = content.count - 1
        let compressed = unsafe [UInt8](unsafeUninitializedCapacity: room) { target, count in
            // unsafe: zlib reads no more than `avail_in` bytes and writes no more than `avail_out`, during this call only.
            unsafe content.withUnsafeBufferPointer { source in
                unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
                unsafe stream.pointee.avail_in = UInt32(truncatingIfNeeded: source.count)
                unsafe stream.pointee.next_out = target.baseAddress
                unsafe stream.pointee.avail_out = UInt32(truncatingIfNeeded: room)
                isComplete = unsafe deflate(stream, Z_FINISH) == Z_STREAM_END
            }
            count = isComplete ? room - Int(unsafe stream.pointee.avail_out) : 0
        }
        return isComplete ? compressed : nil
    }
}
