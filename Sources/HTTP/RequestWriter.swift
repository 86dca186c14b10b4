/// Writes the request of a client.
package enum RequestWriter {
    /// Appends a GET without content.
    ///
    /// - Parameters:
    ///   - target: path and query. What a request target cannot hold, and what could end the line, is percent-encoded.
    ///   - host: host and port for Host; IPv6 addresses in brackets.
    ///   - fields: further names and values in their order; control characters in them become spaces.
    package static func appendGet(
        to output: inout [UInt8], target: String, host: String, fields: [(String, String)] = []
    ) {
        output.append(contentsOf: "GET ".utf8)
        for byte in target.utf8 {
            if ByteSet.query.contains(byte) {
                output.append(byte)
            } else {
                output.append(ASCII.percent)
                output.append(hexDigit(byte >> 4))
                output.append(hexDigit(byte & 15))
            }
        }
        output.append(contentsOf: " HTTP/1.1".utf8)
        HeadWriter.endLine(&output)
        HeadWriter.append("Host", host, to: &output)
        for (name, value) in fields { HeadWriter.append(name, value, to: &output) }
        HeadWriter.endLine(&output)
    }

    private static func hexDigit(_ value: UInt8) -> UInt8 {
        value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "A") + value - 10
    }
}
