import HTTP
import Testing

/// RFC 9112, 4 and 6; RFC 9110, 8.6: what goes out.
@Suite struct ResponseTests {
    private func response(
        _ status: HTTPStatus, fields: [(String, String)] = [], body: String = "", includesBody: Bool = true,
        keepAlive: Bool = true
    ) -> String {
        var output: [UInt8] = []
        HTTPResponse.append(
            to: &output, status: status, fields: fields, body: Array(body.utf8), includesBody: includesBody,
            keepAlive: keepAlive, secondsSinceEpoch: 784_111_777)
        return String(decoding: output, as: UTF8.self)
    }

    private let date = "Date: Sun, 06 Nov 1994 08:49:37 GMT\r\n"

    @Test func aResponseIsHeadAndContent() {
        #expect(
            response(.ok, fields: [("Content-Type", "text/plain"), ("ETag", "\"a\"")], body: "hello")
                == "HTTP/1.1 200 OK\r\n"
                + date
                + "Content-Length: 5\r\nConnection: keep-alive\r\nContent-Type: text/plain\r\nETag: \"a\"\r\n\r\nhello")
    }

    @Test func aResponseIsAppended() {
        var output = Array("before".utf8)
        HTTPResponse.append(to: &output, status: .notFound, keepAlive: false, secondsSinceEpoch: 784_111_777)
        #expect(
            String(decoding: output, as: UTF8.self) == "beforeHTTP/1.1 404 Not Found\r\n" + date
                + "Content-Length: 0\r\nConnection: close\r\n\r\n")
    }

    @Test func theAnswerToAHeadTellsTheLengthOnly() {
        #expect(
            response(.ok, body: "hello", includesBody: false) == "HTTP/1.1 200 OK\r\n" + date
                + "Content-Length: 5\r\nConnection: keep-alive\r\n\r\n")
    }

    @Test func someStatusesHaveNoContent() {
        for status in [HTTPStatus.notModified, HTTPStatus(code: 204, phrase: "No Content")] {
            #expect(
                response(status, body: "x") == "HTTP/1.1 \(status.code) \(status.phrase)\r\n" + date
                    + "Connection: keep-alive\r\n\r\n")
        }
    }

    @Test func switchingProtocolsSaysSoAndNothingAboutContent() {
        #expect(
            response(.switchingProtocols, fields: [("Upgrade", "websocket"), ("Connection", "Upgrade")], body: "x")
                == "HTTP/1.1 101 Switching Protocols\r\n" + date + "Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    }

    @Test func anUpgradeIsAnOptionOfTheConnection() {
        #expect(
            response(.upgradeRequired, fields: [("upgrade", "websocket")], keepAlive: false)
                == "HTTP/1.1 426 Upgrade Required\r\n" + date
                + "Content-Length: 0\r\nConnection: Upgrade, close\r\nupgrade: websocket\r\n\r\n")
    }

    @Test func whatTheWriterDecidesIsWrittenOnce() {
        let fields = [
            ("content-length", "99"), ("Transfer-Encoding", "chunked"), ("DATE", "x"), ("Connection", "keep-alive"),
            ("A", "b"),
        ]
        #expect(
            response(.ok, fields: fields, body: "hi", keepAlive: false) == "HTTP/1.1 200 OK\r\n" + date
                + "Content-Length: 2\r\nConnection: close\r\nA: b\r\n\r\nhi")
    }

    @Test func noValueEndsItsLine() {
        let text = response(
            .ok, fields: [("Location", "/a\r\nSet-Cookie: b\r\n\r\n<script>"), ("B", "c\0d\u{7F}e\tf"), ("É", "x")])
        #expect(text.hasSuffix("Location: /a  Set-Cookie: b    <script>\r\nB: c d e\tf\r\n\r\n"))
    }

    @Test(arguments: ["", "A:", "A\r\nB", "A b", "É", "A\0"])
    func aNameThatIsNoTokenIsLeftOut(name: String) {
        #expect(response(.ok, fields: [(name, "x")]) == response(.ok))
    }

    @Test func aPhraseEndsNoLineEither() {
        #expect(response(HTTPStatus(code: 200, phrase: "a\r\nb")).hasPrefix("HTTP/1.1 200 a  b\r\nDate"))
    }

    @Test func theClientReadsWhatTheServerWrites() throws {
        let wire = Array(response(.ok, fields: [("ETag", "\"x\"")], body: "hello").utf8)
        var parser = ResponseParser()
        var offset = 0
        guard case .response(let head)? = parser.next(in: wire.span, at: &offset) else {
            Issue.record("refused")
            return
        }
        #expect(head.statusCode == 200)
        #expect(head.fields.value(of: "etag") == "\"x\"")
        #expect(head.fields.value(of: "content-length") == "5")
        #expect(Array(wire[offset...]) == Array("hello".utf8))
    }

    @Test func statusesHaveTheirPhrases() {
        let statuses: [(HTTPStatus, Int, String)] = [
            (.switchingProtocols, 101, "Switching Protocols"), (.ok, 200, "OK"),
            (.notModified, 304, "Not Modified"), (.badRequest, 400, "Bad Request"), (.forbidden, 403, "Forbidden"),
            (.notFound, 404, "Not Found"), (.methodNotAllowed, 405, "Method Not Allowed"),
            (.requestTimeout, 408, "Request Timeout"), (.contentTooLarge, 413, "Content Too Large"),
            (.uriTooLong, 414, "URI Too Long"), (.upgradeRequired, 426, "Upgrade Required"),
            (.tooManyRequests, 429, "Too Many Requests"),
            (.headerFieldsTooLarge, 431, "Request Header Fields Too Large"),
            (.notImplemented, 501, "Not Implemented"),
            (.serviceUnavailable, 503, "Service Unavailable"),
            (.versionNotSupported, 505, "HTTP Version Not Supported"),
        ]
        for (status, code, phrase) in statuses { #expect(status == HTTPStatus(code: code, phrase: phrase)) }
    }
}
