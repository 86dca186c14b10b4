import Chat
import Log
import Sockets
import WebSocket

/// The game loop. Its turn, the tick, has three steps:
///
/// 1. receive: what has come in since the last tick becomes the tick's inputs;
/// 2. update: the chat decides what follows, and the disk is given what is to be kept;
/// 3. send: everyone gets what is for them, in one write each.
///
/// One thread does all of it, so that nothing is ever locked. It waits in `World.wait`, and for the disk where the history is
/// written; syncs, reads of the history and static files have threads of their own.
package struct Server<W: World & ~Copyable>: ~Copyable {
    let options: ServeOptions
    var world: W
    var chat: Chat
    var keeping: Keeping
    var metrics = Metrics()

    var thisTick: Tick
    var inputs = TickInputs()
    var output = TickOutput()

    var connections: ConnectionTable
    var admission: Admission
    var reading: Reading
    var outgoing: Outgoing
    var memory: MemoryPressure
    var files: StaticFiles
    /// Nil where nothing is kept: then there are no tokens.
    var tokens: ProgramTokens?
    /// Nil without TLS.
    var certificates: CertificateWatcher?
    /// Nil without `--cluster`.
    var cluster: ClusterLink?

    /// The present, in milliseconds of the monotonic clock.
    var now: Int64 { inputs.now }
    /// Nil with `--ephemeral`.
    var history: Log? { keeping.history }

    /// Runs until a signal has asked to stop and everything has been said.
    ///
    /// - Parameter stops: is called once, when the stop begins.
    package mutating func run(stops: () -> Void) {
        while thisTick.stopping == nil { tick() }
        stops()
        while !isDone { tick() }
    }

    /// One turn of the loop.
    package mutating func tick() {
        receive()
        update()
        send()
    }
}
