import Server
import Sockets

/// The world as the server sees it: the same calls as the system's, and none of them real.
///
/// Time passes only here, in `wait`: everything that happens outside the server happens while it waits.
package struct SimulatedWorld: World {
    let simulator: Simulator

    package private(set) var ready: [Readiness] = []
    package private(set) var hasArrivals = false

    init(_ simulator: Simulator) { self.simulator = simulator }

    package var monotonic: Int64 { simulator.now }
    package var wall: Int64 { simulator.wall }
    package mutating func random() -> UInt64 { simulator.random.next() }

    package mutating func wait(until deadline: Int64?) {
        (ready, hasArrivals) = simulator.wait(until: deadline)
    }

    package mutating func sleep(until time: Int64) { simulator.sleep(until: time) }

    package mutating func nextSignal() -> Int32? {
        guard !simulator.signals.isEmpty else { return nil }
        simulator.isStopping = true
        return simulator.signals.removeFirst()
    }

    package mutating func accept() -> Acceptance {
        simulator.operate() ? simulator.network.accept() : .wouldBlock
    }

    package mutating func setAccepting(_ wanted: Bool) { simulator.network.isAccepting = wanted }
    package mutating func stopListening() { simulator.network.isListening = false }

    package mutating func watch(_ stream: Int32, token: UInt64) -> Bool {
        simulator.network.watch(stream, token: token)
    }

    package mutating func setReadInterest(_ stream: Int32, _ wanted: Bool) {
        simulator.network.setInterest(stream, read: wanted)
    }

    package mutating func setWriteInterest(_ stream: Int32, _ wanted: Bool) {
        simulator.network.setInterest(stream, write: wanted)
    }

    package mutating func receive(_ stream: Int32, into buffer: inout [UInt8]) -> Reception {
        simulator.operate() ? simulator.network.receive(stream, into: &buffer) : .wouldBlock
    }

    package mutating func send(_ stream: Int32, _ bytes: Span<UInt8>) -> Transmission {
        // A process that has been killed sends nothing; that it goes on to the end of its tick nobody can see.
        simulator.operate() ? simulator.network.send(stream, bytes) : .sent(bytes.count)
    }

    package func unsentBytes(_ stream: Int32) -> Int { 0 }

    package mutating func finishSending(_ stream: Int32) {
        if simulator.operate() { simulator.network.finishSending(stream) }
    }

    package mutating func close(_ stream: Int32) {
        if simulator.operate() { simulator.network.close(stream) }
    }

    package mutating func log(_ line: String) { simulator.trace("server \(line)") }
    package var droppedLogLines: Int { 0 }
}
