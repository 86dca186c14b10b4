/// What was asked for, against what has come of it.
extension Order {
    mutating func checkRequests() {
        let floors = floors()
        var newest: [String: [Int: (seq: UInt64, id: String)]] = [:]
        for (place, request) in evidence.requests.enumerated() {
            guard let id = request.message.id, let made = made(by: request) else { continue }
            let floor = max(request.known, floors[place])
            if made.seq <= floor {
                report.add(
                    .realTime, request.client, "\(id) was sent when event \(floor) was known, and is event \(made.seq)")
            }
            guard !request.isRepeated else { continue }
            if let event = evidence.events[made.seq], let text = event.text, let said = request.message.text,
                event.event.type == request.message.type, text != said
            {
                report.add(.asSaid, request.client, "\(id) said “\(said)”, and event \(made.seq) says “\(text)”")
            }
            if let last = newest[request.client]?[request.connection], last.seq > made.seq {
                report.add(
                    .askedOrder, request.client,
                    "\(id) was sent behind \(last.id), and is event \(made.seq) before \(last.seq)")
            }
            newest[request.client, default: [:]][request.connection] = (made.seq, id)
        }
        for (place, seq, known) in evidence.done {
            let request = evidence.requests[place]
            guard let id = request.message.id, let made = made(by: request), made.seq != seq else { continue }
            // What changes nothing uses up no identifier: asked for once more, it may be an event.
            if known < made.seq { continue }
            // A power cut may have taken the event that it was, and left what came of it.
            if options.mayLoseEvents, known.epoch > made.seq.epoch { continue }
            report.add(.onceOnly, request.client, "\(id) is told to be done by \(seq), and was event \(made.seq)")
        }
    }

    /// The event that a request has made.
    private func made(by request: Evidence.Request) -> (seq: UInt64, time: Int64, count: Int)? {
        ids[Evidence.RequestName(author: request.user, id: request.message.id ?? "")]
    }

    /// The newest seq that anybody knew before each request was sent for the first time.
    private func floors() -> [UInt64] {
        var floors = [UInt64](repeating: 0, count: evidence.requests.count)
        guard options.sharesClock else { return floors }
        let sightings = evidence.sightings.sorted { $0.at < $1.at }
        let timed = evidence.requests.indices.compactMap { place in evidence.requests[place].at.map { (place, $0) } }
        var (next, newest) = (0, UInt64(0))
        for (place, at) in timed.sorted(by: { $0.1 < $1.1 }) {
            while next < sightings.count, sightings[next].at < at {
                newest = max(newest, sightings[next].seq)
                next += 1
            }
            floors[place] = newest
        }
        return floors
    }

    // MARK: What was shown

    mutating func checkPages() {
        let seqs = evidence.events.keys.sorted()
        let spoken = seqs.filter { evidence.events[$0]?.event.type == "message" }
        for page in evidence.pages {
            let all = page.isEmpty ? seqs : spoken
            let first = all.partitioningIndex { $0 >= page.low }
            for seq in all[first...].prefix(while: { $0 <= page.high }) where !page.shown.contains(seq) {
                if options.mayLoseEvents, seq.epoch < page.asOf.epoch { continue }
                let range = "\(page.low)…\(page.high)"
                report.add(
                    .noGap, page.client,
                    page.isEmpty
                        ? "nothing was told between \(range), and there is event \(seq)"
                        : "message \(seq) is left out of \(range)")
                break
            }
        }
    }

    mutating func checkShowings() {
        for showing in evidence.showings {
            if let (rule, reason) = messages.mistake(in: showing) { report.add(rule, showing.client, reason) }
        }
    }
}

extension Array {
    /// The place of the first element for which something holds that holds for all after it.
    func partitioningIndex(where holds: (Element) -> Bool) -> Int {
        var (low, high) = (0, count)
        while low < high {
            let middle = (low + high) / 2
            if holds(self[middle]) { high = middle } else { low = middle + 1 }
        }
        return low
    }
}
