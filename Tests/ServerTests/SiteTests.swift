import Foundation
import Support
import Testing

/// The HTTP face: the page and its files, from the binary or from a folder.
@Suite(.ownThreads) struct SiteTests {
    @Test(arguments: PollerChoice.allCases)
    func thePageIsServedForEveryRoom(poller: PollerChoice) throws {
        let server = try LiveServer(poller: poller)
        let page = try server.request("GET", "/")
        #expect(page.status == 200)
        #expect(page["Content-Type"] == "text/html; charset=utf-8")
        #expect(page.text.hasPrefix("<!doctype html>") || page.text.hasPrefix("<!DOCTYPE html>"))
        for room in ["lobby", "a", "0-9", String(repeating: "z", count: 32)] {
            let answer = try server.request("GET", "/r/\(room)")
            #expect(answer.status == 200 && answer["Content-Type"] == "text/html; charset=utf-8")
            // One level deeper: what it refers to is one level up.
            #expect(!answer.text.contains("\"./") && answer.text.contains("\"../"))
        }
        #expect(try server.request("GET", "/?utm=x").status == 200)
    }

    @Test(arguments: [
        "/r/", "/r", "/r/Upper", "/r/a/b", "/r/a/", "/r/%41", "/r/%67arden/", "/r/a%20b", "/r/index.html", "/nothing",
        "/r/../lobby2",
        "/r/\(String(repeating: "z", count: 33))", "/index.htm", "/.git/config", "/app.js/", "//", "//app.js",
    ])
    func whatIsNotThereIsA404OrWorse(target: String) throws {
        let answer = try LiveServer().request("GET", target)
        #expect(answer.status == 404 || answer.status == 400)
    }

    @Test func everyFileOfThePageComesWithItsTypeAndTag() throws {
        let server = try LiveServer()
        let types = [
            "index.html": "text/html; charset=utf-8", "app.js": "text/javascript; charset=utf-8",
            "style.css": "text/css; charset=utf-8", "icon.svg": "image/svg+xml",
            "manifest.webmanifest": "application/manifest+json",
        ]
        for (name, type) in types {
            let file = try server.request("GET", "/\(name)")
            #expect(file.status == 200 && file["Content-Type"] == type, "\(name)")
            #expect(file["Content-Length"] == String(file.body.count) && !file.body.isEmpty)
            let tag = try #require(file["ETag"])
            #expect(tag.hasPrefix("\"") && tag.hasSuffix("\"") && tag.count > 10)
            let head = try server.request("HEAD", "/\(name)")
            #expect(head.status == 200 && head["ETag"] == tag && head["Content-Length"] == file["Content-Length"])
            for known in [tag, "W/\(tag)", "\"x\", \(tag)", "*"] {
                let unchanged = try server.request("GET", "/\(name)", ["If-None-Match: \(known)"])
                #expect(unchanged.status == 304 && unchanged.body.isEmpty && unchanged["ETag"] == tag)
            }
            #expect(try server.request("GET", "/\(name)", ["If-None-Match: \"other\""]).status == 200)
        }
    }

    @Test func everyAnswerHasTheSecurityFields() throws {
        let server = try LiveServer()
        for target in ["/", "/r/x", "/app.js", "/nothing", "/healthz", "/chat", "/metrics"] {
            let answer = try server.request("GET", target)
            let policy = try #require(answer["Content-Security-Policy"])
            #expect(policy.contains("default-src 'none'") && policy.contains("frame-ancestors 'none'"))
            #expect(policy.contains("connect-src 'self'") && !policy.contains("unsafe"))
            #expect(answer["X-Content-Type-Options"] == "nosniff")
            #expect(answer["Referrer-Policy"] == "no-referrer")
            #expect(answer["Date"]?.hasSuffix(" GMT") == true)
            #expect(answer["Server"] == nil)
        }
    }

    @Test func healthIsOK() throws {
        let answer = try LiveServer().request("GET", "/healthz")
        #expect(answer.status == 200 && answer.text == "ok")
    }

    @Test(arguments: ["POST", "PUT", "DELETE", "OPTIONS", "PATCH", "TRACE"])
    func otherMethodsAreNotAllowed(method: String) throws {
        let server = try LiveServer()
        for target in ["/", "/chat", "/nothing"] {
            let answer = try server.request(method, target)
            #expect(answer.status == 405 && answer["Allow"] == "GET, HEAD")
        }
    }

