import CSystem
import HTTP
import Support
import Testing

/// RFC 9110, 8.4.1.3 and 12.5.3: which clients get gzip, and what they get.
@Suite struct GzipTests {
    @Test(arguments: [
        "gzip", "GZIP", "x-gzip", "deflate, gzip;q=1.0, *;q=0.5", "gzip;q=0.001", "*", " br , gzip ", "gzip ; q=0.5",
        "gzip, deflate, br, zstd", "identity;q=0, *;q=0.1",
    ])
    func gzip_isAccepted(value: String) {
        #expect(Gzip.isAccepted(by: value))
    }

    @Test(arguments: [
        nil, "", "br", "gzip;q=0", "gzip; q=0.000", "*;q=0", "gzip;q=0, *", "identity", "gzipped", "gzip q=1", "gzip;q",
        "gzip;x=1", "\"gzip\"", "gzip, é",
    ])
    func gzip_isNotAccepted(value: String?) {
        #expect(!Gzip.isAccepted(by: value))
    }

    @Test func compressedContent_inflatesToItself() throws {
        for text in [
            "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa", String(repeating: "the same again, ", count: 5000),
        ] {
            let content = Array(text.utf8)
            let compressed = try #require(Gzip.compress(content))
            #expect(compressed.count < content.count)
            #expect(inflated(compressed, count: content.count) == content)
        }
    }

    @Test func contentThatGzipMakesNoShorter_staysAsItIs() {
        var random = SeededGenerator(seed: 1)
        let noise = (0..<1000).map { _ in UInt8(truncatingIfNeeded: random.next()) }
        for content in [[], [1], Array("short".utf8), noise] { #expect(Gzip.compress(content) == nil) }
    }

    private func inflated(_ bytes: [UInt8], count: Int) -> [UInt8] {
        let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
        stream.initialize(to: z_stream())
        defer { stream.deallocate() }
        guard inflateInit2_(stream, 31, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size)) == Z_OK else { return [] }
        defer { inflateEnd(stream) }
        var (input, output) = (bytes, [UInt8](repeating: 0, count: count + 1))
        return input.withUnsafeMutableBufferPointer { input in
            output.withUnsafeMutableBufferPointer { output in
                stream.pointee.next_in = input.baseAddress
                stream.pointee.avail_in = UInt32(input.count)
                stream.pointee.next_out = output.baseAddress
                stream.pointee.avail_out = UInt32(output.count)
                guard inflate(stream, Z_FINISH) == Z_STREAM_END else { return [] }
                return Array(output.prefix(count + 1 - Int(stream.pointee.avail_out)))
            }
        }
    }
}
