import Foundation
import Platform
import Sockets
import Support
import Testing

/// Both pollers, by what their one user relies on: it receives until nothing is left, and asks for writability after the
/// kernel has refused to take something.
@Suite struct PollerTests {
    /// What the poller has to say about a token, after waiting for that.
    private func readiness(
        of token: UInt64, _ poller: any Poller, where isWanted: (Readiness) -> Bool = { _ in true }
    ) throws -> Readiness {
        for _ in 0..<50 {
            poller.wait(milliseconds: 1000)
            if let found = poller.ready.first(where: { $0.token == token && isWanted($0) }) { return found }
        }
        throw Failure("nothing of \(token)")
    }

    @Test(arguments: PollerKind.available)
    func withNothingToDoItWaitsAsLongAsItIsTold(kind: PollerKind) throws {
        let poller = try kind.makePoller()
        let pair = try Pair()
        try poller.add(pair.near, token: 5)
        poller.wait(milliseconds: 0)  // epoll tells once that there is room to send
        let start = Clock.monotonic
        poller.wait(milliseconds: 30)
        #expect(poller.ready.isEmpty)
        #expect(Clock.monotonic - start >= 29_000_000)
        let again = Clock.monotonic
        poller.wait(milliseconds: 0)
        #expect(poller.ready.isEmpty)
        #expect(Clock.monotonic - again < 20_000_000_000)
    }

    @Test(arguments: PollerKind.available)
    func whatHasComeIsToldWithTheTokenOfItsConnection(kind: PollerKind) throws {
        let poller = try kind.makePoller()
        let pairs = try (0..<5).map { _ in try Pair() }
        // Tokens of all 64 bits, as they carry a generation.
        for (index, pair) in pairs.enumerated() { try poller.add(pair.near, token: UInt64.max - UInt64(index)) }
        _ = send(pairs[3].far, [1, 2, 3])
        let found = try readiness(of: .max - 3, poller) { $0.isReadable }
        #expect(!found.isEnding)
        #expect(poller.ready.count { $0.isReadable } == 1)
        #expect(receive(pairs[3].near).1 == [1, 2, 3])
        poller.wait(milliseconds: 0)
        #expect(!poller.ready.contains { $0.isReadable })
    }

    @Test(arguments: PollerKind.available)
    func whatComesAgainIsToldAgain(kind: PollerKind) throws {
        let poller = try kind.makePoller()
        let pair = try Pair()
        try poller.add(pair.near, token: 1)
        for byte in UInt8(0)..<20 {
            _ = send(pair.far, [byte])
            _ = try readiness(of: 1, poller) { $0.isReadable }
            #expect(receive(pair.near).1 == [byte])
            #expect(receive(pair.near).0.isWouldBlock)
        }
    }

    @Test(arguments: PollerKind.available)
    func roomToSendIsToldAfterARefusalToWhoHasAskedForIt(kind: PollerKind) throws {
        let poller = try kind.makePoller()
        let pair = try Pair()
        try poller.add(pair.near, token: 1)
        poller.wait(milliseconds: 0)
        let sent = try fill(pair.near)
        poller.setWriteInterest(pair.near, true)
        poller.wait(milliseconds: 0)
        #expect(!poller.ready.contains { $0.isWritable })
        _ = try receiveAll(pair.far, sent)
        #expect(try readiness(of: 1, poller) { $0.isWritable }.isReadable == false)
        poller.setWriteInterest(pair.near, false)
        poller.wait(milliseconds: 0)
        #expect(!poller.ready.contains { $0.isWritable })
    }

