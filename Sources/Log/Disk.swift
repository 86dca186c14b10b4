import Chat

/// What the log has done off the loop, by plain blocking code: one thread syncs, one reads.
///
/// The loop hands over requests and takes results, and waits for neither. In a simulated world there are no threads: the same
/// requests are served in the loop, in an order that a seed decides.
package protocol Disk: AnyObject {
    /// Has files brought to the disk itself, and looked after. One request at a time: the next is handed over when the result of
    /// the one before has been taken.
    func sync(_ request: SyncRequest)
    /// Has something read. Those that are at work take turns.
    func read(_ request: DiskReadRequest)
    /// What has been done since the last call.
    func takeResults() -> [DiskResult]
    /// Waits until all that was handed over is done, and returns what there is.
    func finish() -> [DiskResult]
}

package enum DiskResult: Sendable {
    case synced(SyncResult)
    case read(DiskReadResult)
}

/// Files to be brought to the disk, in this order: first the files, then the folders that have their names. (A file that is not
/// open may stand among the folders.)
package struct SyncRequest: Sendable {
    package struct File: Sendable {
        package var room: String
        package var path: String
        /// The segment's first seq.
        package var first: UInt64
        /// The file that is written to, whatever has its name by now; it stays open until the result is taken in. Nil where it
        /// was closed, as too many were open: then what has its name is synced.
        package var file: OpenFile?
        package var identity: FileIdentity
        /// Whether nothing is written to it any more.
        package var isRetired = false

        func sync(on disk: any Storage) throws(StorageError) -> UInt64 {
            if let file { try disk.sync(file) } else { try disk.sync(path) }
        }
    }

    package var ticket: UInt64
    package var files: [File]
    package var folders: [String]
    /// Whether they are synced, or only looked after.
    package var syncs: Bool

    /// Does it, with blocking calls.
    package func perform(on disk: any Storage) -> SyncResult {
        var result = SyncResult(ticket: ticket)
        for file in files {
            do throws(StorageError) {
                if syncs { result.add(try file.sync(on: disk)) }
            } catch {
                // One that has gone is found by the look.
                if !error.isMissing { result.note(error) }
            }
            do throws(StorageError) {
                if try disk.identity(at: file.path) != file.identity { result.replaced.append(file) }
            } catch {
                // It cannot be told which file has the name now; the next look will tell.
            }
        }
        for folder in folders where syncs {
            do throws(StorageError) {
                result.add(try disk.sync(folder))
            } catch {
                // One that has gone is made again by whoever writes to it.
                if !error.isMissing { result.note(error) }
            }
        }
        return result
    }
}

package struct SyncResult: Sendable {
    package var ticket: UInt64
    /// Files that have gone, or whose names others have.
    package var replaced: [SyncRequest.File] = []
    /// The first that could not be synced: what was written may be lost for good.
    package var failure: StorageError?
    /// Folders that could not be opened, and why: they are tried again.
    package var postponed: [StorageError] = []
    package var syncs = 0
    package var nanoseconds: UInt64 = 0

    package init(ticket: UInt64) { self.ticket = ticket }

    mutating func note(_ error: StorageError) {
        if error.operation == .sync { failure = failure ?? error } else { postponed.append(error) }
    }

    mutating func add(_ time: UInt64) {
        syncs += 1
        nanoseconds += time
    }
}

