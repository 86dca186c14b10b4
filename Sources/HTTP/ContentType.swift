/// The media type of a file by the ending of its name.
package enum ContentType {
    /// The value for Content-Type; `application/octet-stream` where the ending says nothing.
    package static func of(fileName: String) -> String {
        guard let dot = fileName.lastIndex(of: ".") else { return unknown }
        switch fileName[fileName.index(after: dot)...].lowercased() {
        case "html", "htm": return "text/html; charset=utf-8"
        case "css": return "text/css; charset=utf-8"
        case "js", "mjs": return "text/javascript; charset=utf-8"
        case "txt": return "text/plain; charset=utf-8"
        case "md": return "text/markdown; charset=utf-8"
        case "json", "map": return "application/json"
        case "webmanifest": return "application/manifest+json"
        case "wasm": return "application/wasm"
        case "svg": return "image/svg+xml"
        case "png": return "image/png"
        case "jpg", "jpeg": return "image/jpeg"
        case "gif": return "image/gif"
        case "webp": return "image/webp"
        case "avif": return "image/avif"
        case "ico": return "image/x-icon"
        case "woff2": return "font/woff2"
        case "mp3": return "audio/mpeg"
        case "ogg": return "audio/ogg"
        case "wav": return "audio/wav"
        case "mp4": return "video/mp4"
        case "webm": return "video/webm"
        case "pdf": return "application/pdf"
        default: return unknown
        }
    }

    /// Whether content of a type becomes much shorter by compression: text does, and pictures, sound and fonts are compressed
    /// already.
    package static func isCompressible(_ type: String) -> Bool {
        type.hasPrefix("text/")
            || ["application/json", "application/manifest+json", "application/wasm", "image/svg+xml"].contains(type)
    }

    private static let unknown = "application/octet-stream"
}
