import Log

/// What the log's two threads do for a real disk, done without threads: at the hand-over and whenever results are taken, as much
/// as a seed or a test says. So a sync may come before or after what is written later, or lie between its files, and a read may
/// see the disk as it was or as it is.
package final class SimulatedDiskWork: Disk {
    private let disk: SimulatedDisk
    private var reads: ReadQueue
    /// What is left to be synced: a file or a folder each.
    private var syncing: (steps: [SyncRequest], result: SyncResult)?
    private var done: [DiskResult] = []

    /// How many files or folders are synced in one go: asked when a request is handed over, and each time that results are
    /// taken; nil for all of them.
    package var syncPace: (() -> Int)?
    /// How many steps of reads are done each time that results are taken; nil for all of them.
    package var readPace: (() -> Int)?
    /// Something was handed over: a simulated world takes note that the loop is to be woken some time.
    package var onWork: (() -> Void)?

    /// - Parameter seed: decides how fast things are done; nil: all at once.
    package init(disk: SimulatedDisk, seed: UInt64? = nil) {
        self.disk = disk
        reads = ReadQueue(disk: disk)
        guard let seed else { return }
        var random = SeededRandom(seed)
        // Each seed has a slow or a fast disk.
        let (syncs, steps) = (random.number(1...4), random.number(1...8))
        syncPace = { random.number(0...syncs) }
        readPace = { random.number(0...steps) }
    }

    /// Whether there is something to be done or to be taken.
    package var isBusy: Bool { syncing != nil || !reads.isEmpty || !done.isEmpty }

    package func sync(_ request: SyncRequest) {
        precondition(syncing == nil, "a sync is handed over before the result of the last one was taken")
        var steps: [SyncRequest] = []
        for file in request.files {
            var step = request
            (step.files, step.folders) = ([file], [])
            steps.append(step)
        }
        for folder in request.folders {
            var step = request
            (step.files, step.folders) = ([], [folder])
            steps.append(step)
        }
        syncing = (steps, SyncResult(ticket: request.ticket))
        goOnSyncing(syncPace?() ?? steps.count)
        onWork?()
    }

    package func read(_ request: DiskReadRequest) {
        reads.add(request)
        onWork?()
    }

    package func takeResults() -> [DiskResult] {
        goOnSyncing(syncPace?() ?? .max)
        finishSync()
        goOnReading(readPace?() ?? .max)
        defer { done = [] }
        return done
    }

    package func finish() -> [DiskResult] {
        goOnSyncing(.max)
        finishSync()
        goOnReading(.max)
        defer { done = [] }
        return done
    }

    private func goOnSyncing(_ count: Int) {
        guard let work = syncing else { return }
        let now = work.steps.prefix(count)
        var result = work.result
        for step in now {
            let part = step.perform(on: disk)
            result.replaced += part.replaced
            result.failure = result.failure ?? part.failure
            result.postponed += part.postponed
            result.syncs += part.syncs
            result.nanoseconds += part.nanoseconds
        }
        syncing = (Array(work.steps.dropFirst(now.count)), result)
    }

    /// The result is there once the last step is done.
    private func finishSync() {
        guard let work = syncing, work.steps.isEmpty else { return }
        syncing = nil
        done.append(.synced(work.result))
    }

    private func goOnReading(_ count: Int) {
        var steps = 0
        while steps < count, !reads.isEmpty {
            steps += 1
            if let result = reads.step() { done.append(.read(result)) }
        }
    }
}
