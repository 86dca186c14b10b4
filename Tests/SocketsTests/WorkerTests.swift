import Platform
import Sockets
import Synchronization
import Testing

/// A thread that does requests one after the other.
@Suite struct WorkerTests {
    @Test func answersComeInTheOrderOfTheirRequests_andWakeAPoller() throws {
        let worker = try Worker<Int, Int> { $0 * 2 }
        for kind in PollerKind.available {
            let poller = try kind.makePoller()
            try poller.add(worker.descriptor, token: 7)
            for number in 0..<1000 { worker.ask(number) }
            var answers: [Int] = []
            while answers.count < 1000 {
                poller.wait(milliseconds: 10_000)
                #expect(poller.ready.map(\.token) == [7])
                answers += worker.answers()
            }
            #expect(answers == (0..<1000).map { $0 * 2 })
            #expect(worker.answers().isEmpty)
            poller.remove(worker.descriptor)
        }
    }

    @Test func whoeverAsksDoesNotWait() throws {
        let gate = Mutex(false)
        let worker = try Worker<Int, Int> { number in
            while !gate.withLock({ $0 }) { usleep(1000) }
            return number
        }
        worker.ask(1)
        #expect(worker.answers().isEmpty, "nobody waits for it")
        gate.withLock { $0 = true }
        var answers: [Int] = []
        while answers.isEmpty { answers = worker.answers() }
        #expect(answers == [1])
    }

    @Test func threadEndsWithItsOwner() throws {
        final class Witness: Sendable {
            let ended: @Sendable () -> Void
            init(_ ended: @escaping @Sendable () -> Void) { self.ended = ended }
            deinit { ended() }
        }
        let flag = Flag()
        do {
            let witness = Witness { flag.value.store(true, ordering: .relaxed) }
            let worker = try Worker<Int, Int> { number in withExtendedLifetime(witness) { number } }
            worker.ask(1)
        }
        for _ in 0..<10_000 where !flag.isSet { usleep(1000) }
        #expect(flag.isSet)
    }

    private final class Flag: Sendable {
        let value = Atomic(false)
        var isSet: Bool { value.load(ordering: .relaxed) }
    }
}
