import Chat

/// Finds lines in a room's files (`LineFinder`).
final class PageJob: ReadJob {
    private let disk: any Storage
    private let folder: RoomFolder
    private var segments: [Segment]
    private var finder: LineFinder
    let incidents: [LogIncident] = []
    let isUrgent = false

    private var reader: LineReader?
    /// The segment that is read, and where in it: the end of what is to be read backwards, or the beginning of what is to be
    /// read forwards.
    private var place: (index: Int, offset: Int64)?
    /// Whether there are no more files.
    private var isAtEnd = false

    init(
        _ disk: any Storage, _ folder: RoomFolder, segments: [Segment], kind: ReadRequest.Kind,
        limitBytes: Int = ReadLimits.answerBytes, fold: Fold? = nil
    ) {
        self.disk = disk
        self.folder = folder
        self.segments = segments
        finder = LineFinder(kind, limitBytes: limitBytes, fold: fold)
    }

    func close() {
        reader?.close()
        reader = nil
    }

    func step() throws(StorageError) -> ReadResult.Outcome? {
        guard let place else {
            try begin()
            return nil
        }
        if !isAtEnd, !finder.isDone {
            if finder.isForwards { try forwards(place) } else { try backwards(place) }
        }
        return isAtEnd || finder.isDone ? finder.outcome : nil
    }

    /// Finds the place to begin at.
    private func begin() throws(StorageError) {
        let seq = finder.start
        let index = (segments.firstIndex { $0.first > seq } ?? segments.count) - 1
        guard !segments.isEmpty else {
            place = (0, 0)
            isAtEnd = true
            return
        }
        let start = max(0, index)
        let length = segments[start].length
        guard index >= 0, seq != .max, try open(start) else {
            // From the end, or, where a file has gone, past it.
            place = (start, index < 0 || finder.isForwards ? 0 : length)
            return
        }
        place = (start, try reader?.position(of: seq, upTo: length) ?? 0)
    }

    private func isOpen(_ index: Int) throws(StorageError) -> Bool {
        if reader != nil { return true }
        return try open(index)
    }

    /// Opens a segment.
    ///
    /// - Returns: whether it is there. Somebody may have taken it away while the server runs; then there is nothing in it.
    private func open(_ index: Int) throws(StorageError) -> Bool {
        close()
        do throws(StorageError) {
            let reader = try LineReader(disk, folder.file(segments[index].first))
            self.reader = reader
            // An older file may have been written anew meanwhile.
            if index + 1 < segments.count { segments[index].length = try reader.size }
            return true
        } catch {
            guard error.isMissing else { throw error }
            return false
        }
    }

    private func forwards(_ place: (index: Int, offset: Int64)) throws(StorageError) {
        let end = segments[place.index].length
        guard place.offset < end, try isOpen(place.index), var reader else {
            close()
            guard place.index + 1 < segments.count else {
                isAtEnd = true
                return
            }
            self.place = (place.index + 1, 0)
            return
        }
        let next = try reader.forwards(from: place.offset, upTo: end)
        finder.take(reader.bytes)
        self.reader = reader
        self.place = (place.index, next)
    }

    private func backwards(_ place: (index: Int, offset: Int64)) throws(StorageError) {
        guard place.offset > 0, try isOpen(place.index), var reader else {
            close()
            guard place.index > 0 else {
                isAtEnd = true
                return
            }
            self.place = (place.index - 1, segments[place.index - 1].length)
            return
        }
        // Held here alone, so that its memory can be used again.
        self.reader = nil
        defer { self.reader = reader }
        let start = try reader.backwards(from: place.offset)
        finder.take(reader.bytes)
        self.place = (place.index, start)
    }
}
