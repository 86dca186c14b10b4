/// Writes responses.
package enum HTTPResponse {
    /// Appends a whole response.
    ///
    /// Content-Length, Connection and Date are written here, from the arguments; fields of these names, and
    /// Transfer-Encoding, are left out where `fields` has them, because two of them would let readers disagree on where
    /// the response ends. With an Upgrade among the fields, Connection names it as RFC 9110, 7.8 demands.
    ///
    /// - Parameters:
    ///   - fields: names and values in their order; see `HeadWriter` for what becomes of control characters.
    ///   - body: the content; nothing of it is sent with a status that has none (1xx, 204, 304).
    ///   - includesBody: false for the answer to a HEAD, which tells the length of what it does not send.
    ///   - keepAlive: whether the connection stays open after this response.
    ///   - secondsSinceEpoch: the moment for Date.
    package static func append(
        to output: inout [UInt8], status: HTTPStatus, fields: [(String, String)] = [], body: [UInt8] = [],
        includesBody: Bool = true, keepAlive: Bool, secondsSinceEpoch: Int64
    ) {
        let sendsBody = includesBody && status.allowsContent
        output.reserveCapacity(output.count + 512 + (sendsBody ? body.count : 0))
        appendHead(
            to: &output, status: status, fields: fields, contentLength: body.count, keepAlive: keepAlive,
            secondsSinceEpoch: secondsSinceEpoch)
        if sendsBody { output.append(contentsOf: body) }
    }

    /// Appends the head of a response alone, for a content that is sent in another way.
    ///
    /// - Parameter contentLength: how many bytes the content has; not told with a status that has none.
    package static func appendHead(
        to output: inout [UInt8], status: HTTPStatus, fields: [(String, String)], contentLength: Int, keepAlive: Bool,
        secondsSinceEpoch: Int64
    ) {
        output.append(contentsOf: "HTTP/1.1 \(status.code) ".utf8)
        HeadWriter.appendText(status.phrase, to: &output)
        HeadWriter.endLine(&output)

        output.append(contentsOf: "Date: ".utf8)
        HTTPDate.append(secondsSinceEpoch: secondsSinceEpoch, to: &output)
        HeadWriter.endLine(&output)
        if status.allowsContent { HeadWriter.append("Content-Length", String(contentLength), to: &output) }
        let upgrades = fields.contains { isEqual($0.0, "upgrade") }
        HeadWriter.append("Connection", connection(status, upgrades: upgrades, keepAlive: keepAlive), to: &output)
        for (name, value) in fields where !isOwn(name) { HeadWriter.append(name, value, to: &output) }
        HeadWriter.endLine(&output)
    }

    /// Appends the interim response that tells a client to send its content (RFC 9110, 15.2.1).
    package static func appendContinue(to output: inout [UInt8]) {
        output.append(contentsOf: "HTTP/1.1 100 Continue\r\n\r\n".utf8)
    }

    private static func connection(_ status: HTTPStatus, upgrades: Bool, keepAlive: Bool) -> String {
        // After 101 the connection is not HTTP's any more, so nothing is said about keeping it.
        if status == .switchingProtocols { return "Upgrade" }
        return (upgrades ? "Upgrade, " : "") + (keepAlive ? "keep-alive" : "close")
    }

    /// Whether this writer alone decides on the field.
    private static func isOwn(_ name: String) -> Bool {
        isEqual(name, "connection") || isEqual(name, "content-length") || isEqual(name, "date")
            || isEqual(name, "transfer-encoding")
    }

    private static func isEqual(_ one: String, _ other: String) -> Bool {
        one.utf8.count == other.utf8.count
            && one.utf8.elementsEqual(other.utf8) { ASCII.lowercased($0) == ASCII.lowercased($1) }
    }
}
