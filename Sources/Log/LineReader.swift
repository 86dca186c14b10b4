import Chat

/// Reads the lines of a file, from some place forwards or backwards, a piece at a time: so a reader of a large file lets others
/// read, and needs little memory.
struct LineReader {
    let disk: any Storage
    let path: String
    private let file: OpenFile
    /// What was read last.
    private(set) var bytes: [UInt8] = []

    /// Bytes that are read at once; and the longest that a line may be, in whose place nothing is read otherwise. No line of the
    /// server's own is longer: that is a piece of a snapshot with one more person.
    static let piece = 256 << 10
    static let longestLine = 1 << 20

    init(_ disk: any Storage, _ path: String) throws(StorageError) {
        self.disk = disk
        self.path = path
        file = try disk.open(path, .read)
    }

    func close() { disk.close(file) }

    var size: Int64 { get throws(StorageError) { try disk.size(of: file) } }

    private mutating func read(_ range: Range<Int64>) throws(StorageError) {
        let count = Int(range.upperBound - range.lowerBound)
        // The memory of the last piece is used again: new memory of this size is slower to get than to fill.
        if bytes.count > count { bytes.removeLast(bytes.count - count) }
        if bytes.count < count { bytes.append(contentsOf: repeatElement(0, count: count - bytes.count)) }
        let got = try disk.readAll(file, at: range.lowerBound, into: &bytes, range: 0..<count)
        // Somebody may have shortened the file.
        if got < count { bytes.removeLast(count - got) }
    }

    /// Reads whole lines from the beginning of one forwards.
    ///
    /// - Parameters:
    ///   - offset: where a line begins.
    ///   - end: where the last line ends.
    /// - Returns: where the next line begins; `bytes` has the lines, and is empty where one was too long.
    mutating func forwards(from offset: Int64, upTo end: Int64) throws(StorageError) -> Int64 {
        var size = Int64(LineReader.piece)
        while true {
            let stop = min(end, offset + size)
            try read(offset..<stop)
            if let last = bytes.lastIndex(of: 0x0A) {
                bytes.removeLast(bytes.count - last - 1)
                return offset + Int64(last) + 1
            }
            if stop == end { return end }  // half a line
            guard size < LineReader.longestLine else {
                bytes = []
                return stop
            }
            size *= 4
        }
    }

    /// Reads whole lines up to the end of one backwards.
    ///
    /// - Parameter end: where a line ends; not 0.
    /// - Returns: where the first of the lines in `bytes` begins.
    mutating func backwards(from end: Int64) throws(StorageError) -> Int64 {
        var size = Int64(LineReader.piece)
        while true {
            let start = max(0, end - size)
            try read(start..<end)
            if start == 0 { return 0 }
            // The first line may have begun before; the last byte is the last line's break.
            if let first = bytes.dropLast().firstIndex(of: 0x0A) {
                bytes.removeFirst(first + 1)
                return start + Int64(first) + 1
            }
            guard size < LineReader.longestLine else {
                bytes = []
                return start
            }
            size *= 4
        }
    }

    /// Reads bytes as they are.
    mutating func copy(_ range: Range<Int64>) throws(StorageError) { try read(range) }

    /// The `time` of the first event in a file; nil where it has none.
    mutating func firstTime(upTo end: Int64) throws(StorageError) -> Int64? {
        var at: Int64 = 0
        var time: Int64?
        while at < end, time == nil {
            at = try forwards(from: at, upTo: end)
            EventLine.forEach(in: bytes.span) { event, _ in time = time ?? event.time }
        }
        return time
    }

    /// The newest `time` of the last events in a file; nil where it has none.
    ///
    /// - Parameter end: where the last line ends.
    mutating func newestTime(upTo end: Int64) throws(StorageError) -> Int64? {
        var time: Int64?
        var end = end
        while end > 0, time == nil {
            end = try backwards(from: end)
            EventLine.forEach(in: bytes.span) { event, _ in time = max(time ?? .min, event.time) }
        }
        return time
    }

    /// The newest seq in a file; 0 where it has no event.
    ///
    /// - Parameter end: where the last line ends.
    mutating func newestSeq(upTo end: Int64) throws(StorageError) -> UInt64 {
        var newest: UInt64 = 0
        var end = end
        while end > 0, newest == 0 {
            end = try backwards(from: end)
            EventLine.forEach(in: bytes.span) { event, _ in newest = max(newest, event.seq) }
        }
        return newest
    }

    /// The place of a line whose events have seqs of at least `seq`, with all before it below: found by halves, as seqs grow
    /// along the file.
    mutating func position(of seq: UInt64, upTo end: Int64) throws(StorageError) -> Int64 {
        var low: Int64 = 0  // a line begins here, and what comes before is below
        var high = end
        while high - low > Int64(LineReader.piece) {
            let middle = low + (high - low) / 2
            try read(middle..<min(high, middle + Int64(LineReader.piece)))
            guard let found = firstEvent() else {
                // No event here: a piece of a snapshot, or nothing that can be read.
                high = middle
                continue
            }
            if found.seq < seq {
                low = middle + Int64(found.end)
            } else {
                high = middle
            }
        }
        // `high` may lie within a line; from `low` on they are looked at one by one.
        var at = low
        while at < end {
            let next = try forwards(from: at, upTo: end)
            var start = at
            var found: Int64?
            EventLine.forEachLine(in: bytes.span) { range in
                guard found == nil else { return }
                if let event = EventLine(bytes.span.extracting(range)), event.seq >= seq {
                    found = start + Int64(range.lowerBound)
                }
            }
            start = next
            if let found { return found }
            at = next
            if bytes.isEmpty, at >= end { break }
        }
        return end
    }

    /// The first event in `bytes` that begins behind a line break, and where its line ends.
    private func firstEvent() -> (seq: UInt64, end: Int)? {
        guard let first = bytes.firstIndex(of: 0x0A) else { return nil }
        var start = first + 1
        for i in start..<max(start, bytes.count) where bytes[i] == 0x0A {
            if let event = EventLine(bytes.span.extracting(start..<i)) { return (event.seq, i + 1) }
            start = i + 1
        }
        return nil
    }
}
