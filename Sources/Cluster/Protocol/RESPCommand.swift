/// A command for the engine: its words, each of any bytes.
package struct RESPCommand: Equatable, Sendable {
    package var words: [[UInt8]]

    package init(_ words: [[UInt8]]) { self.words = words }
    package init(_ words: String...) { self.words = words.map { Array($0.utf8) } }

    /// Appends it as an array of bulk strings, the form that programs use.
    package func append(to bytes: inout [UInt8]) {
        bytes.append(header: UInt8(ascii: "*"), words.count)
        for word in words {
            bytes.append(header: UInt8(ascii: "$"), word.count)
            bytes.append(contentsOf: word)
            bytes.append(contentsOf: [UInt8(ascii: "\r"), UInt8(ascii: "\n")])
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(header type: UInt8, _ number: Int) {
        append(type)
        append(contentsOf: String(number).utf8)
        append(contentsOf: [UInt8(ascii: "\r"), UInt8(ascii: "\n")])
    }
}