    @Test(arguments: PollerKind.available, [false, true])
    func theEndIsToldAsSomethingToReceive(kind: PollerKind, isReset: Bool) throws {
        let poller = try kind.makePoller()
        let pair = try Pair()
        try poller.add(pair.near, token: 9)
        _ = send(pair.far, [4])
        if isReset { pair.resetFar() } else { pair.closeFar() }
        let found = try readiness(of: 9, poller) { $0.isReadable && ($0.isEnding || kind == .poll) }
        #expect(found.isReadable)
        // Whether a reset lets what came before it be received is the kernel's choice.
        var (reception, bytes) = receive(pair.near)
        if case .received = reception {
            #expect(bytes == [4])
            (reception, bytes) = receive(pair.near)
        } else {
            #expect(isReset)
        }
        if isReset { #expect(reception.error == ECONNRESET) } else { #expect(reception.isEnd) }
    }

    /// poll(2) tells of a broken connection whatever is asked of it: a loop that does not want to know would never wait.
    @Test func pollTellsNothingOfABrokenConnectionThatNothingIsWantedOf() throws {
        let poller = try PollerKind.poll.makePoller()
        let (pair, other) = (try Pair(), try Pair())
        try poller.add(pair.near, token: 1)
        try poller.add(other.near, token: 2)
        poller.setReadInterest(pair.near, false)
        poller.setReadInterest(other.near, false)
        pair.resetFar()
        poller.wait(milliseconds: 20)
        #expect(poller.ready.isEmpty)
        poller.remove(other.near)
        poller.setReadInterest(pair.near, true)
        #expect(try readiness(of: 1, poller).isEnding)
    }

    @Test func pollCanBeToldNotToTellOfWhatComes() throws {
        // A paused connection of an edge-triggered poller is told of once and then no more; of poll's it would be each time.
        let poller = try PollerKind.poll.makePoller()
        let pair = try Pair()
        try poller.add(pair.near, token: 1)
        poller.setReadInterest(pair.near, false)
        _ = send(pair.far, [1])
        #expect(waitUntilReadable(pair.near))
        poller.wait(milliseconds: 0)
        #expect(poller.ready.isEmpty)
        poller.setReadInterest(pair.near, true)
        #expect(try readiness(of: 1, poller).isReadable)
        #expect(try readiness(of: 1, poller).isReadable, "it is told for as long as it is so")
    }

    @Test(arguments: PollerKind.available)
    func whatIsRemovedIsNotToldOfAndTheOthersAre(kind: PollerKind) throws {
        let poller = try kind.makePoller()
        var pairs = try (0..<6).map { _ in try Pair() }
        for (index, pair) in pairs.enumerated() { try poller.add(pair.near, token: UInt64(index)) }
        // The first, one in the middle and the last, so that places are filled from the end.
        for index in [5, 2, 0] {
            _ = send(pairs[index].far, [1])
            poller.remove(pairs[index].near)
            pairs[index].closeNear()
        }
        for index in [1, 3, 4] { _ = send(pairs[index].far, [1]) }
        var told: Set<UInt64> = []
        for _ in 0..<50 where told.count < 3 {
            poller.wait(milliseconds: 1000)
            for found in poller.ready where found.isReadable {
                told.insert(found.token)
                _ = receive(pairs[Int(found.token)].near)
            }
        }
        #expect(told == [1, 3, 4])
        // A descriptor of the same number is another connection.
        pairs.removeAll()
        let pair = try Pair()
        try poller.add(pair.near, token: 77)
        _ = send(pair.far, [1])
        _ = try readiness(of: 77, poller) { $0.isReadable }
    }

    @Test(arguments: PollerKind.available)
    func aDescriptorThatIsNoneCannotBeWatched(kind: PollerKind) throws {
        let poller = try kind.makePoller()
        #expect(throws: SystemError.self) { try poller.add(-1, token: 1) }
        // What is not watched can be removed, and be of no interest.
        poller.remove(-1)
        poller.remove(100_000)
        poller.setReadInterest(100_000, true)
        poller.setWriteInterest(-1, true)
        poller.wait(milliseconds: 0)
        #expect(poller.ready.isEmpty)
    }

    /// More than epoll hands over at once: none is forgotten.
    @Test(arguments: PollerKind.available)
    func manyAtOnceAreAllTold(kind: PollerKind) throws {
        let poller = try kind.makePoller()
        var ends: [Int32] = []
        defer { ends.forEach { close($0) } }
        let count = min(1500, (raiseDescriptorLimit() - 200) / 2)
        for index in 0..<count {
            var pipeEnds: [Int32] = [-1, -1]
            try #require(pipe(&pipeEnds) == 0)
            for end in pipeEnds { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            ends += pipeEnds
            try poller.add(pipeEnds[0], token: UInt64(index))
            _ = write(pipeEnds[1], [1], 1)
        }
        var told: Set<UInt64> = []
        for _ in 0..<10 {
            poller.wait(milliseconds: 0)
            for found in poller.ready where found.isReadable { told.insert(found.token) }
        }
        #expect(told.count == count)
    }
}
