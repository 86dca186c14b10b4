import Bytes
import Chat
import Cluster
import Log

/// Brings a data folder into a cluster that has none of its rooms, tokens and operators.
package struct FolderImport {
    private let archive: RoomArchive
    private var session: ClusterSession
    private var left: ArraySlice<String>

    /// Bytes of a history that are stored at once.
    private static let chunk = 1 << 20

    /// Takes the folder, which no server may use meanwhile, and looks at the cluster.
    package init(_ path: String, into address: ClusterAddress) throws(StartFailure) {
        var options = ServeOptions()
        options.cluster = address
        let rules = options.limits(isDurable: true).rules
        let archive = try Self.reading { () throws(StorageError) in try RoomArchive(path, rules: rules) }
        self.archive = archive
        left = try Self.reading { () throws(StorageError) in try archive.rooms()[...] }
        session = try ClusterSession(to: address)
        guard session.server == SharedServer() else { throw Self.isInUse("it has operators or tokens, or had a node") }
        // First, so that a node which begins meanwhile knows people by it, too.
        try session.change(.secret(archive.secret))
    }

    private static func reading<Value>(
        _ body: () throws(StorageError) -> Value
    ) throws(StartFailure) -> Value {
        do throws(StorageError) {
            return try body()
        } catch {
            let reason = error.isLocked ? "a chatloop uses it: stop that one" : error.description
            throw StartFailure(
                error.isPermission ? .noPermission : .cannotCreate, "Cannot use the data folder: \(reason).")
        }
    }

    private static func isInUse(_ why: String) -> StartFailure {
        StartFailure(
            .cannotCreate,
            "The cluster is in use already (\(why)): name an empty database with /DB, or empty this one.")
    }

    /// Brings the next room in.
    ///
    /// - Returns: its name; nil where there are no more.
    package mutating func next() throws(StartFailure) -> String? {
        guard let name = left.popFirst() else { return nil }
        guard try session.begin(name) else { throw Self.isInUse("it has a room \(name)") }
        let archive = archive
        let room = try Self.reading { () throws(StorageError) in try archive.load(name) }
        var pieces = try Self.reading { () throws(StorageError) in try archive.lines(of: name) }
        let snapshot = SharedSnapshot(of: room)
        var folder = LineFolder(snapshot.fold)
        var (lines, bytes, last) = ([HistoryLine](), 0, snapshot.expiredThrough)
        while let piece = try Self.reading({ () throws(StorageError) in try pieces.next() }) {
            EventLine.forEach(in: piece.span) { event, range in
                guard event.seq > last else { return }
                last = event.seq
                var text: [UInt8] = []
                _ = folder.append(piece.span.extracting(range), to: &text)
                text.removeLast()
                bytes += text.count
                lines.append(HistoryLine(seq: event.seq, time: event.time, line: text))
            }
            if bytes >= Self.chunk {
                try session.store(snapshot, lines, of: name)
                (lines, bytes) = ([], 0)
            }
        }
        try session.store(snapshot, lines, of: name)
        return name
    }

    /// The rooms are there: brings in who may do what.
    package mutating func finish() throws(StartFailure) {
        let archive = archive
        let text = try Self.reading { () throws(StorageError) in try archive.read(file: DoorFiles.facts) }
        for token in try Self.reading({ () throws(StorageError) in try archive.tokens() }) {
            try session.change(.token(token.username, digest: token.digest, made: token.made))
        }
        if let facts = text.flatMap({ ServerFacts(json: $0.span) }) {
            try session.change(session.server.change(to: facts))
        }
        try Self.reading { () throws(StorageError) in try archive.close() }
        try session.leave()
    }
}
