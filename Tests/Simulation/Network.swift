import Sockets

/// The simulated network, and what the server's kernel knows of it.
///
/// Whatever it does, a real kernel may do: bytes arrive in pieces and late, but in order; a send takes a part, or nothing; and
/// whoever was refused is told when there is room.
final class Network<World: Surroundings> {
    /// By number; those that are dead are forgotten.
    private var links: [Link?] = []
    /// The ones that are not dead, in the order in which they were made.
    private var live: [Link] = []
    /// The server's descriptors: the lowest free number is given to the next connection, as kernels do it.
    private var streams: [Link?] = []
    private(set) var arrivals: [Link] = []
    private(set) var openStreams = 0
    private var lastLive = 0
    /// Whether readiness is told once (epoll) or for as long as it lasts (poll).
    var isEdgeTriggered = true
    var isListening = false
    var isAccepting = true
    /// Whether there are no descriptors at the moment.
    var isExhausted = false
    /// When there were descriptors again for the last time (ns).
    var availableSince: Int64 = 0
    private var arrivalEdge = false
    private var readyLinks: [Link] = []

    private unowned let world: World

    init(world: World) { self.world = world }

    // MARK: The persons' side

    /// Begins to connect.
    func connect(_ person: Int, isUnreachable: Bool = false) -> Link {
        let isSmall = world.random.happens(world.faults.smallBuffers)
        let capacity = isSmall ? world.random.number(200...4000) : 200_000
        let link = Link(number: links.count, person: person, capacity: capacity, latency: world.faults.latency)
        link.isHindered = isSmall
        link.isUnreachable = isUnreachable
        links.append(link)
        live.append(link)
        if live.count > 2 * lastLive + 64 { forgetDead() }
        world.add(.connected(link: link.number), at: world.now + delay(link))
        return link
    }

    private func finishConnecting(_ link: Link) {
        guard link.isOpenAtPerson else { return }
        guard isListening, !link.isUnreachable, !world.random.happens(world.faults.refusedConnect) else {
            link.isOpenAtPerson = false
            return world.person(link.person).refused(link)
        }
        link.isConnected = true
        link.lastAttention = world.now
        arrivals.append(link)
        arrivalEdge = true
        world.person(link.person).connected(link)
    }

    /// A person sends: all of it is taken, and arrives in pieces.
    func send(_ link: Link, _ bytes: [UInt8], isEnd: Bool = false) {
        guard link.isOpenAtPerson, !link.up.isClosed else { return }
        world.note(sent: bytes, on: link)
        if isEnd { link.up.isClosed = true }
        guard !link.isBlackHole else { return }
        put(bytes, isEnd: isEnd, on: link, toServer: true)
    }

    /// A person takes what has arrived.
    func receive(_ link: Link) -> [UInt8] {
        let bytes = link.down.arrived
        link.down.arrived = []
        world.note(received: bytes, on: link)
        if link.down.wasRefused, !bytes.isEmpty { world.add(.readiness(link: link.number), at: world.now) }
        return bytes
    }

    /// A person ends its side: in order, so that what it has sent arrives; or at once, with a reset.
    func close(_ link: Link, withReset: Bool) {
        guard link.isOpenAtPerson else { return }
        if !withReset { send(link, [], isEnd: true) }
        link.isOpenAtPerson = false
        if withReset { reset(link, tellsPerson: false) }
    }

    // MARK: Faults

    /// The connection breaks: whoever uses it is told.
    func reset(_ link: Link, tellsPerson: Bool = true) {
        guard !link.isReset else { return }
        link.isReset = true
        link.up.removeAll()
        link.down.removeAll()
        tellServer(link)
        arrivals.removeAll { $0 === link }
        guard tellsPerson, link.isOpenAtPerson else { return }
        link.isOpenAtPerson = false
        world.person(link.person).ended(link, inOrder: false)
    }

    /// All connections of a server that is gone break.
    func crash() {
        isListening = false
        isAccepting = true
        arrivals = []
        readyLinks = []
        streams = []
        openStreams = 0
        for link in live where link.isOpenAtServer || link.isOpenAtPerson && link.isConnected {
            link.isOpenAtServer = false
            link.token = nil
            // Nobody is told; but what its person has not read by now would be read as words of the server that comes next.
            if link.isBlackHole { link.down.removeAll() } else { reset(link) }
        }
        forgetDead()
    }

    /// The link with this number, if it is not dead.
    func link(_ number: Int) -> Link? { links[number] }
    var openLinks: [Link] { live.filter { $0.isConnected && !$0.isReset && ($0.isOpenAtServer || $0.isOpenAtPerson) } }

    /// Nobody uses a dead link any more: what is still under way on it goes nowhere.
    private func forgetDead() {
        for link in live where link.isDead { links[link.number] = nil }
        live.removeAll(where: \.isDead)
        lastLive = live.count
    }

