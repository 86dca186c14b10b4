import Chat

/// A message of the server, read by eyes of their own: not with the decoder of the client that is under test.
struct Heard {
    var type = ""
    var seq: UInt64 = 0
    var id: String?
    var username = ""
    var to = ""
    /// The events in a welcome or a page of history.
    var history: [[UInt8]] = []

    init(_ text: [UInt8]) {
        let span = text.span
        var at = 0
        let isObject = JSONScanner.members(span, &at) { name, value in
            switch Heard.string(name, span) {
            case "type": type = Heard.string(value, span)
            case "seq": seq = JSONScanner.whole(span, value) ?? 0
            case "id": id = Heard.string(value, span)
            case "username": username = Heard.string(value, span)
            case "to": to = Heard.string(value, span)
            case "history", "events":
                var element = value.range.lowerBound
                _ = JSONScanner.elements(span, &element) { history.append(Array(text[$0.range])) }
            default: break
            }
        }
        if !isObject { type = "" }
    }

    private static func string(_ token: JSONToken, _ text: Span<UInt8>) -> String {
        guard token.kind == .string else { return "" }
        var bytes: [UInt8] = []
        bytes.append(unescaping: token, of: text)
        return String(decoding: bytes, as: UTF8.self)
    }
}

/// Reads a room's log as someone with `cat` would: all files of its folder in the order of their names.
enum LogReader {
    struct Event {
        var type: String
        var seq: UInt64
        var username: String
        var to: String
        var id: String?
        var digest: UInt64
    }

    static func events(of room: String, on disk: SimulatedDisk) -> [Event] {
        let prefix = "/data/rooms/\(room)/"
        var events: [Event] = []
        for path in disk.files.keys.sorted() where path.hasPrefix(prefix) && path.hasSuffix(".jsonl") {
            for line in (disk.contents(path) ?? []).split(separator: 0x0A) {
                let heard = Heard(Array(line))
                // What a crash has left of a line is not an event.
                guard heard.seq > 0, line.last == UInt8(ascii: "}") else { continue }
                var digest = Digest()
                digest.add(Array(line).span)
                events.append(
                    Event(
                        type: heard.type, seq: heard.seq, username: heard.username, to: heard.to, id: heard.id,
                        digest: digest.value))
            }
        }
        return events
    }
}
