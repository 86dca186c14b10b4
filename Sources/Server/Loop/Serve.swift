import Chat
import Log
import Platform
import Sockets
import TLS
import WebSocket

/// Why a server could not be started, or not go on, as sysexits(3) has it, with one line for a person.
package struct StartFailure: Error {
    package enum Kind: Int32, Sendable {
        /// An argument cannot be used.
        case usage = 64
        /// Something it needs is not there, or in use.
        case unavailable = 69
        /// The data cannot be kept.
        case cannotCreate = 73
        /// A sync of the history has failed.
        case inputOutput = 74
        /// It may not.
        case noPermission = 77
    }

    package var kind: Kind
    package var message: String

    package init(_ kind: Kind, _ message: String) {
        self.kind = kind
        self.message = message
    }
}

/// How a server has ended.
package enum ServeOutcome: Sendable {
    case stopped
    /// A second signal has asked for the end at once.
    case killed(by: Int32)
    /// It could not go on; everyone was told, as by a stop.
    case failed(StartFailure)
}

/// Serves the chat until a signal asks to stop.
///
/// - Parameters:
///   - page: the files of the page, by name; not used where the options name a folder.
///   - announce: is told the address, once connections are accepted.
/// - Returns: how it has ended.
package func serve(
    _ options: ServeOptions, page: [String: [UInt8]], announce: ([SocketAddress]) -> Void
) throws(StartFailure) -> ServeOutcome {
    giveBackLargeBlocks()
    let security = try options.makeSecurity()
    let site = try makeSite(options, page)
    let descriptors = raiseDescriptorLimit()
    let places = try Places(descriptors: descriptors)
    guard let wake = WakePipe() else { throw StartFailure(.unavailable, "Cannot start: the system gives no pipe.") }
    let opened = try openLog(options, openFiles: places.rooms, wake: wake)
    let listeners = try options.openListeners()
    var world: SystemWorld
    do {
        let signals = try Signals.catchTermination(and: [Signals.hangUp])
        Signals.ignore(Signals.user)
        world = try SystemWorld(
            poller: options.poller, listeners: listeners, signals: signals, wake: wake, engine: options.cluster)
    } catch {
        throw StartFailure(.unavailable, "Cannot start: \(error).")
    }
    world.security = security
    var options = options
    let asked = options.maxConnections
    options.maxConnections = min(asked ?? .max, places.connections)
    options.stopsAtHangUp = Terminal.isTerminal(SharedStream.input)
    var secret = opened?.1.secret ?? Entropy.bytes(32)
    if let shared = try options.findClusterSecret() { secret = shared }
    guard
        var server = Server(
            world: world, options: options, site: site, history: opened?.0, secret: ServerSecret(key: secret))
    else {
        throw StartFailure(.unavailable, "Cannot start: there is not enough memory.")
    }
    let isLocal = listeners.allSatisfy { $0.address.address.isLoopback }
    if isLocal, options.trustedProxies.isEmpty { server.admission.hostCheck = HostCheck(origins: options.origins) }
    server.metrics.begin(options, descriptors: descriptors, wall: Clock.wall)
    server.logStart()
    if let asked, asked > places.connections {
        server.log(
            .error, "max-connections-lowered", "asked", asked, "possible", places.connections, "remedy",
            "raise the limit of open files (ulimit -n, LimitNOFILE=)")
    }
    server.startWatchingCertificates()
    try server.openDoors()
    if opened != nil {
        server.tokens = ProgramTokens(folder: options.dataFolder, secret: server.chat.secret)
        server.lookAtTokens()
    }
    server.joinCluster()
    try server.startRecording()
    announce(listeners.map(\.address))
    ServiceManager.notify("READY=1")
    server.run { ServiceManager.notify("STOPPING=1") }
    return server.finish()
}

private func makeSite(_ options: ServeOptions, _ page: [String: [UInt8]]) throws(StartFailure) -> Site {
    guard let path = options.publicFolder else { return Site(files: page) }
    let folder = SiteFolder(path: path)
    guard folder.exists else {
        throw StartFailure(.usage, "--public: there is no folder \(path), or it may not be read.")
    }
    do {
        return try Site(folder: folder)
    } catch {
        throw StartFailure(.unavailable, "Cannot start: \(error).")
    }
}

/// What the descriptors are shared out to.
private struct Places {
    /// Open connections, those beyond them that are served the page not counted.
    let connections: Int
    /// Files of rooms that are held open.
    let rooms: Int