    /// Whatever it is that they are asked for.
    @Test(arguments: ["OPTIONS *", "CONNECT a.example:443", "POST /%zz", "PUT /../a"])
    func otherMethodsAreNotAllowedForAnything(line: String) throws {
        let server = try LiveServer()
        let socket = try TestSocket(port: server.port)
        try socket.send("\(line) HTTP/1.1\r\nHost: localhost:443\r\n\r\n")
        let answer = try socket.answer()
        #expect(answer.status == 405 && answer["Allow"] == "GET, HEAD")
    }

    /// However the name is spelled that no room can have.
    @Test func thePageOfNoRoomIsNotFound() throws {
        let server = try LiveServer()
        let long = String(repeating: "a", count: 33)
        let names = ["A", "a_b", "a%2Fb", "..", "%2e", "%00", "%0a", "a%5cb", "%ff", "%C3%A9", long]
        for name in names { #expect(try server.request("GET", "/r/\(name)").status == 404, "\(name)") }
        for name in ["a", "a-b", "0", "%67arden", "%2d"] {
            #expect(try server.request("GET", "/r/\(name)").status == 200, "\(name)")
        }
    }

    @Test(arguments: [
        ("UPPER", "upper"), ("Class%207b", "class-7b"), ("a_b", "a-b"), ("a.b.", "a-b"), ("%C3%A9t%C3%A9", "t"),
        (String(repeating: "a", count: 40), String(repeating: "a", count: 32)), ("%3Cscript%3E", "script"),
        ("", nil), ("%E3%81%82", nil), ("...", nil), ("%zz", nil),
    ])
    func pageOfNoRoom_offersTheRoomThatMayBeMeant(name: String, room: String?) throws {
        let server = try LiveServer()
        let answer = try server.request("GET", "/r/\(name)")
        #expect(answer.status == 404 && answer["Content-Type"] == "text/html; charset=utf-8")
        if let room {
            #expect(answer.text.contains("<a href=\"./\(room)\">\(room)</a>"))
            #expect(try server.request("GET", "/r/\(room)").status == 200)
        } else {
            #expect(!answer.text.contains("Did you mean"))
        }
        #expect(answer.text.contains("<a href=\"../\">"))
        #expect(try server.request("HEAD", "/r/\(name)").status == 404)
    }

    // MARK: A folder

    @Test(arguments: PollerChoice.allCases)
    func aFolderTakesThePlaceOfTheBuiltInPage(poller: PollerChoice) throws {
        let folder = try TemporaryFolder()
        try folder.write("index.html", "<!doctype html><script src=\"./my.js\"></script>")
        try folder.write("my.js", "first")
        try folder.write("deep/er/file.txt", "deep")
        let server = try LiveServer("--public", folder.path, poller: poller)
        #expect(try server.request("GET", "/").text == "<!doctype html><script src=\"./my.js\"></script>")
        #expect(try server.request("GET", "/r/x").text == "<!doctype html><script src=\"../my.js\"></script>")
        #expect(try server.request("GET", "/deep/er/file.txt").text == "deep")
        #expect(try server.request("GET", "/app.js").status == 404)
        let before = try server.request("GET", "/my.js")
        try folder.write("my.js", "second")
        let after = try server.request("GET", "/my.js")
        #expect(before.text == "first" && after.text == "second" && before["ETag"] != after["ETag"])
    }

    @Test(arguments: [false, true])
    func gzip_hasATagOfItsOwn(isFolder: Bool) throws {
        let folder = try TemporaryFolder()
        try folder.write("index.html", String(repeating: "<p>the same again</p>", count: 2000))
        try folder.write("app.js", String(repeating: "again(); ", count: 100))
        let server = isFolder ? try LiveServer("--public", folder.path) : try LiveServer()
        for target in ["/", "/r/garden", "/app.js"] {
            let plain = try server.request("GET", target)
            let gzip = try server.request("GET", target, ["Accept-Encoding: br, gzip;q=0.8"])
            #expect(plain["Content-Encoding"] == nil && plain["Vary"] == "Accept-Encoding")
            #expect(gzip["Content-Encoding"] == "gzip" && gzip["Vary"] == "Accept-Encoding")
            #expect(gzip.body.prefix(2) == [0x1F, 0x8B] && gzip.body.count < plain.body.count)
            #expect(gzip["Content-Type"] == plain["Content-Type"])
            let (tag, gzipTag) = (try #require(plain["ETag"]), try #require(gzip["ETag"]))
            #expect(tag != gzipTag)
            let head = try server.request("HEAD", target, ["Accept-Encoding: gzip"])
            #expect(head["ETag"] == gzipTag && head["Content-Length"] == "\(gzip.body.count)")
            for (tag, encoding, status) in [
                (tag, "identity", 304), (gzipTag, "gzip", 304), (tag, "gzip", 200), (gzipTag, "identity", 200),
                (gzipTag, "gzip;q=0", 200),
            ] {
                let again = try server.request(
                    "GET", target, ["Accept-Encoding: \(encoding)", "If-None-Match: \(tag)"])
                #expect(again.status == status, "\(target) \(encoding)")
                if status == 304 { #expect(again["ETag"] == tag && again["Vary"] == "Accept-Encoding") }
            }
        }
        // What holds secrets or words of people is not compressed, nor what is a few bytes.
        for target in ["/healthz", "/metrics", "/nothing"] {
            #expect(try server.request("GET", target, ["Accept-Encoding: gzip"])["Content-Encoding"] == nil)
        }
    }

    @Test func largeFile_hasATagThatChangesWithIt() throws {
        let folder = try TemporaryFolder()
        try folder.write("index.html", "page")
        try folder.write("large.bin", String(repeating: "a", count: 3_000_000))
        let server = try LiveServer("--public", folder.path)
        let before = try server.request("HEAD", "/large.bin")
        #expect(before.status == 200 && before["Content-Length"] == "3000000" && before["Content-Encoding"] == nil)
        let tag = try #require(before["ETag"])
        let unchanged = try server.request("GET", "/large.bin", ["If-None-Match: \(tag)"])
        #expect(unchanged.status == 304 && unchanged["ETag"] == tag)
        try folder.write("large.bin", String(repeating: "b", count: 3_000_000))
        let after = try server.request("GET", "/large.bin", ["If-None-Match: \(tag)"])
        #expect(after.status == 200 && after["ETag"] != tag && after.body.allSatisfy { $0 == 0x62 })
    }

    @Test func nothingLeadsOutOfTheFolder() throws {
        let outside = try TemporaryFolder()
        try outside.write("secret.txt", "secret")
        let folder = try TemporaryFolder()
        try folder.write("index.html", "page")
        try folder.write("sub/inner.txt", "inner")
        try folder.write(".hidden", "secret")
        try folder.write(".git/config", "secret")
        let manager = FileManager.default
        try manager.createSymbolicLink(
            atPath: "\(folder.path)/link.txt", withDestinationPath: "\(outside.path)/secret.txt")
        try manager.createSymbolicLink(atPath: "\(folder.path)/linked", withDestinationPath: outside.path)
        try manager.createSymbolicLink(atPath: "\(folder.path)/sub/up", withDestinationPath: "..")
        #expect(mkfifo("\(folder.path)/pipe", 0o600) == 0)
        let name = URL(fileURLWithPath: outside.path).lastPathComponent
        let server = try LiveServer("--public", folder.path)
        for target in [
            "/../\(name)/secret.txt", "/sub/../../\(name)/secret.txt", "/%2e%2e/\(name)/secret.txt",
            "/..%2f\(name)%2fsecret.txt", "/sub/%2e%2e/%2e%2e/\(name)/secret.txt", "/..%5c\(name)%5csecret.txt",
            "/\(outside.path)/secret.txt", "/%2f\(outside.path)/secret.txt", "//etc/passwd", "/....//etc/passwd",
            "/link.txt", "/linked/secret.txt", "/linked", "/sub/up/index.html", "/.hidden", "/.git/config", "/pipe",
            "/sub",
            "/sub/", "/secret.txt%00.html", "/sub/inner.txt/", "/sub//inner.txt", "/.", "/..", "/...",
            "http://127.0.0.1/../\(name)/secret.txt", "/%c0%ae%c0%ae/\(name)/secret.txt",
        ] {
            let answer = try server.request("GET", target)
            #expect(answer.status == 404 || answer.status == 400, "\(target) gave \(answer.status)")
            #expect(!answer.text.contains("secret"), "\(target)")
        }
        #expect(try server.request("GET", "/sub/inner.txt").text == "inner")
        #expect(try server.request("GET", "/sub/inner%2Etxt").text == "inner")
    }

    @Test func pagesAreToldToReloadWhenAFileChanges() throws {
        let folder = try TemporaryFolder()
        try folder.write("index.html", "page")
        let server = try LiveServer("--public", folder.path, "--watch")
        let ada = try TestClient(server, as: "Ada")
        try folder.write("index.html", "another page")
        #expect(try ada.next().type == "reload")
    }
}
