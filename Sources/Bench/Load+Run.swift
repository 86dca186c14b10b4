import Bytes
import Sockets

/// The load proper.
extension Load {
    /// Runs from the first connection to the last.
    package func run() throws(LoadFailure) -> LoadReport {
        defer { leaveAll() }
        if let process = options.process, ProcessUsage.of(process: process) == nil {
            throw .unavailable("process \(process) cannot be looked at")
        }
        let storm = options.mode == .churn ? Storm() : try setUp()
        let (from, to) = try drive()
        return LoadReport(
            options: options, storm: storm, from: from, to: to, latencies: latencies, ledger: ledger, dropped: dropped,
            dropReason: dropReason)
    }

    /// Warms up, measures, and waits for what is under way.
    ///
    /// - Returns: how things stood at both ends of the time that is measured.
    private func drive() throws(LoadFailure) -> (from: Snapshot, to: Snapshot) {
        let start = Clock.monotonic
        let measured = start + Int64(options.warmUp * 1e9)
        sampled = measured..<measured + Int64(options.duration * 1e9)
        isDriving = true
        begin(mode: options.mode, at: start)
        var from: Snapshot?
        var now = start
        while now < sampled.upperBound, dropped == 0 {
            if from == nil, now >= sampled.lowerBound { from = snapshot() }
            var next = from == nil ? sampled.lowerBound : sampled.upperBound
            if options.mode == .paced {
                pace()
                next = min(next, nextDue)
            }
            // Rounded down: the last part of a millisecond goes by without sleeping, so that what is due is not late.
            try turn(milliseconds: Int32(clamping: min(100, max(0, next - Clock.monotonic) / 1_000_000)))
            now = Clock.monotonic
            progress.show {
                "\(fixed(Double(now - start) / 1e9, 1)) s, \(ledger.deliveries) deliveries, \(joins) joins"
            }
        }
        let to = snapshot()
        isDriving = false
        try settle()
        ledger.close()
        return (from ?? to, to)
    }

    /// Waits until all has arrived that was sent or, in churn, until everyone has left.
    private func settle() throws(LoadFailure) {
        lastArrival = Clock.monotonic
        func isSettled() -> Bool {
            options.mode == .churn ? clients.allSatisfy { $0.phase == .vacant } : ledger.isSettled
        }
        while dropped == 0, !isSettled(), Clock.monotonic - lastArrival < patience { try turn(milliseconds: 50) }
        // Who was not let in or out until now has been lost.
        if options.mode == .churn { dropped += clients.count { $0.phase != .vacant } }
    }

    // MARK: What each mode does

    private func begin(mode: LoadMode, at start: Int64) {
        switch mode {
        case .idle: break
        case .churn: for index in 0..<options.clients { dial(index) }
        case .fanout, .paced, .echo:
            chooseSenders()
            hide()
            paceStart = start
            guard mode != .paced else { return }
            for index in senders {
                say(index, options.window, at: start)
                flush(index)
            }
        }
    }

    /// Spreads senders, and those whose latency is recorded, over the room.
    private func chooseSenders() {
        let count = options.mode == .echo ? options.clients : options.senders
        senders = (0..<count).map { spread($0, count) }
        for (sender, index) in senders.enumerated() { clients[index].sender = sender }
        // To read the clock for each of thousands of receivers would be a load of its own.
        let samples = min(64, options.clients)
        for place in 0..<samples { clients[spread(place, samples)].isSampled = true }
        ledger = Ledger(receivers: options.clients, senders: count, isEcho: options.mode == .echo)
    }

    /// Has clients that do not speak say that nobody looks at them. Their latencies are not recorded.
    private func hide() {
        var left = options.hidden
        for index in clients.indices where left > 0 && clients[index].sender == nil {
            left -= 1
            clients[index].isSampled = false
            let message = Array(#"{"type":"pace","slow":true}"#.utf8)
            clients[index].connection.send(message.span, key: UInt32(truncatingIfNeeded: entropy.next()))
            flush(index)
        }
    }

    /// The client in the middle of the `place`-th of `count` equal parts.
    private func spread(_ place: Int, _ count: Int) -> Int { (2 * place + 1) * options.clients / (2 * count) }

    /// Has a client send some messages, with the next flush.
    private func say(_ index: Int, _ count: Int, at time: Int64) {
        guard let sender = clients[index].sender, clients[index].phase != .vacant else { return }
        for _ in 0..<count {
            let stamp = Stamp(sender: sender, number: ledger.say(sender), time: time)
            maker.send(stamp, over: &clients[index].connection, key: UInt32(truncatingIfNeeded: entropy.next()))
        }
    }

    /// When the next message is due at a fixed rate (ns).
    private var nextDue: Int64 { paceStart + Int64(Double(paced) * 1e9 / options.rate) }

    /// Sends what is due. Its stamp is the time at which it was, so that a stall of the server, or here, is not hidden by the
    /// messages that it delays.
    func pace() {
        guard isDriving, options.mode == .paced else { return }
        let now = Clock.monotonic
        while nextDue <= now {
            let index = senders[paced % senders.count]
            say(index, 1, at: nextDue)
            flush(index)
            paced += 1
        }
    }

    // MARK: What follows from what is heard

    /// A message has come in.
    ///
    /// - Parameter now: 0 unless the client's latencies are recorded (ns).
    func heard(_ index: Int, _ text: Span<UInt8>, _ now: Int64) {
        switch classifier.classify(text) {
        case .message(let stamp):
            ledger.deliver(to: index, from: stamp.sender, number: stamp.number)
            if clients[index].sender == stamp.sender { clients[index].returned += 1 }
            if now > 0, sampled.contains(stamp.time) { latencies.record(now - stamp.time) }
        case .join: notices += 1
        case .welcome: joined(index)
        case .refusal: failure = failure ?? .refused(String(copying: text))
        case .other: break
        case .nonsense: failure = failure ?? .noChat("a message came that is none of a chat's")
        }
    }

    private func joined(_ index: Int) {
        guard clients[index].phase == .joining else { return }
        clients[index].phase = .joined
        joins += 1
        guard options.mode == .churn else { return }
        if sampled.contains(clients[index].started) { latencies.record(Clock.monotonic - clients[index].started) }
        leave(index)
    }

    /// All that had come in has been heard.
    func respond(_ index: Int) {
        let count = clients[index].returned
        guard count > 0 else { return }
        clients[index].returned = 0
        guard isDriving, options.mode == .fanout || options.mode == .echo else { return }
        say(index, count, at: Clock.monotonic)
        flush(index)
    }

    /// A connection has ended as it should.
    func left(_ index: Int) {
        if isDriving, options.mode == .churn { dial(index) }
    }
}

extension String {
    /// The text of some UTF-8.
    fileprivate init(copying text: Span<UInt8>) {
        var bytes: [UInt8] = []
        for place in text.indices { bytes.append(text[place]) }
        self.init(decoding: bytes, as: UTF8.self)
    }
}
