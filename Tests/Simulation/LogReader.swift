/// Reads a room's log as someone with `cat` would: all files of its folder in the order of their names.
enum LogReader {
    struct Event {
        var type: String
        var seq: UInt64
        var username: String
        var to: String
        var id: String?
        /// Of what clients see of it.
        var digest: UInt64
    }

    struct Contents {
        var events: [Event] = []
        /// Who was there by the first snapshot, and the seq at which that was so.
        var people: [String] = []
        var seq: UInt64 = 0
    }

    static func events(of room: String, on disk: SimulatedDisk) -> Contents {
        let prefix = "/data/rooms/\(room)/"
        var contents = Contents()
        var isFirst = true
        for path in disk.files.keys.sorted() where path.hasPrefix(prefix) && path.hasSuffix(".jsonl") {
            let bytes = disk.contents(path) ?? []
            // What a crash has left of a line is not an event, even where only its line break is missing.
            let end = bytes.lastIndex(of: 0x0A) ?? 0
            for line in bytes[..<end].split(separator: 0x0A) {
                // Nor is what has lost a block in its middle.
                guard !line.contains(0) else { continue }
                let heard = Heard(Array(line))
                guard heard.seq > 0 || heard.type == "snapshot", !heard.type.isEmpty, line.last == UInt8(ascii: "}")
                else { continue }
                if heard.type == "snapshot" {
                    if isFirst { (contents.people, contents.seq) = (heard.members, heard.seq) }
                    isFirst = false
                    continue
                }
                contents.events.append(
                    Event(
                        type: heard.type, seq: heard.seq, username: heard.username, to: heard.to, id: heard.id,
                        digest: heard.digest))
            }
        }
        return contents
    }
}
