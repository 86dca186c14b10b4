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
}
