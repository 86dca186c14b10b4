import Bytes
import Testing

@Suite struct AppendTests {
    @Test("A span's bytes follow what is there")
    func append() {
        var bytes: [UInt8] = [1, 2]
        let more: [UInt8] = [3, 4, 5]
        bytes.append(copying: more.span)
        bytes.append(copying: more.span.extracting(3..<3))
        bytes.append(copying: more.span.extracting(1..<2))
        #expect(bytes == [1, 2, 3, 4, 5, 4])
    }

    @Test("A number's last bytes follow, the greatest first")
    func appendBigEndian() {
        var bytes: [UInt8] = [9]
        bytes.append(bigEndian: 0x0102_0304_0506_0708, byteCount: 8)
        bytes.append(bigEndian: 0x0102_0304, byteCount: 2)
        bytes.append(bigEndian: 1, byteCount: 0)
        #expect(bytes == [9, 1, 2, 3, 4, 5, 6, 7, 8, 3, 4])
    }
}
