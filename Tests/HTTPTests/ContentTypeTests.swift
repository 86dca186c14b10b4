import HTTP
import Testing

@Suite struct ContentTypeTests {
    @Test(arguments: [
        ("index.html", "text/html; charset=utf-8"), ("a.css", "text/css; charset=utf-8"),
        ("a.js", "text/javascript; charset=utf-8"), ("a.mjs", "text/javascript; charset=utf-8"),
        ("a.txt", "text/plain; charset=utf-8"), ("a.md", "text/markdown; charset=utf-8"),
        ("a.json", "application/json"),
        ("a.js.map", "application/json"), ("a.webmanifest", "application/manifest+json"),
        ("a.wasm", "application/wasm"),
        ("a.svg", "image/svg+xml"), ("a.png", "image/png"), ("a.jpg", "image/jpeg"), ("a.jpeg", "image/jpeg"),
        ("a.webp", "image/webp"), ("favicon.ico", "image/x-icon"), ("a.woff2", "font/woff2"),
        ("A.HTML", "text/html; charset=utf-8"), (".js", "text/javascript; charset=utf-8"),
    ])
    func theEndingTellsTheType(name: String, type: String) {
        #expect(ContentType.of(fileName: name) == type)
    }

    @Test(arguments: ["", "html", "a.", "a.html.unknown", "a.htmlx", "Makefile", "."])
    func anUnknownEndingIsJustBytes(name: String) {
        #expect(ContentType.of(fileName: name) == "application/octet-stream")
    }
}
