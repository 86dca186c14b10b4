import HTTP
import Testing

/// What a client sends.
@Suite struct RequestWriterTests {
    private func get(_ target: String, host: String = "a.example", fields: [(String, String)] = []) -> String {
        var output: [UInt8] = []
        RequestWriter.appendGet(to: &output, target: target, host: host, fields: fields)
        return String(decoding: output, as: UTF8.self)
    }

    @Test func aRequestIsLineHostAndFields() {
        #expect(
            get("/chat?room=a", host: "[::1]:80", fields: [("Upgrade", "websocket"), ("A", "b")])
                == "GET /chat?room=a HTTP/1.1\r\nHost: [::1]:80\r\nUpgrade: websocket\r\nA: b\r\n\r\n")
    }

    @Test func whatATargetCannotHoldIsEscaped() {
        #expect(get("/é b\r\nX: y#\"<>\u{7F}").hasPrefix("GET /%C3%A9%20b%0D%0AX:%20y%23%22%3C%3E%7F HTTP/1.1\r\nHost"))
        #expect(get("/a%20b").hasPrefix("GET /a%20b HTTP/1.1\r\n"), "what is escaped already stays as it is")
    }

    @Test func noValueEndsItsLine() {
        #expect(
            get("/", host: "a\r\nB: c", fields: [("D", "e\r\n\r\nGET"), ("F\r\n", "g")])
                == "GET / HTTP/1.1\r\nHost: a  B: c\r\nD: e    GET\r\n\r\n")
    }

    @Test func theServerReadsWhatTheClientWrites() throws {
        let found = try #require(request(get("/chat?room=é", fields: [("Origin", "http://a.example")])))
        #expect(found.method == .get)
        #expect(found.value(of: "host") == "a.example")
        #expect(found.value(of: "origin") == "http://a.example")
        #expect(HTTPTarget.parse(found.target)?.query("room") == "é")
    }
}