/// A read, with all that is needed to do it.
package struct DiskReadRequest: Sendable {
    package var request: ReadRequest
    var folder: RoomFolder
    var segments: [Segment]
    var rules: RoomRules
    var base: UInt64
    /// Whether a room's newest files are synced before anyone is told what is in them.
    var syncs: Bool
    /// What was done to messages: to be folded into their lines, or not told by them yet in a search.
    var fold: Fold?
    /// Of a fold: the seq with which the newest file begins.
    var end: UInt64 = 0
    /// What is to be kept, and the time of day in milliseconds; and of a sweep, which rooms are in memory.
    var retention = Retention()
    var time: Int64 = 0
    var known: Set<String> = []

    func job(on disk: any Storage) -> any ReadJob {
        switch request.kind {
        case .load:
            LoadJob(
                disk, folder, room: request.room, rules: rules, base: base, known: segments, syncs: syncs,
                retention: retention, now: time)
        case .expire: ExpiryJob(disk, folder, end: end, retention: retention, now: time)
        case .sweep: SweepJob(disk, folder, known: known, retention: retention, now: time)
        case .fold:
            FoldJob(
                disk, folder, segments: segments,
                fold: fold ?? Fold(facts: [:], purges: [], through: 0, erases: false), end: end)
        default: PageJob(disk, folder, segments: segments, kind: request.kind, fold: fold)
        }
    }
}

package struct DiskReadResult: Sendable {
    package var result: ReadResult
    /// Of a fold: the files that were written anew. Of a room that was loaded: its files, and whether the newest begins with a whole snapshot.
    var segments: [Segment] = []
    var hasSnapshot = true
    /// Of a room that was loaded: the `time` of the first event in the newest file.
    var tailBegan: Int64?
    /// Of such a room: whether it has files that are over.
    var hasUnlisted = false
    package var incidents: [LogIncident] = []
}

/// A read at work. It is done a step at a time, each of at most a mebibyte, so that one that takes long lets others pass.
protocol ReadJob: AnyObject {
    /// Loads come before everything else: people wait at the door.
    var isUrgent: Bool { get }
    /// Goes on.
    ///
    /// - Returns: the result, when it is there.
    func step() throws(StorageError) -> ReadResult.Outcome?
    /// Gives back what it holds; called once, at its end.
    func close()
    /// What has been found out on the way, for the operator.
    var incidents: [LogIncident] { get }
}

/// The reads at work: those that are urgent first, each a step at a time in turn.
package struct ReadQueue {
    /// So many that are not urgent take turns, each with a file open: the others wait for one of them to be done.
    private static let atOnce = 4

    private var urgent: [(DiskReadRequest, any ReadJob)] = []
    private var others: [(DiskReadRequest, any ReadJob)] = []
    private let disk: any Storage

    package init(disk: any Storage) { self.disk = disk }

    package var isEmpty: Bool { urgent.isEmpty && others.isEmpty }
    package var count: Int { urgent.count + others.count }

    package mutating func add(_ request: DiskReadRequest) {
        let job = request.job(on: disk)
        if job.isUrgent { urgent.append((request, job)) } else { others.append((request, job)) }
    }

    /// Does a step of the next.
    ///
    /// - Returns: its result, if that was its last step.
    package mutating func step() -> DiskReadResult? {
        let isUrgent = !urgent.isEmpty
        guard !isEmpty else { return nil }
        let (request, job) = isUrgent ? urgent.removeFirst() : others.removeFirst()
        do throws(StorageError) {
            guard let outcome = try job.step() else {
                // A load is done before the next one begins: whoever came first comes in first.
                if isUrgent {
                    urgent.insert((request, job), at: 0)
                } else {
                    others.insert((request, job), at: min(others.count, ReadQueue.atOnce - 1))
                }
                return nil
            }
            job.close()
            var result = DiskReadResult(result: ReadResult(request: request.request, outcome: outcome))
            if let load = job as? LoadJob {
                (result.segments, result.hasSnapshot) = (load.segments, load.hasSnapshot)
                (result.tailBegan, result.hasUnlisted) = (load.tailBegan, load.hasUnlisted)
            }
            if let fold = job as? FoldJob { result.segments = fold.rewritten }
            result.incidents = job.incidents
            return result
        } catch {
            job.close()
            var result = DiskReadResult(
                result: ReadResult(request: request.request, outcome: .failed(error)), incidents: job.incidents)
            if let fold = job as? FoldJob { result.segments = fold.rewritten }
            return result
        }
    }
}
