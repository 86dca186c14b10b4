import Foundation

/// What one client has sent and received in one room.
///
/// As a file it is JSON, one object a line, in the order in which it happened. There are two kinds of lines.
///
/// - `{"at":1700000000123,"on":3,"got":{"type":"message",…}}`: a message of the protocol, `got` or `sent`, on the
///   client's connection number 3, at a time. `at` may be absent. Times of several clients are compared, so they must be
///   of one clock and in one unit (`Checker.Options.sharesClock`).
///   `{"at":…,"on":3,"closed":1001}` is the end of a connection, with the close code, or 1006 where there was none.
/// - `{"type":"message",…}`: a message that was received, by itself, as `chatloop talk --json` prints it. `"past":true`
///   marks those from before the client's first join.
///
/// Whatever else is in a line is ignored.
package struct Transcript: Sendable {
    package enum Step: Sendable {
        case sent(Message)
        case got(Message)
        case closed(Int)
    }

    package struct Line: Sendable {
        package var at: Int64?
        /// The connection; 0 where a line names none.
        package var connection: Int
        package var step: Step
        /// Whether the line is a message by itself.
        package var isBare = false
    }

    /// What the client is called in a report.
    package var client: String
    package var lines: [Line] = []

    package init(client: String, lines: [Line] = []) {
        self.client = client
        self.lines = lines
    }

    package struct Unreadable: Error, CustomStringConvertible {
        package var description: String
    }

    /// Reads a file's text.
    package init(client: String, text: String) throws {
        self.init(client: client)
        let decoder = JSONDecoder()
        for (index, line) in text.split(separator: "\n").enumerated() {
            do {
                lines.append(try decoder.decode(Frame.self, from: Data(line.utf8)).line)
            } catch {
                throw Unreadable(description: "\(client), line \(index + 1): \(error)")
            }
        }
    }

    /// Cuts a client's transcript into one for each room, by the welcomes on its connections.
    package var byRoom: [String: Transcript] {
        var rooms: [Int: String] = [:]
        for line in lines {
            if case .got(let message) = line.step, message.type == "welcome", let room = message.room {
                rooms[line.connection] = room
            }
        }
        return Dictionary(grouping: lines) { rooms[$0.connection] ?? "" }
            .mapValues { Transcript(client: client, lines: $0) }
    }
}

/// A line as it stands in a file.
private struct Frame: Decodable {
    let line: Transcript.Line

    private enum Key: String, CodingKey { case type, at, on, sent, got, closed }

    init(from decoder: any Decoder) throws {
        let fields = try decoder.container(keyedBy: Key.self)
        if fields.contains(.type) {
            line = Transcript.Line(at: nil, connection: 0, step: .got(try Message(from: decoder)), isBare: true)
            return
        }
        let step: Transcript.Step
        if let message = try fields.decodeIfPresent(Message.self, forKey: .sent) {
            step = .sent(message)
        } else if let message = try fields.decodeIfPresent(Message.self, forKey: .got) {
            step = .got(message)
        } else {
            step = .closed(try fields.decode(Int.self, forKey: .closed))
        }
        line = Transcript.Line(
            at: try fields.decodeIfPresent(Double.self, forKey: .at).map { Int64($0) },
            connection: try fields.decodeIfPresent(Int.self, forKey: .on) ?? 0, step: step)
    }
}

/// Writes a transcript down while it happens: messages as they are on the wire.
package struct TranscriptRecorder: Sendable {
    package enum Direction: String, Sendable { case sent, got }

    private struct Entry: Sendable {
        var at: Int64
        var connection: Int
        /// Nil is the end of a connection, and the text its code.
        var direction: Direction?
        var text: String
    }

    package let client: String
    private var entries: [Entry] = []

    package init(client: String) { self.client = client }

    package mutating func add(_ direction: Direction, _ text: String, on connection: Int, at time: Int64) {
        entries.append(Entry(at: time, connection: connection, direction: direction, text: text))
    }

    package mutating func addEnd(_ code: Int, of connection: Int, at time: Int64) {
        entries.append(Entry(at: time, connection: connection, direction: nil, text: "\(code)"))
    }

    /// The file's text.
    package var text: String {
        entries.map {
            "{\"at\":\($0.at),\"on\":\($0.connection),\"\($0.direction?.rawValue ?? "closed")\":\($0.text)}\n"
        }.joined()
    }

    /// The same, read.
    ///
    /// - Parameter known: messages that were read before, by their text: what is broadcast is read once.
    package func transcript(_ known: inout [String: Message]) throws -> Transcript {
        var transcript = Transcript(client: client)
        let decoder = JSONDecoder()
        for entry in entries {
            let step: Transcript.Step
            if let direction = entry.direction {
                let message = try known[entry.text] ?? decoder.decode(Message.self, from: Data(entry.text.utf8))
                known[entry.text] = message
                step = direction == .sent ? .sent(message) : .got(message)
            } else {
                step = .closed(Int(entry.text) ?? 1006)
            }
            transcript.lines.append(Transcript.Line(at: entry.at, connection: entry.connection, step: step))
        }
        return transcript
    }
}
