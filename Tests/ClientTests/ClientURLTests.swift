import Client
import Support
import Testing

/// What people type or paste, and which chat it names.
@Suite struct ClientURLTests {
    @Test(
        arguments: [
            ("ws://a.example/chat?room=garden", "a.example", 80, "/chat?room=garden"),
            ("ws://a.example:8080/chat", "a.example", 8080, "/chat?room=lobby"),
            ("http://127.0.0.1:8080/", "127.0.0.1", 8080, "/chat?room=lobby"),
            ("http://127.0.0.1:8080", "127.0.0.1", 8080, "/chat?room=lobby"),
            ("http://a.example", "a.example", 80, "/chat?room=lobby"),
            ("http://a.example/index.html", "a.example", 80, "/chat?room=lobby"),
            ("http://a.example/r/garden", "a.example", 80, "/chat?room=garden"),
            ("http://a.example/r/garden#message", "a.example", 80, "/chat?room=garden"),
            ("http://a.example/under/a/path/", "a.example", 80, "/under/a/path/chat?room=lobby"),
            ("http://a.example/under/a/path", "a.example", 80, "/under/a/path/chat?room=lobby"),
            ("http://a.example/under/r/x-1", "a.example", 80, "/under/chat?room=x-1"),
            ("http://a.example/under/chat?room=b", "a.example", 80, "/under/chat?room=b"),
            ("http://a.example/under/chat?token=1&room=b", "a.example", 80, "/under/chat?room=b"),
            ("http://a.example?x=y", "a.example", 80, "/chat?room=lobby"),
            ("HTTP://A.example:81/", "A.example", 81, "/chat?room=lobby"),
            ("Ws://a.example:/", "a.example", 80, "/chat?room=lobby"),
            ("localhost", "localhost", 8080, "/chat?room=lobby"),
            ("localhost:9000", "localhost", 9000, "/chat?room=lobby"),
            ("localhost/r/garden", "localhost", 8080, "/chat?room=garden"),
            ("10.0.0.7:9000/r/garden", "10.0.0.7", 9000, "/chat?room=garden"),
            ("[::1]:9000", "::1", 9000, "/chat?room=lobby"),
            ("[::1]", "::1", 8080, "/chat?room=lobby"),
            ("ws://[2001:db8::7]/r/garden", "2001:db8::7", 80, "/chat?room=garden"),
        ])
    func address_namesAChat(text: String, host: String, port: UInt16, target: String) throws {
        let url = try ClientURL(text)
        #expect(url.host == host)
        #expect(url.port == port)
        #expect(url.target == target)
    }

    @Test func authority_hasBracketsAndAnUnusualPort() throws {
        #expect(try ClientURL("http://a.example/").authority == "a.example")
        #expect(try ClientURL("http://a.example:8080/").authority == "a.example:8080")
        #expect(try ClientURL("[::1]:8080").authority == "[::1]:8080")
        #expect(try ClientURL("http://[::1]:80/").authority == "[::1]")
        #expect(try ClientURL("http://a.example/b/").echoTarget == "/b/echo")
    }

    @Test(arguments: ["wss://a.example/chat?room=b", "https://a.example/r/b", "HTTPS://a.example:443/r/b"])
    func secureSchemes_haveAPortOfTheirOwn(text: String) throws {
        let url = try ClientURL(text)
        #expect(url.isSecure && url.port == 443 && url.authority == "a.example" && url.target == "/chat?room=b")
        #expect(url.page == "https://a.example/r/b")
        #expect(try ClientURL("https://a.example:80/").authority == "a.example:80")
        #expect(try !ClientURL("http://a.example/").isSecure)
    }

    @Test(
        arguments: [
            ("http://a.example/?room=garden", "garden"), ("http://a.example/under/?room=garden", "garden"),
            ("http://a.example?room=garden", "garden"), ("a.example?x=1&room=garden", "garden"),
            ("http://a.example/r/b?room=garden", "b"), ("http://a.example/index.html?room=garden", "garden"),
        ])
    func room_mayStandInTheQuery(text: String, room: String) throws {
        #expect(try ClientURL(text).room == room)
        #expect(throws: ClientURL.Fault.invalidRoom) { try ClientURL("http://a.example/?room=A") }
    }

    @Test func fragment_carriesInvitationAndOperatorCode() throws {
        let url = try ClientURL("http://a.example/r/b#invite=a_-1%2F&operator=xyz")
        #expect(url.invite == "a_-1/" && url.operatorCode == "xyz" && url.room == "b")
        #expect(try ClientURL("http://a.example/r/b#m=12").invite == nil)
        #expect(try ClientURL("http://a.example/#%zz").invite == nil)
        let other = try #require(url.inRoom("c"))
        #expect(other.room == "c" && other.invite == nil && other.operatorCode == nil && other.host == "a.example")
        #expect(url.inRoom("C") == nil)
    }

    @Test(
        arguments: [
            ("ftp://a.example/", .unknownScheme("ftp")), ("file:///etc/passwd", .unknownScheme("file")),
            ("", .malformed), ("http://", .malformed), ("ws:///chat", .malformed), ("/r/garden", .malformed),
            ("http:/a.example", .malformed), ("a b", .malformed), ("a\r\nb", .malformed), ("user@host", .userInfo),
            ("http://user:secret@host/", .userInfo), ("https://a:b@host?x", .userInfo), ("host:", .malformed),
            ("host:0", .invalidPort),
            ("host:x", .malformed),
            ("host:65536", .malformed), ("host:99999999999999999999", .malformed), ("[::1", .malformed),
            ("[::1]x", .malformed), ("::1", .malformed), ("[fe80::1%25eth0]:1", .malformed), ("ho%73t", .malformed),
            ("héllo", .malformed), ("http://a.example/../b", .malformed), ("http://a.example//", .malformed),
            ("http://a.example//chat", .malformed), ("http://a.example/%2e%2e/", .malformed),
            ("http://a.example/r/", .invalidRoom), ("http://a.example/r/Upper", .invalidRoom),
            ("http://a.example/r/a%20b", .invalidRoom), ("ws://a.example/chat?room=", .invalidRoom),
            ("ws://a.example/chat?room=a&room=b", .none), ("ws://a.example/chat?room=%zz", .invalidRoom),
            ("http://a.example/r/123456789012345678901234567890123", .invalidRoom),
        ] as [(String, ClientURL.Fault?)])
    func address_malformed_isRefused(text: String, fault: ClientURL.Fault?) {
        var found: ClientURL.Fault?
        do throws(ClientURL.Fault) { _ = try ClientURL(text) } catch { found = error }
        #expect(found == fault)
    }

    @Test func address_takesAnyTextWithoutATrap() {
        var random = SeededGenerator(seed: 7)
        let pieces = [
            "http", "ws", "://", ":", "/", "[", "]", "::", "%", "#", "?", "r/", "chat", "room=", "&", "é", "\0", "9",
        ]
        for _ in 0..<20_000 {
            let text = (0..<random.below(9)).map { _ in pieces[random.below(pieces.count)] }.joined()
            guard let url = try? ClientURL(text) else { continue }
            #expect(!url.host.isEmpty && url.port > 0 && url.base.hasPrefix("/") && url.base.hasSuffix("/"))
        }
    }
}
