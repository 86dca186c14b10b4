/// What `readLines` has left in `scan.lines`.
struct Chunk {
    /// Where in the segment the lines' ranges count from.
    var offset: Int64
    /// How many of the lines are only there for context; nil where there are no lines to look at.
    var context: Int?
}

extension History {
    /// Reads the chunk of a segment that ends where the job is, scans the whole lines in it, and moves the job to its start.
    ///
    /// The first line of a chunk is only there to judge the second by, and comes again as the last one of the next chunk;
    /// at the start of the segment it stands for itself.
    func readLines(
        _ job: ReadJob, _ path: String, above lower: UInt64, below ceiling: UInt64
    ) throws(StorageError) -> Chunk {
        let from = max(0, job.end - Int64(job.chunk))
        let count = try read(job, path, from..<job.end)
        var chunk = Chunk(offset: from, context: nil)
        var start = 0
        if from > 0 {
            guard let newline = LineScan.newline(readBuffer.span, 0..<count) else {
                // The middle of something endless: not a line of this program's.
                job.end = from
                return chunk
            }
            start = newline + 1
        }
        scan.scan(readBuffer.span, start..<count, above: lower, below: ceiling)
        if from == 0 {
            job.end = 0
            chunk.context = 0
        } else if scan.lines.count > 1 {
            job.end = from + Int64(scan.lines[1].range.lowerBound)
            job.chunk = HistoryLimits.chunk
            chunk.context = 1
        } else if job.chunk < 2 * HistoryLimits.longestLine {
            job.chunk *= 2
        } else {
            // What lies before is too long to be an event. A line behind it must do without a neighbour.
            job.damagedLines += 1
            chunk.context = 0
            job.end = start < count ? from + Int64(start) : from
            job.chunk = HistoryLimits.chunk
        }
        return chunk
    }

    /// Reads a part of a segment to the start of the shared buffer.
    ///
    /// - Returns: how many bytes there were; fewer where somebody has shortened or deleted the file.
    func read(_ job: ReadJob, _ path: String, _ range: Range<Int64>) throws(StorageError) -> Int {
        let count = Int(range.upperBound - range.lowerBound)
        if readBuffer.count < count { readBuffer = [UInt8](repeating: 0, count: max(count, HistoryLimits.chunk)) }
        guard let file = try openForReading(job, path) else { return 0 }
        let read = try disk.readAll(file, at: range.lowerBound, into: &readBuffer, range: 0..<count)
        metrics.bytesRead += UInt64(read)
        return read
    }

    private func openForReading(_ job: ReadJob, _ path: String) throws(StorageError) -> OpenFile? {
        if let (first, file) = job.file {
            if first == job.segment { return file }
            job.closeFile(disk)
        }
        guard let file = try disk.openExisting(path, .read) else { return nil }
        job.file = (job.segment, file)
        return file
    }
}

/// Finding the lines around a seq in a segment, by halving it as often as needed. No index has to be kept or trusted.
struct SeqSearch {
    /// Lines below this seq are wanted.
    let target: UInt64
    /// Every line before this offset is below the target.
    var low: Int64 = 0
    var lowSeq: UInt64 = 0
    /// Every line from this offset on is not.
    var high: Int64
    var highSeq: UInt64 = EventPrefix.largestSeq
    /// Nothing is to be learned from looking at this offset or behind it.
    var probeEnd: Int64
    var probe = SeqSearch.firstProbe

    static let firstProbe: Int64 = 8 << 10

    init(target: UInt64, end: Int64) {
        self.target = target
        high = end
        probeEnd = end
    }
}

extension History {
    func search(_ job: ReadJob, _ state: SeqSearch) throws(StorageError) -> ReadStep {
        guard let room = rooms[job.request.room], let index = room.segmentIndex(of: job.segment) else {
            return .done(.failed(StorageError(.read, roomsFolder + "/" + job.request.room, .misuse)))
        }
        var state = state
        guard state.probeEnd - state.low > Int64(HistoryLimits.chunk) else {
            job.end = state.high
            job.phase = .collect
            return .goesOn
        }
        let middle = (state.low + state.probeEnd) / 2
        let end = min(middle + state.probe, state.high)
        let count = try read(job, room.path(job.segment), middle..<end)
        let line = trustedLine(
            count, above: max(state.lowSeq, job.segment - 1),
            below: min(state.highSeq + 1, ceiling(of: index, in: room)))
        if let line {
            if line.seq >= state.target {
                state.high = middle + Int64(line.range.lowerBound)
                state.highSeq = line.seq
                state.probeEnd = middle
            } else {
                state.low = middle + Int64(line.range.upperBound)
                state.lowSeq = line.seq
            }
            state.probe = SeqSearch.firstProbe
        } else if end < state.high, state.probe < Int64(HistoryLimits.longestLine) {
            state.probe *= 4
        } else {
            // Damage from here on: the seq is before it, or will be found by reading backwards through it.
            state.probeEnd = middle
            state.probe = SeqSearch.firstProbe
        }
        job.phase = .search(state)
        return .goesOn
    }

    /// The first line in the buffer that has a neighbour on both sides, or what comes closest to it.
    private func trustedLine(_ count: Int, above lower: UInt64, below ceiling: UInt64) -> ScannedLine? {
        guard let newline = LineScan.newline(readBuffer.span, 0..<count) else { return nil }
        scan.scan(readBuffer.span, newline + 1..<count, above: lower, below: ceiling)
        var first: ScannedLine?
        for line in scan.lines where line.kind == .event {
            if first != nil { return line }
            first = line
        }
        return first
    }
}
