import Chat
import History
import Platform
import Sockets
import WebSocket

/// Why a server could not be started, as sysexits(3) has it, with one line for a person.
package struct StartFailure: Error {
    package enum Kind: Int32, Sendable {
        /// An argument cannot be used.
        case usage = 64
        /// Something it needs is not there, or in use.
        case unavailable = 69
        /// The data cannot be kept.
        case cannotCreate = 73
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
    let site = try makeSite(options, page)
    let (history, journal) = try openHistory(options)
    let descriptors = raiseDescriptorLimit()
    let listeners = try openListeners(options)
    let world: SystemWorld
    do {
        let signals = try Signals.catchTermination()
        world = try SystemWorld(poller: options.poller, listeners: listeners, signals: signals)
    } catch {
        throw StartFailure(.unavailable, "Cannot start: \(error).")
    }
    var options = options
    let most = min(Sizes.mostConnections, descriptors - Sizes.reservedDescriptors - Sizes.reservedConnections)
    options.maxConnections = max(1, min(options.maxConnections ?? most, most))
    guard var server = Server(world: world, options: options, site: site, history: history) else {
        throw StartFailure(.unavailable, "Cannot start: there is not enough memory.")
    }
    let isLocal = listeners.allSatisfy { $0.address.address.isLoopback }
    if isLocal, options.trustedProxies.isEmpty { server.hostCheck = HostCheck(origins: options.origins) }
    try server.startRecording()
    server.restore(journal)
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
    return Site(folder: folder)
}

private func openHistory(_ options: ServeOptions) throws(StartFailure) -> (History?, journal: [UInt8]) {
    if options.isEphemeral { return (nil, []) }
    let history = History(disk: FileStorage(), directory: options.dataFolder, fsync: options.fsync)
    do {
        return (history, try history.open().journal)
    } catch {
        let advice = "Name another folder with --data, or keep nothing with --ephemeral."
        if error.isLocked {
            let reason = "another chatloop uses it. Stop that one, or name another folder with --data"
            throw StartFailure(.cannotCreate, "Cannot use the data folder \(options.dataFolder): \(reason).")
        }
        throw StartFailure(
            error.isPermission ? .noPermission : .cannotCreate, "Cannot keep the history: \(error). \(advice)")
    }
}

private func openListeners(_ options: ServeOptions) throws(StartFailure) -> [Listener] {
    do throws(SystemError) {
        let inherited = try ServiceManager.inheritedListeners()
        if !inherited.isEmpty { return inherited }
        var failure: SystemError?
        for address in try SocketAddress.resolve(host: options.host, port: options.port) {
            do throws(SystemError) {
                return [try Listener(address: address)]
            } catch {
                failure = failure ?? error
            }
        }
        throw failure ?? SystemError(code: 0, operation: "look up \(options.host)")
    } catch {
        let advice = "Choose another with --host and --port; --port 0 takes one that is free."
        throw StartFailure(error.isPermission ? .noPermission : .unavailable, "Cannot \(error). \(advice)")
    }
}

extension Server where W: ~Copyable {
    /// - Parameters:
    ///   - options: with `maxConnections` set.
    ///   - limits: the chat's; nil is what follows from the options.
    /// - Returns: nil where zlib has no memory for a compressor.
    package init?(
        world: consuming W, options: ServeOptions, site: Site, history: History?, limits: Limits? = nil
    ) {
        guard let inflater = Inflater(), let deflater = Deflater() else { return nil }
        self.init(
            options: options, world: world,
            chat: Chat(limits: limits ?? options.limits(isDurable: history != nil)),
            history: history, site: site,
            connections: ConnectionTable(capacity: (options.maxConnections ?? 1000) + Sizes.reservedConnections),
            addressRates: AddressRates(perSecond: options.connectionRate),
            inbox: [UInt8](repeating: 0, count: options.inboxBytes), inflater: inflater, deflater: deflater,
            journalLimit: options.journalBytes)
        nanoseconds = self.world.monotonic
        inputs.now = nanoseconds / 1_000_000
        timers.start(now: now)
        if options.watchesFiles, let path = options.publicFolder {
            watcher = FileWatcher(folder: SiteFolder(path: path), now: now)
        }
    }

    /// Takes in the journal of the run before this one.
    package mutating func restore(_ journal: [UInt8]) {
        guard !journal.isEmpty else { return }
        let now = now
        recorder?.restored(journal.span, now: now)
        let damaged = chat.restore(journal: journal.span, now: now, into: &output)
        if damaged > 0 { log(.error, "journal-damaged", "lines", damaged) }
        readLater()
    }

    /// The last things: everything to the disk, every connection closed.
    package mutating func finish() -> ServeOutcome {
        for slot in 0..<connections.used { drop(slot) }
        if let history {
            for error in history.closeAndSync() { log(.error, "storage-failed", "reason", error.description) }
        }
        recorder?.close()
        log(.info, "stopped", "messages", chat.counters.messages)
        if let stopping, stopping.isForced { return .killed(by: stopping.signal) }
        return .stopped
    }
}
