import Bytes
import Chat

/// A server's message as one line, for programs that read lines.
enum JSONLine {
    /// The message as it came, on one line: a line break can only be white space between values, where a space does as well.
    static func copy(_ text: Span<UInt8>) -> [UInt8] {
        var line: [UInt8] = []
        line.reserveCapacity(text.count)
        for index in text.indices {
            let byte = text[index]
            line.append(byte == 0x0A || byte == 0x0D ? 0x20 : byte)
        }
        return line
    }

    /// The object without the members of these names, on one line.
    static func copy(_ text: Span<UInt8>, without names: Set<String>) -> [UInt8] {
        var line: [UInt8] = [UInt8(ascii: "{")]
        var at = 0
        JSONScanner.skipSpace(text, &at)
        _ = JSONScanner.members(text, &at) { name, value in
            var bytes: [UInt8] = []
            bytes.append(unescaping: name, of: text)
            guard !names.contains(String(decoding: bytes, as: UTF8.self)) else { return }
            if line.count > 1 { line.append(UInt8(ascii: ",")) }
            line += copy(text.extracting(name.quotedRange))
            line.append(UInt8(ascii: ":"))
            line += copy(text.extracting(value.kind == .string ? value.quotedRange : value.range))
        }
        line.append(UInt8(ascii: "}"))
        return line
    }

    /// The object, which has members, with one more that says that it is from before the first join.
    static func markedPast(_ line: [UInt8]) -> [UInt8] {
        guard let end = line.lastIndex(of: UInt8(ascii: "}")) else { return line }
        return line[..<end] + Array(",\"past\":true}".utf8)
    }
}
