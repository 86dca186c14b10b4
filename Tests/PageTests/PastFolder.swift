import Foundation
import Support

/// A folder for `--data` in which a room has a past.
struct PastFolder {
    /// Something that was said, or someone who came or left.
    struct Event {
        var type = "message"
        var username: String
        var text: String?
        var minutesAgo: Double

        static func said(_ username: String, _ text: String, minutesAgo: Double) -> Event {
            Event(username: username, text: text, minutesAgo: minutesAgo)
        }
        static func joined(_ username: String, minutesAgo: Double) -> Event {
            Event(type: "join", username: username, minutesAgo: minutesAgo)
        }
        static func left(_ username: String, minutesAgo: Double) -> Event {
            Event(type: "leave", username: username, minutesAgo: minutesAgo)
        }
    }

    private let folder: TemporaryFolder
    var path: String { folder.path }

    init(_ events: [Event], room: String = "lobby") throws {
        folder = try TemporaryFolder()
        let now = Date().timeIntervalSince1970
        let lines = events.enumerated().map { index, event in
            let (time, text) = (Int((now - event.minutesAgo * 60) * 1000), event.text.map { ",\"text\":\(quoted($0))" })
            return "{\"type\":\"\(event.type)\",\"seq\":\(index + 1),\"time\":\(time)"
                + ",\"username\":\(quoted(event.username))\(text ?? "")}\n"
        }
        try folder.write("rooms/\(room)/00000000000000000001.jsonl", lines.joined())
    }

    /// A room in which so many messages were said, one a minute: "message 1", "message 2" and so on.
    init(messages count: Int, room: String = "lobby") throws {
        try self.init(
            (1...count).map { .said($0 % 7 < 4 ? "Ada" : "Bo", "message \($0)", minutesAgo: Double(count - $0 + 1)) },
            room: room)
    }
}
