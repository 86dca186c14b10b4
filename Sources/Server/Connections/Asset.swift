import Bytes
import HTTP

/// A file that is small enough to be held in memory, as it is served.
struct Asset: Sendable {
    let type: String
    /// A hash of the content, without quotation marks.
    let digest: String
    let content: [UInt8]
    /// The content in gzip, where that is worth it.
    let compressed: [UInt8]?

    init(name: String, content: [UInt8]) {
        type = ContentType.of(fileName: name)
        digest = SHA1.digest(of: content.span).prefix(12).map { Self.hex($0) }.joined()
        self.content = content
        compressed = ContentType.isCompressible(type) ? Gzip.compress(content) : nil
    }

    private static func hex(_ byte: UInt8) -> String { (byte < 16 ? "0" : "") + String(byte, radix: 16) }

    /// The answer to a request for it.
    func response(to request: SiteRequest) -> Response {
        let isCompressed = request.acceptsGzip && compressed != nil
        var fields = [("ETag", "\"\(digest)\(isCompressed ? "-gz" : "")\""), ("Cache-Control", "no-cache")]
        if compressed != nil { fields.append(("Vary", "Accept-Encoding")) }
        if request.isKnown(etag: fields[0].1) { return Response(status: .notModified, fields: fields) }
        if isCompressed { fields.append(("Content-Encoding", "gzip")) }
        let body = isCompressed ? compressed ?? [] : content
        return Response(status: .ok, type: type, fields: fields, content: .kept(body))
    }

    /// The page as it is for `/r/ROOM`, one level deeper than `/`: every address in it that begins with `./` is relative to
    /// the page, so it begins with `../` there. No address is absolute: so all of it works under a proxy's sub-path.
    static func oneDeeper(_ page: [UInt8]) -> [UInt8] {
        let pattern = Array("\"./".utf8)
        var result: [UInt8] = []
        var at = 0
        while at < page.count {
            if page[at...].starts(with: pattern) {
                result += Array("\"../".utf8)
                at += pattern.count
            } else {
                result.append(page[at])
                at += 1
            }
        }
        return result
    }
}

/// What somebody asks of the static files.
struct SiteRequest: Sendable {
    /// The file's path below the public folder.
    var path: [String]
    /// Whether it is the page for `/r/ROOM`.
    var isOneDeeper = false
    /// The tags of what the client has, as it says.
    var ifNoneMatch: String?
    var acceptsGzip: Bool

    /// - Returns: nil where the address can be no file's.
    init?(path: [String], request: HTTPRequest) {
        if path.isEmpty || path == [""] {
            self.path = ["index.html"]
        } else if path.first == "r" {
            self.path = ["index.html"]
            isOneDeeper = true
        } else {
            // Names that begin with a dot are the owner's: .git, .env.
            guard path.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") && !$0.utf8.contains(0x2F) }) else { return nil }
            self.path = path
        }
        ifNoneMatch = request.value(of: "if-none-match")
        acceptsGzip = Gzip.isAccepted(by: request.value(of: "accept-encoding"))
    }

    func isKnown(etag: String) -> Bool {
        ifNoneMatch.map { Conditional.matches(ifNoneMatch: $0, etag: etag) } ?? false
    }
}
