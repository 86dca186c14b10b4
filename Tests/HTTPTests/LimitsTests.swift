import HTTP
import Testing

/// The limits of `HTTPLimits`, each at its edge.
@Suite struct LimitsTests {
    private func target(ofLine length: Int) -> String {
        "/" + String(repeating: "a", count: length - "GET / HTTP/1.1".utf8.count)
    }

    /// A head of exactly `length` bytes with one long field.
    private func headOf(_ length: Int) -> String {
        head("A: " + String(repeating: "a", count: length - head("A: ").utf8.count))
    }

    @Test func aRequestLineOf8KiBIsRead() throws {
        let target = target(ofLine: HTTPLimits.requestLine)
        #expect(try #require(request(head(requestLine: "GET \(target) HTTP/1.1"))).target == target)
    }

    @Test func aLongerRequestLineIsRefused() {
        let line = "GET \(target(ofLine: HTTPLimits.requestLine + 1)) HTTP/1.1"
        #expect(refusal(head(requestLine: line)) == .head(.startLineTooLong))
        #expect(HTTPRefusal.head(.startLineTooLong).status.code == 414)
    }

    @Test func aLongLineIsRefusedBeforeItEnds() {
        let line = String(repeating: "a", count: HTTPLimits.requestLine)
        #expect(events(line) == [])
        #expect(events(line + "a") == [.refused(.head(.startLineTooLong), toHead: false)])
    }

    @Test func aHeadOf16KiBIsRead() {
        #expect(headOf(HTTPLimits.head).utf8.count == 16 * 1024)
        #expect(request(headOf(HTTPLimits.head)) != nil)
    }

    @Test func aLongerHeadIsRefused() {
        #expect(refusal(headOf(HTTPLimits.head + 1)) == .head(.headTooLong))
        #expect(HTTPRefusal.head(.headTooLong).status.code == 431)
    }

    @Test func aLongHeadIsRefusedBeforeItEnds() {
        let beginning = "GET / HTTP/1.1\r\nA: "
        let room = HTTPLimits.head - 4 - beginning.utf8.count
        #expect(events(beginning + String(repeating: "a", count: room)) == [])
        #expect(
            events(beginning + String(repeating: "a", count: room + 1)) == [
                .refused(.head(.headTooLong), toHead: false)
            ])
    }

    @Test func aHeadOfManyLinesIsBoundedToo() {
        let lines = String(repeating: "A: " + String(repeating: "a", count: 300) + "\r\n", count: 60)
        #expect(refusal("GET / HTTP/1.1\r\n" + lines) == .head(.headTooLong))
        // The last line ends where nothing but the head's end has room; that is still let in.
        let first = "GET / HTTP/1.1\r\nHost: a\r\nA: "
        let full = first + String(repeating: "a", count: HTTPLimits.head - 4 - first.utf8.count) + "\r\n"
        #expect(request(full + "\r\n") != nil)
        #expect(refusal(full + "B") == .head(.headTooLong))
    }

    @Test func theLimitsHoldHoweverTheInputIsCut() {
        for text in [
            String(repeating: "a", count: HTTPLimits.requestLine + 1), headOf(HTTPLimits.head),
            headOf(HTTPLimits.head + 1),
        ] {
            #expect(events(Array(text.utf8).map { [$0] }) == events(text))
        }
    }

    @Test func aHundredFieldsAreReadAndNoMore() throws {
        let lines = (1..<HTTPLimits.fields).map { "F\($0): \($0)\r\n" }.joined()
        let text = "GET / HTTP/1.1\r\nHost: a\r\n" + lines
        #expect(try #require(request(text + "\r\n")).value(of: "f99") == "99")
        #expect(refusal(text + "A: b\r\n\r\n") == .head(.tooManyFields))
        #expect(HTTPRefusal.head(.tooManyFields).status.code == 431)
    }

    @Test func theLimitsAreEachRequestsOwn() {
        let found = events(headOf(HTTPLimits.head) + "\r\n" + headOf(HTTPLimits.head))
        #expect(found.count == 2)
        for event in found {
            guard case .request = event else {
                Issue.record("refused")
                continue
            }
        }
        #expect(events("\r\n" + String(repeating: "a", count: HTTPLimits.requestLine)) == [])
        let tooLong = String(repeating: "a", count: HTTPLimits.requestLine + 1)
        #expect(events("\r\n" + tooLong) == [.refused(.head(.startLineTooLong), toHead: false)])
    }
}
