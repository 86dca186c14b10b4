import Platform
import Synchronization

/// A thread that syncs one batch of files and ends.
///
/// A sync may take as long as the disk likes; here it keeps nobody waiting. A thread a batch (one a second at most) costs
/// some 20 µs, and spares a queue, a condition and the question of how such a thread is stopped.
final class SyncThread {
    private let work: Work
    /// nil where the system gave no thread; the batch was then synced where it was begun.
    private var thread: pthread_t?

    /// What both threads see.
    private final class Work: Sendable {
        let paths: [String]
        let results = Mutex<[SyncResult]?>(nil)

        init(_ paths: [String]) {
            self.paths = paths
        }

        func run() {
            let all = paths.map(SyncThread.sync)
            results.withLock { $0 = all }
        }
    }

    init(_ paths: [String]) {
        work = Work(paths)
        thread = startThread(work.run)
        if thread == nil { work.run() }
    }

    /// One result a path, or nil while it is still at work.
    func results() -> [SyncResult]? {
        guard let results = work.results.withLock({ $0 }) else { return nil }
        join()
        return results
    }

    func wait() -> [SyncResult] {
        join()
        return work.results.withLock { $0 } ?? []
    }

    private func join() {
        guard let thread else { return }
        self.thread = nil
        _ = pthread_join(thread, nil)
    }

    /// Syncs one file or folder, and measures how long it took.
    static func sync(_ path: String) -> SyncResult {
        let start = ContinuousClock.now
        var failure: StorageError?
        do throws(StorageError) {
            let descriptor = try open(path)
            if let code = flush(descriptor) { failure = StorageError(.sync, path, code: code) }
            // Some file systems know no syncs of folders; names are theirs to keep.
            if failure?.isUnsupported == true, isDirectory(descriptor) { failure = nil }
            _ = FileStorage.close(descriptor)
        } catch {
            failure = error
        }
        let time = (ContinuousClock.now - start).components
        let nanoseconds = UInt64(max(0, time.seconds * 1_000_000_000 + time.attoseconds / 1_000_000_000))
        return SyncResult(path: path, error: failure, nanoseconds: nanoseconds)
    }

    /// Follows links to folders alone: a data folder may well be one.
    private static func open(_ path: String) throws(StorageError) -> Int32 {
        do throws(StorageError) {
            return try FileStorage.open(path, O_RDONLY | O_NOFOLLOW)
        } catch {
            guard error.code == ELOOP, let folder = try? FileStorage.open(path, O_RDONLY | O_DIRECTORY) else {
                throw error
            }
            return folder
        }
    }

    private static func isDirectory(_ descriptor: Int32) -> Bool {
        var status = stat()
        // The structure is a local variable.
        return unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func flush(_ descriptor: Int32) -> Int32? {
        while syncToMedium(descriptor) != 0 {
            let code = errno
            if code != EINTR { return code }
        }
        return nil
    }
}
