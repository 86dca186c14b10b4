/// The requests that are not answered yet.
struct ReadQueue {
    var waiting: [ReadRequest] = []
    var jobs: [ReadJob] = []
    /// Whose turn it is.
    var next = 0

    func close(_ disk: any Storage) {
        for job in jobs { job.closeFile(disk) }
    }
}

/// What became of one step of a job.
enum ReadStep {
    case goesOn
    case done(ReadResult.Outcome)
    /// It can't go on before something else has happened.
    case blocked

    var isBlocked: Bool { if case .blocked = self { true } else { false } }
}

extension History {
    /// Asks for something to be read. The answer comes from `advance`, in any order among several requests.
    ///
    /// How many may wait is the caller's to bound; each costs no more than itself until its turn comes.
    package func request(_ request: ReadRequest) {
        reads.waiting.append(request)
    }

    /// How many requests are not answered yet.
    package var pendingReads: Int { reads.waiting.count + reads.jobs.count }

    /// There is something to be read: `advance` should be called without waiting for anything else.
    package var hasWork: Bool {
        !reads.waiting.isEmpty && reads.jobs.count < HistoryLimits.jobs || reads.jobs.contains { !isBlocked($0) }
    }

    /// Reads a slice of what was asked for.
    ///
    /// - Parameter byteBudget: about how many bytes to read; a mebibyte from the system's cache takes about a millisecond.
    ///   At least one step is done.
    /// - Returns: the requests that are answered with this.
    package func advance(byteBudget: Int) -> [ReadResult] {
        var results: [ReadResult] = []
        var budget = byteBudget
        var blocked = 0
        repeat {
            let free = min(HistoryLimits.jobs - reads.jobs.count, reads.waiting.count)
            if free > 0 {
                reads.jobs += reads.waiting.prefix(free).map(ReadJob.init)
                reads.waiting.removeFirst(free)
            }
            guard blocked < reads.jobs.count else { break }
            let index = reads.next % reads.jobs.count
            let job = reads.jobs[index]
            reads.next = index + 1
            let before = metrics.bytesRead
            let step = self.step(job)
            blocked = step.isBlocked ? blocked + 1 : 0
            if !step.isBlocked { budget -= max(Int(metrics.bytesRead - before), HistoryLimits.stepCost) }
            if case .done(let outcome) = step {
                job.closeFile(disk)
                reads.jobs.remove(at: index)
                reads.next = index
                metrics.damagedLines += UInt64(job.damagedLines)
                results.append(ReadResult(request: job.request, outcome: outcome, damagedLines: job.damagedLines))
            }
        } while budget > 0
        return results
    }

    private func isBlocked(_ job: ReadJob) -> Bool {
        switch job.phase {
        case .start:
            // Two loads of a room at once: the second waits for the first.
            job.request.kind == .load && rooms[job.request.room]?.isReady == false
        case .reserve(let room):
            reservations.isPending(room.name)
        default:
            false
        }
    }

    private func step(_ job: ReadJob) -> ReadStep {
        if isBlocked(job) { return .blocked }
        do throws(StorageError) {
            switch job.phase {
            case .start: return try start(job)
            case .findEnd(let end): return try findEnd(job, end)
            case .reserve(let room): return becomeReady(job, room)
            case .search(let search): return try self.search(job, search)
            case .collect: return try collect(job)
            }
        } catch {
            if case .load = job.request.kind, let room = rooms[job.request.room], !room.isReady { discard(room) }
            return .done(.failed(error))
        }
    }

    // MARK: Where to begin

    private func start(_ job: ReadJob) throws(StorageError) -> ReadStep {
        if case .load = job.request.kind { return try startLoading(job) }
        guard let room = rooms[job.request.room], room.isReady else {
            throw StorageError(.read, roomsFolder + "/" + job.request.room, .misuse)
        }
        let newest = visibleNewest(room)
        switch job.request.kind {
        case .load:
            break
        case .messages(let before, _):
            job.limit = min(max(before, 1), newest + 1)
        case .event(let seq):
            guard seq > 0, seq <= newest else { return .done(.event(nil)) }
            job.limit = seq + 1
            job.after = seq - 1
        case .since(let after, _):
            job.limit = newest + 1
            job.after = min(after, newest)
        }
        job.ceiling = room.newest + 1
        guard job.limit > job.after + 1, let index = room.segmentIndex(of: job.limit - 1) else { return finish(job) }
        position(job, in: room, at: index)
        if job.limit <= newest { job.phase = .search(SeqSearch(target: job.limit, end: job.end)) }
        return .goesOn
    }

