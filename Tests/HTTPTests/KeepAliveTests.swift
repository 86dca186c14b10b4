import HTTP
import Testing

/// RFC 9112, 9.3: which requests leave the connection open.
@Suite struct KeepAliveTests {
    private let new = "GET / HTTP/1.1"
    private let old = "GET / HTTP/1.0"

    @Test func oneDotOneStaysOpen() {
        #expect(request(head())?.keepAlive == true)
        #expect(request(head("Connection: keep-alive"))?.keepAlive == true)
        #expect(request(head("Connection: Upgrade"))?.keepAlive == true)
    }

    @Test func oneDotZeroDoesNotUnlessAskedTo() {
        #expect(request(head(requestLine: old))?.keepAlive == false)
        #expect(request(head("Connection: Keep-Alive", requestLine: old))?.keepAlive == true)
        #expect(request(head("Connection: x", requestLine: old))?.keepAlive == false)
    }

    @Test(arguments: ["close", "Close", "x, close", "keep-alive, close", "close,keep-alive"])
    func closeEndsIt(options: String) {
        #expect(request(head("Connection: \(options)", requestLine: new))?.keepAlive == false)
        #expect(request(head("Connection: \(options)", requestLine: old))?.keepAlive == false)
    }

    @Test func closeIsFoundOnASecondLine() {
        #expect(request(head("Connection: keep-alive", "Connection: close"))?.keepAlive == false)
    }

    @Test func otherFieldsDoNotCount() {
        #expect(request(head("Proxy-Connection: close", "X: close"))?.keepAlive == true)
    }
}
