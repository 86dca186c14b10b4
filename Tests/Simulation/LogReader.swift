import Chat

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
            let bytes = disk.contents(path) ?? []
            // What a crash has left of a line is not an event, even where only its line break is missing.
            let end = bytes.lastIndex(of: 0x0A) ?? 0
            for line in bytes[..<end].split(separator: 0x0A) {
                let heard = Heard(Array(line))
                guard heard.seq > 0, !heard.type.isEmpty, line.last == UInt8(ascii: "}") else { continue }
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
