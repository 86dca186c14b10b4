/// Writes the lines of a head so that nothing that is put into them can end a line: no header injection, whatever the
/// caller passes on from others.
enum HeadWriter {
    /// A field line. A name that is not a token writes nothing; a control character in the value becomes a space, as
    /// RFC 9110, 5.5 has recipients do.
    static func append(_ name: String, _ value: String, to output: inout [UInt8]) {
        let token = ByteSet.token
        guard !name.isEmpty, name.utf8.allSatisfy({ token.contains($0) }) else { return }
        output.append(contentsOf: name.utf8)
        output.append(ASCII.colon)
        output.append(ASCII.space)
        appendText(value, to: &output)
        endLine(&output)
    }

    /// Text without its control characters.
    static func appendText(_ text: String, to output: inout [UInt8]) {
        let start = output.count
        output.append(contentsOf: text.utf8)
        for index in start..<output.count where ASCII.isControl(output[index]) { output[index] = ASCII.space }
    }

    static func endLine(_ output: inout [UInt8]) {
        output.append(ASCII.carriageReturn)
        output.append(ASCII.lineFeed)
    }
}