    /// - Parameter descriptors: as many as may be open.
    init(descriptors: Int) throws(StartFailure) {
        rooms = min(Sizes.mostRoomFiles, descriptors / 8)
        connections = min(
            Sizes.mostConnections,
            descriptors - Sizes.reservedDescriptors - Sizes.reservedConnections - rooms)
        guard connections < 1 else { return }
        let least = (Sizes.reservedDescriptors + Sizes.reservedConnections + 8) / 7 * 8
        throw StartFailure(
            .unavailable,
            "Cannot start: \(descriptors) files may be open, and \(least) are needed. Raise the limit (ulimit -n).")
    }
}

/// Takes the data folder; nothing where nothing is to be kept.
private func openLog(
    _ options: ServeOptions, openFiles: Int, wake: WakePipe
) throws(StartFailure) -> (Log, DataFolder)? {
    if options.isEphemeral || options.cluster != nil { return nil }
    let storage = FileStorage()
    do {
        let folder = try DataFolder.open(options.dataFolder, storage, random: Entropy.bytes(32))
        guard let disk = DiskThreads(disk: storage, wake: { wake.wake() }) else {
            throw StartFailure(.unavailable, "Cannot start: the system gives no threads.")
        }
        var sizes = LogSizes()
        sizes.openFiles = openFiles
        sizes.keep(options.retention)
        let log = Log(
            storage: storage, disk: disk, folder: folder, fsync: options.fsync,
            rules: options.limits(isDurable: true).rules, sizes: sizes)
        return (log, folder)
    } catch let failure as StartFailure {
        throw failure
    } catch let error as StorageError {
        let advice = "Name another folder with --data, or keep nothing with --ephemeral."
        if error.isLocked {
            let reason = "another chatloop uses it. Stop that one, or name another folder with --data"
            throw StartFailure(.cannotCreate, "Cannot use the data folder \(options.dataFolder): \(reason).")
        }
        throw StartFailure(
            error.isPermission ? .noPermission : .cannotCreate, "Cannot keep the history: \(error). \(advice)")
    } catch {
        throw StartFailure(.cannotCreate, "Cannot keep the history: \(error).")
    }
}

extension Server where W: ~Copyable {
    /// - Parameters:
    ///   - options: with `maxConnections` set.
    ///   - secret: by which secrets of others are kept.
    ///   - limits: the chat's; nil is what follows from the options.
    /// - Returns: nil where zlib has no memory for a compressor.
    package init?(
        world: consuming W, options: ServeOptions, site: Site, history: Log?, secret: ServerSecret,
        limits: Limits? = nil
    ) {
        guard let inflater = Inflater(), let deflater = Deflater() else { return nil }
        let now = world.monotonic
        let memory = MemoryPressure(ceiling: options.maxBuffers)
        let files = StaticFiles(site, watchedFrom: options.watchesFiles ? now / 1_000_000 : nil)
        self.init(
            options: options, world: world,
            chat: Chat(
                limits: limits ?? options.limits(isDurable: history != nil || options.cluster != nil), secret: secret),
            keeping: Keeping(history: history), thisTick: Tick(now: now),
            connections: ConnectionTable(capacity: (options.maxConnections ?? 1000) + Sizes.reservedConnections),
            admission: Admission(options), reading: Reading(bytes: options.inboxBytes, inflater: inflater),
            outgoing: Outgoing(deflater: deflater, ledger: memory.ledger), memory: memory, files: files)
        inputs.moment = Moment(now: now / 1_000_000, time: self.world.wall)
        chat.unfinishedErasures = Set(history?.unfinishedErasures ?? [])
        connections.startTimers(now: inputs.now)
        if let descriptor = files.descriptor { _ = self.world.watch(descriptor, token: Self.filesToken) }
    }

    /// The last things: everything to the disk, every connection closed.
    package mutating func finish() -> ServeOutcome {
        for slot in 0..<connections.used { drop(slot) }
        leaveCluster()
        if let history {
            eraseAtEnd()
            for error in history.close(isClean: !hasFailed) {
                log(.error, "storage-failed", "reason", error.description)
            }
        }
        keeping.recorder?.close()
        log(.info, "stopped", "messages", chat.counters.messages)
        if let stopping = thisTick.stopping, stopping.isForced { return .killed(by: stopping.signal) }
        if let failure = thisTick.stopping?.failure { return .failed(failure) }
        return .stopped
    }
}
