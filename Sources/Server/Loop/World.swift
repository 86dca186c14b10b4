import Cluster
import Sockets
import TLS

/// Everything outside the process that the loop touches: the network, the clocks, randomness and the log. (The disk has
/// an interface of its own, `Log.Storage`.)
///
/// The system is one implementation (`SystemWorld`), a simulation is another. The loop is generic over it, and is
/// specialised where it is built, so that the real one costs no indirection.
package protocol World: ~Copyable {
    // MARK: Time and chance

    /// Nanoseconds of a clock that never goes back.
    var monotonic: Int64 { get }
    /// Milliseconds since the Unix epoch. It may jump.
    var wall: Int64 { get }
    /// 64 bits that nobody can guess.
    mutating func random() -> UInt64

    // MARK: Waiting

    /// Waits until something is ready, a signal comes, or the time is over.
    ///
    /// - Parameter deadline: in nanoseconds of `monotonic`; nil is no deadline, one in the past does not wait at all.
    mutating func wait(until deadline: Int64?)
    /// Does nothing until a time, in nanoseconds of `monotonic`, whatever happens but a signal.
    mutating func sleep(until time: Int64)
    /// Connections of which the last wait has found something.
    var ready: [Readiness] { get }
    /// Whether the last wait has found connections to be accepted.
    var hasArrivals: Bool { get }
    /// A signal that asks the process to stop; nil if there is none.
    mutating func nextSignal() -> Int32?

    // MARK: The network

    mutating func accept() -> Acceptance
    /// Whether to be told of connections to be accepted.
    mutating func setAccepting(_ wanted: Bool)
    /// Closes the listening sockets.
    mutating func stopListening()
    /// Watches a connection; false if the system cannot.
    mutating func watch(_ stream: Int32, token: UInt64) -> Bool
    mutating func setReadInterest(_ stream: Int32, _ wanted: Bool)
    mutating func setWriteInterest(_ stream: Int32, _ wanted: Bool)
    /// Receives into the beginning of `buffer`, once.
    mutating func receive(_ stream: Int32, into buffer: inout [UInt8]) -> Reception
    /// Sends, once.
    mutating func send(_ stream: Int32, _ bytes: Span<UInt8>) -> Transmission
    /// Bytes that were sent and that the peer's system has not taken yet; 0 where the system does not tell.
    func unsentBytes(_ stream: Int32) -> Int
    mutating func finishSending(_ stream: Int32)
    mutating func close(_ stream: Int32)

    // MARK: TLS

    /// What connections speak that are accepted from now on; nil is no TLS.
    var security: TLSContext? { get set }
    /// Whether a peer speaks without TLS although the server does not.
    func isPlainByMistake(_ stream: Int32) -> Bool
    /// Of what the last `send` has not taken: how many bytes the peer will get all the same.
    func committed(_ stream: Int32) -> Int
    /// Why the last `receive` has failed, where that was TLS; asked once.
    mutating func takeSecurityFailure() -> TLSError?

    // MARK: The engine of a cluster

    /// Opens a socket to the engine for each role; what comes of it is told by `takeEngineEvents`.
    mutating func connectToEngine()
    /// Closes both.
    mutating func disconnectFromEngine()
    /// What has happened on them since it was asked last.
    mutating func takeEngineEvents() -> [EngineEvent]
    /// Sends bytes, or keeps them until the socket takes them.
    mutating func sendToEngine(_ role: EngineConnection.Role, _ bytes: [UInt8])

    // MARK: The log

    /// Writes a line for the operator. It never waits: what cannot be written is dropped, and counted.
    mutating func log(_ line: String)
    /// Lines that could not be written so far.
    var droppedLogLines: Int { get }
}

/// A world without TLS.
extension World where Self: ~Copyable {
    package var security: TLSContext? {
        get { nil }
        set {}
    }
    package func isPlainByMistake(_ stream: Int32) -> Bool { false }
    package func committed(_ stream: Int32) -> Int { 0 }
    package mutating func takeSecurityFailure() -> TLSError? { nil }
}

/// What happens on the sockets to the engine of a cluster.
package enum EngineEvent: Equatable, Sendable {
    case opened(EngineConnection.Role)
    case received(EngineConnection.Role, [UInt8])
    /// There is no connection, or none any more, and both sockets are closed. Nothing follows.
    ///
    /// Why is said in words for people, which never hold the password.
    case closed(String)
}

/// A world without an engine.
extension World where Self: ~Copyable {
    package mutating func connectToEngine() {}
    package mutating func disconnectFromEngine() {}
    package mutating func takeEngineEvents() -> [EngineEvent] { [] }
    package mutating func sendToEngine(_ role: EngineConnection.Role, _ bytes: [UInt8]) {}
}