    /// Has a job read a segment from its end.
    func position(_ job: ReadJob, in room: RoomLog, at index: Int) {
        job.phase = .collect
        job.segment = room.segments[index].first
        job.end = room.segments[index].length
        job.ceiling = min(job.ceiling, ceiling(of: index, in: room))
    }

    /// One above the greatest seq that counts in a segment.
    func ceiling(of index: Int, in room: RoomLog) -> UInt64 {
        index + 1 < room.segments.count ? room.segments[index + 1].first : room.newest + 1
    }

    /// With `always` nothing is shown before it is on the disk.
    func visibleNewest(_ room: RoomLog) -> UInt64 { policy == .always ? room.committed : room.newest }

    // MARK: Collecting

    private func collect(_ job: ReadJob) throws(StorageError) -> ReadStep {
        guard let room = rooms[job.request.room] else {
            throw StorageError(.read, roomsFolder + "/" + job.request.room, .misuse)
        }
        guard let index = place(job, in: room) else { return finish(job) }
        if job.end == 0 {
            // Nothing in the segments before this one is above the name of this one.
            guard index > 0, room.segments[index].first > job.after + 1 else { return finish(job) }
            position(job, in: room, at: index - 1)
            return .goesOn
        }
        let chunk = try readLines(job, room.path(job.segment), above: job.segment - 1, below: job.ceiling)
        if let context = chunk.context { take(context, for: job, in: room, index) }
        return job.found.isComplete || job.ceiling <= job.after + 1 ? finish(job) : .goesOn
    }

    /// The index of the segment that the job is in. Where a repair has moved the lines to another file since, it goes there.
    private func place(_ job: ReadJob, in room: RoomLog) -> Int? {
        guard job.ceiling > 0, let index = room.segmentIndex(of: job.segment) else { return nil }
        let segment = room.segments[index]
        if segment.first == job.segment, job.end <= segment.length { return index }
        guard let index = room.segmentIndex(of: job.ceiling - 1) else { return nil }
        position(job, in: room, at: index)
        return index
    }

    private func take(_ context: Int, for job: ReadJob, in room: RoomLog, _ index: Int) {
        var lowest: UInt64?
        for line in scan.lines.indices.dropFirst(context).reversed() {
            let scanned = scan.lines[line]
            if scanned.kind == .event {
                lowest = scanned.seq
                guard scanned.seq < job.limit, scanned.seq > job.after, job.found.isInterested(in: scanned),
                    !job.found.isComplete
                else { continue }
                let text = scanned.range.lowerBound..<scanned.range.upperBound - 1
                if JSONText.isObject(readBuffer.span, text) {
                    scan.assign(line, job.found.offer(scanned))
                    continue
                }
            }
            noteDamage(job, in: room, index)
        }
        if let lowest { job.ceiling = lowest }
        job.found.copy(scan.lines, from: readBuffer)
    }

    func noteDamage(_ job: ReadJob, in room: RoomLog, _ index: Int) {
        job.damagedLines += 1
        guard !room.segments[index].isReported else { return }
        room.segments[index].isReported = true
        report(.damagedLines(path: room.path(room.segments[index].first)))
    }

    private func finish(_ job: ReadJob) -> ReadStep {
        switch job.request.kind {
        case .load:
            return finishLoading(job)
        case .messages:
            return .done(.messages(job.found.messages.joined(), more: job.found.more))
        case .event:
            return .done(.event(job.found.events.count == 0 ? nil : job.found.events.joined().bytes))
        case .since:
            return .done(.since(job.found.events.joined(), leftOut: job.found.more))
        }
    }
}
