import Foundation
import Sockets
import Support
import Testing

/// Signals as bytes. One test at a time: signals are the whole process's.
@Suite(.serialized) struct SignalsTests {
    @Test func eachSignalMakesTheDescriptorReadable() throws {
        let descriptor = try Signals.catchTermination(and: [Signals.windowChange])
        defer { for number in [SIGINT, SIGTERM, SIGWINCH] { _ = signal(number, SIG_DFL) } }
        #expect(Signals.next() == nil, "nothing has come")
        for number in [SIGTERM, SIGINT, SIGWINCH] {
            kill(getpid(), number)
            #expect(waitUntilReadable(descriptor))
            #expect(Signals.next() == number)
            #expect(Signals.next() == nil)
        }
        // Again gives the same descriptor: there is one pipe.
        #expect(try Signals.catchTermination() == descriptor)
        // A write to nobody is no end of the process.
        var ends: [Int32] = [-1, -1]
        try #require(pipe(&ends) == 0)
        close(ends[0])
        #expect(write(ends[1], [1], 1) == -1 && errno == EPIPE)
        close(ends[1])
    }

    /// A wait is ended by a signal, and what is waited for is not taken to have happened.
    @Test(arguments: PollerKind.available)
    func aSignalEndsAWaitWithoutMakingAnythingUp(kind: PollerKind) throws {
        let descriptor = try Signals.catchTermination()
        defer { for number in [SIGINT, SIGTERM] { _ = signal(number, SIG_DFL) } }
        let poller = try kind.makePoller()
        try poller.add(descriptor, token: 1)
        let pair = try Pair()
        try poller.add(pair.near, token: 2)
        poller.wait(milliseconds: 0)
        kill(getpid(), SIGTERM)
        var told: [Readiness] = []
        for _ in 0..<50 where told.isEmpty {
            poller.wait(milliseconds: 1000)
            told = poller.ready.filter(\.isReadable)
        }
        #expect(told.map(\.token) == [1])
        #expect(Signals.next() == SIGTERM)
    }

    /// A signal that comes in the middle of a wait is found by the very wait that it ends: the next may be far away.
    @Test(arguments: PollerKind.available)
    func aSignalIsFoundByTheWaitThatItEnds(kind: PollerKind) async throws {
        let descriptor = try Signals.catchTermination()
        defer { for number in [SIGINT, SIGTERM] { _ = signal(number, SIG_DFL) } }
        let found = try await onThread {
            // The threads that tests run on let no signal through, nor do those that they start.
            var termination = sigset_t()
            sigemptyset(&termination)
            sigaddset(&termination, SIGTERM)
            pthread_sigmask(SIG_UNBLOCK, &termination, nil)
            let poller = try kind.makePoller()
            try poller.add(descriptor, token: 1)
            let waiting = Waiting()
            return (0..<200).count { round in
                // Now before the wait, now in it.
                let sender = Thread {
                    Clock.sleep(nanoseconds: Int64(round) * 10_000)
                    pthread_kill(waiting.thread, SIGTERM)
                }
                sender.start()
                poller.wait(milliseconds: 10_000)
                let isTold = poller.ready.contains { $0.token == 1 && $0.isReadable }
                return Signals.next() == SIGTERM && isTold
            }
        }
        #expect(found == 200)
    }
}

/// The thread that has made it.
private struct Waiting: @unchecked Sendable {
    let thread = pthread_self()
}
