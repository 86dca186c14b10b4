import Chat
import HTTP
import Sockets

/// The static files: those built into the binary, or those of a folder.
package struct Site {
    private enum Source {
        case embedded([String: Asset])
        case folder(Worker<SiteReader.Request, SiteReader.Answer>)
    }

    private let source: Source

    /// Serves files that are in memory, by their names.
    package init(files: [String: [UInt8]]) {
        var assets: [String: Asset] = [:]
        for (name, content) in files { assets[name] = Asset(name: name, content: content) }
        if let page = files["index.html"] {
            assets["r/index.html"] = Asset(name: "index.html", content: Asset.oneDeeper(page))
        }
        source = .embedded(assets)
    }

    /// Serves files from a folder, each as it is when it is asked for.
    ///
    /// Throws where the system has no thread or no pipe for the reading.
    package init(folder: SiteFolder) throws(SystemError) {
        let reader = SiteReader(folder: folder)
        source = .folder(try Worker { request in reader.perform(request) })
    }

    /// The thread that reads the folder; nil where the files are in memory.
    var worker: Worker<SiteReader.Request, SiteReader.Answer>? {
        if case .folder(let worker) = source { worker } else { nil }
    }

    /// What becomes of a request for a path.
    enum Answer {
        case now(Response)
        /// The folder has to be looked into first.
        case later(SiteRequest)
    }

    /// Answers a request for a path.
    ///
    /// - Parameter path: its segments, decoded.
    func answer(to path: [String], of request: HTTPRequest) -> Answer {
        if path.first == "r" {
            guard path.count <= 2 else { return .now(Self.notFound) }
            guard let room = path.dropFirst().first, RoomName.isValid(Array(room.utf8).span) else {
                return .now(Self.noRoom(named: path.dropFirst().first ?? ""))
            }
        }
        guard let wanted = SiteRequest(path: path, request: request) else { return .now(Self.notFound) }
        guard case .embedded(let assets) = source else { return .later(wanted) }
        let name = (wanted.isOneDeeper ? "r/" : "") + wanted.path.joined(separator: "/")
        return .now(assets[name]?.response(to: wanted) ?? Self.notFound)
    }

    /// The page for a room's address with a name that no room can have: it offers the room that may be meant.
    static func noRoom(named name: String) -> Response {
        let guess = guess(name)
        let offer = guess.isEmpty ? "" : "<p>Did you mean <a href=\"./\(guess)\">\(guess)</a>?</p>\n"
        let page = """
            <!doctype html>
            <html lang="en">
            <meta charset="utf-8">
            <meta name="viewport" content="width=device-width">
            <meta name="color-scheme" content="light dark">
            <title>No such room</title>
            <h1>There is no room of this name</h1>
            <p>A room's name has 1 to 32 characters: small letters from a to z, digits and hyphens.</p>
            \(offer)<p><a href="../">To the lobby</a></p>

            """
        return Response(status: .notFound, type: "text/html; charset=utf-8", content: .bytes(Array(page.utf8)))
    }

    /// The name that somebody may have meant: in small letters, with a hyphen for all else that stands between them. It may
    /// be empty.
    private static func guess(_ name: String) -> String {
        let words = name.lowercased().split { !$0.isASCII || !($0.isLetter || $0.isNumber) }
        let guess = words.joined(separator: "-").prefix(32)
        return String(guess.last == "-" ? guess.dropLast() : guess)
    }

    static let notFound = Response.plain(.notFound, "There is nothing here.")
}