    /// Something that was added to the world's events has its time.
    func happen(_ event: NetworkEvent) {
        switch event {
        case .arrival(let number, let atServer): link(number).map { arrive($0, atServer: atServer) }
        case .readiness(let number): link(number).map { notify($0) }
        case .connected(let number): link(number).map { finishConnecting($0) }
        }
    }

    // MARK: Moving bytes

    private func delay(_ link: Link) -> Int64 { link.latency / 2 + world.random.time(mean: max(1, link.latency / 2)) }

    /// Puts bytes on the way to one side, perhaps in pieces.
    private func put(_ bytes: [UInt8], isEnd: Bool, on link: Link, toServer: Bool) {
        var arrival = max(world.now + delay(link), toServer ? link.up.earliestArrival : link.down.earliestArrival)
        var rest = bytes[...]
        while world.random.happens(world.faults.cutting), rest.count > 1 {
            let count = world.random.happens(0.5) ? 1 : world.random.number(1...rest.count - 1)
            put(Link.Pipe.Segment(arrival: arrival, bytes: Array(rest.prefix(count))), on: link, toServer: toServer)
            rest = rest.dropFirst(count)
            arrival += world.random.time(mean: max(1, link.latency / 4))
        }
        put(Link.Pipe.Segment(arrival: arrival, bytes: Array(rest), isEnd: isEnd), on: link, toServer: toServer)
    }

    private func put(_ segment: Link.Pipe.Segment, on link: Link, toServer: Bool) {
        if toServer { link.up.put(segment) } else { link.down.put(segment) }
        world.add(.arrival(link: link.number, atServer: toServer), at: segment.arrival)
    }

    /// Bytes arrive at one side.
    private func arrive(_ link: Link, atServer: Bool) {
        world.noteArrival(on: link)
        guard !link.isReset, !link.isBlackHole else { return }
        if world.now < link.stalledUntil {
            return world.add(.arrival(link: link.number, atServer: atServer), at: link.stalledUntil)
        }
        if atServer {
            let hadAll = link.up.arrived.isEmpty
            guard link.up.advance(to: world.now), link.isOpenAtServer else { return }
            if hadAll { link.lastAttention = world.now }
            link.readEdge = true
            if link.up.hasEnded { link.endEdge = true }
            markReady(link)
        } else {
            guard link.down.advance(to: world.now), link.isOpenAtPerson else { return }
            world.person(link.person).readable(link)
            if link.down.hasEnded, link.down.arrived.isEmpty, link.isOpenAtPerson {
                link.isOpenAtPerson = false
                link.up.isClosed = true
                world.person(link.person).ended(link, inOrder: true)
            }
        }
    }

    /// There may be room again, or something to receive that was not given before.
    private func notify(_ link: Link) {
        guard link.isOpenAtServer, !link.isReset else { return }
        if link.down.wasRefused, link.down.load < link.capacity {
            link.down.wasRefused = false
            link.writeEdge = true
        }
        if !link.up.arrived.isEmpty || link.up.hasEnded { link.readEdge = true }
        markReady(link)
    }

    private func tellServer(_ link: Link) {
        guard link.isOpenAtServer else { return }
        link.readEdge = true
        link.endEdge = true
        markReady(link)
    }

    private func markReady(_ link: Link) {
        if link.token != nil, !readyLinks.contains(where: { $0 === link }) { readyLinks.append(link) }
    }
}

/// The system calls.
extension Network {
    /// What a wait finds.
    func poll() -> (ready: [Readiness], hasArrivals: Bool) {
        defer {
            readyLinks.removeAll(keepingCapacity: true)
            arrivalEdge = false
        }
        if isEdgeTriggered {
            let ready = readyLinks.compactMap { link -> Readiness? in
                defer { (link.readEdge, link.writeEdge, link.endEdge) = (false, false, false) }
                guard let token = link.token, link.readEdge || link.writeEdge || link.endEdge else { return nil }
                return Readiness(
                    token: token, isReadable: link.readEdge || link.endEdge, isWritable: link.writeEdge,
                    isEnding: link.endEdge)
            }
            return (ready, arrivalEdge && !arrivals.isEmpty)
        }
        let ready = streams.compactMap { link -> Readiness? in
            guard let link, let token = link.token else { return nil }
            let isReadable = link.wantsRead && (!link.up.arrived.isEmpty || link.up.hasEnded)
            let isWritable = link.wantsWrite && !link.isBlackHole && link.down.load < link.capacity
            // Of one that nothing is wanted of nothing is told, as `PollPoller` does it.
            let isBroken = link.isReset && (link.wantsRead || link.wantsWrite)
            guard isReadable || isWritable || isBroken else { return nil }
            return Readiness(
                token: token, isReadable: isReadable || isBroken, isWritable: isWritable, isEnding: isBroken)
        }
        return (ready, isAccepting && !arrivals.isEmpty)
    }

