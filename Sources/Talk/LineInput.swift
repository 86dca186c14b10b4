/// Lines from a pipe or a file.
struct LineInput: Sendable {
    private var rest: [UInt8] = []
    private var isFirst = true
    /// A byte order mark, which some programs write before the first line, is no part of that line.
    private static let byteOrderMark: [UInt8] = [0xEF, 0xBB, 0xBF]
    /// A line longer than any message can be is handed over in pieces, which are refused: it is not collected for ever.
    private static let longest = 64 * 1024

    init() {}

    /// Takes bytes, and gives the lines that are whole now, without their ends. What is no UTF-8 becomes U+FFFD.
    mutating func take(_ bytes: ArraySlice<UInt8>) -> [String] {
        var lines: [String] = []
        for byte in bytes {
            if byte == UInt8(ascii: "\n") {
                lines.append(finish())
            } else {
                rest.append(byte)
                if rest.count >= Self.longest { lines.append(finish()) }
            }
        }
        return lines
    }

    /// The last line, if it has no end of its own.
    mutating func takeRest() -> String? { rest.isEmpty ? nil : finish() }

    private mutating func finish() -> String {
        defer { (rest, isFirst) = ([], false) }
        if isFirst, rest.starts(with: Self.byteOrderMark) { rest.removeFirst(Self.byteOrderMark.count) }
        if rest.last == UInt8(ascii: "\r") { rest.removeLast() }
        return String(decoding: rest, as: UTF8.self)
    }
}
