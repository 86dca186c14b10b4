import Chat

/// Something to be read from a room's log. It is answered by `Log.results`, some ticks later.
package struct ReadRequest: Sendable, Hashable {
    package var room: String
    package var kind: Kind
    /// The caller's own mark; it comes back with the answer.
    package var tag: UInt64

    package init(_ kind: Kind, room: String, tag: UInt64) {
        self.room = room
        self.kind = kind
        self.tag = tag
    }

    package enum Kind: Hashable, Sendable {
        /// The room as it was. Needed once before anything else.
        case load
        /// The `message` events below a seq, the newest `limit` of them.
        case messagesBefore(UInt64, limit: Int)
        /// The `message` events above a seq, the oldest `limit` of them.
        case messagesAfter(UInt64, limit: Int)
        /// The one event with this seq.
        case event(UInt64)
        /// All events above a seq, the newest `limit` of them.
        case since(UInt64, limit: Int)
        /// The `message` events below a seq that have a text in them, a JSON string; the newest `limit` of them.
        case search([UInt8], before: UInt64, limit: Int)
        /// What was done to messages is folded into their lines.
        case fold
        /// Files that are not to be kept any longer are removed.
        case expire
        /// Rooms that have such files are looked for among all that are not in memory.
        case sweep
    }
}

/// The answer to a request.
package struct ReadResult: Sendable {
    package var request: ReadRequest
    package var outcome: Outcome

    package enum Outcome: Sendable {
        case loaded(Room)
        /// Whole lines in the order of their seqs, each with its line break, as they are stored; `more` tells whether there are
        /// others beyond.
        case lines([UInt8], more: Bool)
        /// Messages that were looked for, as `lines`; and where to go on, where there is more.
        case found([UInt8], next: UInt64?)
        case folded(Folded)
        /// Events up to a seq are not kept any longer; and when more of the room is to go, as far as that is known.
        case expired(through: UInt64, next: Int64?)
        /// Some rooms with something that is not to be kept any longer, and whether there may be others.
        case due([String], more: Bool)
        case failed(StorageError)
    }
}

/// How much a single read may bring into memory.
enum ReadLimits {
    /// Bytes of one answer: what does not fit is left out as if the limit in events had been lower, and `more` says so.
    static let answerBytes = 2 << 20
    /// Bytes that one search looks at.
    static let searchedBytes: Int64 = 64 << 20
    /// Bytes of the newest segments that are looked through for one that begins with a whole snapshot. (Power cuts may leave many
    /// short ones without.)
    static let loadedBytes: Int64 = 16 << 20
}

/// Something that whoever runs the server should know.
package enum LogIncident: Hashable, Sendable, CustomStringConvertible {
    /// Bytes behind a file's last line break, half a line, were moved to a file beside it.
    case halfLine(path: String, bytes: Int, movedTo: String)
    /// Lines that are no events were passed over; they stay where they are.
    case unreadable(room: String, lines: Int, path: String)
    /// Lines whose seq is not greater than the one before were passed over; they stay where they are.
    case outOfOrder(room: String, lines: Int, path: String)
    /// A file that was being written to has gone, or another has its name.
    case replaced(path: String, isGone: Bool, savedLines: Int)
    /// A small file of the data folder makes no sense: a new one was made.
    case unreadableFile(path: String, movedTo: String)
    /// What an earlier version has kept was carried over; its files were set aside.
    case carriedOver(rooms: Int, files: [String])

    package var description: String {
        switch self {
        case .halfLine(let path, let bytes, let target):
            "\(bytes) bytes of half a line at the end of \(path) moved to \(target)"
        case .unreadable(let room, let lines, let path):
            "\(lines) lines in \(path) of room \(room) are no events: they are left out, and stay there"
        case .outOfOrder(let room, let lines, let path):
            "\(lines) lines in \(path) of room \(room) have no greater seq than the line before: they are left out, and stay there"
        case .replaced(let path, let isGone, let saved):
            "\(path) \(isGone ? "is gone" : "is another file now") while it was written to: going on in a new one, \(saved) lines saved"
        case .unreadableFile(let path, let target):
            "\(path) makes no sense: it was moved to \(target), and a new one made"
        case .carriedOver(let rooms, let files):
            "\(rooms) rooms of an earlier version carried over; set aside, and removed with the next clean stop: \(files.joined(separator: ", "))"
        }
    }
}