    func accept() -> Acceptance {
        guard !arrivals.isEmpty, isListening else { return .wouldBlock }
        if isExhausted { return .exhausted(SystemError(code: 24, operation: "accept a connection")) }
        let link = arrivals.removeFirst()
        if link.isReset || world.random.happens(world.faults.refusedConnect / 10) { return .aborted }
        link.isOpenAtServer = true
        link.lastAttention = world.now
        openStreams += 1
        let address = SocketAddress(address: IPAddress(v4: 0x0A00_0001 + UInt32(link.person)), port: 40000)
        if let free = streams.firstIndex(where: { $0 == nil }) {
            streams[free] = link
            return .accepted(Int32(free), address)
        }
        streams.append(link)
        return .accepted(Int32(streams.count - 1), address)
    }

    func watch(_ stream: Int32, token: UInt64) -> Bool {
        guard let link = link(stream) else { return false }
        link.token = token
        link.wantsRead = true
        link.wantsWrite = false
        // What has arrived before is told of, too.
        if !link.up.arrived.isEmpty || link.up.hasEnded || link.isReset {
            link.readEdge = true
            link.endEdge = link.up.hasEnded || link.isReset
            markReady(link)
        }
        return true
    }

    func setInterest(_ stream: Int32, read: Bool? = nil, write: Bool? = nil) {
        guard let link = link(stream) else { return }
        if let read { link.wantsRead = read }
        if let write { link.wantsWrite = write }
    }

    func receive(_ stream: Int32, into buffer: inout [UInt8]) -> Reception {
        guard let link = link(stream) else { return .failed(9) }
        if link.isReset { return .failed(104) }
        if link.up.arrived.isEmpty { return link.up.hasEnded ? .end : .wouldBlock }
        if world.random.happens(world.faults.spuriousReadiness) {
            world.add(.readiness(link: link.number), at: world.now + 1_000_000)
            return .wouldBlock
        }
        var count = min(buffer.count, link.up.arrived.count)
        if count > 1, world.random.happens(world.faults.partialReceive) {
            count = world.random.happens(0.5) ? 1 : world.random.number(1...count - 1)
            world.add(.readiness(link: link.number), at: world.now + 1_000_000)
        }
        link.lastAttention = world.now
        buffer.replaceSubrange(0..<count, with: link.up.arrived[..<count])
        link.up.arrived.removeFirst(count)
        return .received(count)
    }

    func send(_ stream: Int32, _ bytes: Span<UInt8>) -> Transmission {
        guard let link = link(stream) else { return .failed(9) }
        if link.isReset { return .failed(104) }
        if link.down.isClosed { return .failed(32) }
        if world.random.happens(world.faults.exhaustedSend) { return .exhausted }
        var count = min(bytes.count, max(0, link.capacity - link.down.load))
        let isHindered = world.random.happens(world.faults.partialSend)
        if isHindered, count > 1 { count = world.random.number(1...count - 1) }
        if world.random.happens(world.faults.refusedSend) { count = 0 }
        if count < bytes.count {
            link.down.wasRefused = true
            // Where there is room it is told of soon; else when the person has read.
            if link.down.load + count < link.capacity {
                world.add(.readiness(link: link.number), at: world.now + world.random.time(mean: 5_000_000))
            }
        }
        guard count > 0 else { return .wouldBlock }
        if link.isBlackHole {
            // It is kept to be sent again and again.
            link.down.put(Link.Pipe.Segment(arrival: .max, bytes: (0..<count).map { bytes[$0] }))
        } else if link.isOpenAtPerson {
            put((0..<count).map { bytes[$0] }, isEnd: false, on: link, toServer: false)
        } else {
            // The person is gone: its kernel answers with a reset.
            reset(link)
        }
        return .sent(count)
    }

    func finishSending(_ stream: Int32) {
        guard let link = link(stream), !link.isReset, !link.down.isClosed else { return }
        link.down.isClosed = true
        if link.isOpenAtPerson, !link.isBlackHole { put([], isEnd: true, on: link, toServer: false) }
    }

    func close(_ stream: Int32) {
        guard let link = link(stream) else {
            return world.fail("a descriptor was closed that is not open: \(stream)")
        }
        link.wasClosedByServer = !link.isReset && !link.up.hasEnded
        world.noteClosed(link)
        finishSending(stream)
        streams[Int(stream)] = nil
        openStreams -= 1
        link.isOpenAtServer = false
        link.token = nil
        // Closing over bytes that were not read is a reset, and may cost the peer what is still under way.
        if !link.up.arrived.isEmpty, world.random.happens(0.5) { reset(link) }
    }

    private func link(_ stream: Int32) -> Link? {
        stream >= 0 && Int(stream) < streams.count ? streams[Int(stream)] : nil
    }
}
