import Foundation
import Testing

/// Runs a suite's tests on threads of their own, two at once, beside those on which all other tests run. Those are as many as there are
/// processors, and a test that waits for a server keeps one of them from working.
struct OwnThreads: SuiteTrait, TestScoping {
    func provideScope(
        for test: Test, testCase: Test.Case?, performing function: @Sendable () async throws -> Void
    ) async throws {
        try await withTaskExecutorPreference(Threads.shared) { try await function() }
    }

    private final class Threads: TaskExecutor {
        static let shared = Threads()
        private let queue = OperationQueue()

        init() { queue.maxConcurrentOperationCount = 2 }

        func enqueue(_ job: consuming ExecutorJob) {
            let job = UnownedJob(job)
            queue.addOperation { unsafe job.runSynchronously(on: self.asUnownedTaskExecutor()) }
        }
    }
}

extension Trait where Self == OwnThreads {
    /// For suites whose tests wait more than they work.
    static var ownThreads: Self { OwnThreads() }
}
