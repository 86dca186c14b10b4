/// What has come out of a run.
package struct LoadReport: Sendable {
    let options: LoadOptions
    let storm: Storm
    let from: Snapshot
    let to: Snapshot
    let latencies: LatencyHistogram
    let ledger: Ledger
    let dropped: Int
    let dropReason: String?

    // MARK: What is wrong

    /// Messages and notices that never came.
    var lost: UInt64 { ledger.lost + missing(storm.noticesExpected, storm.notices) }
    /// Messages and notices that came more than once.
    var doubled: UInt64 { ledger.doubled + missing(storm.notices, storm.noticesExpected) }

    private func missing(_ wanted: UInt64, _ found: UInt64) -> UInt64 { wanted > found ? wanted - found : 0 }

    /// Whether everyone has heard everything, once and in order, and nobody was dropped.
    package var isCorrect: Bool { lost == 0 && doubled == 0 && ledger.isCorrect && dropped == 0 }

    /// What is wrong, in a line; nil if nothing is.
    package var complaint: String? {
        guard !isCorrect else { return nil }
        var text = "\(lost) lost, \(doubled) doubled, \(ledger.reordered) out of order"
        if ledger.foreign > 0 { text += ", \(ledger.foreign) that nobody has sent" }
        if dropped > 0 { text += "; \(dropped) connections dropped\(dropReason.map { " (\($0))" } ?? "")" }
        return text
    }

    // MARK: Figures

    var seconds: Double { Double(to.time - from.time) / 1e9 }
    var sent: UInt64 { to.sent - from.sent }
    var deliveries: UInt64 { to.deliveries - from.deliveries }
    var joins: UInt64 { to.joins - from.joins }
    var ownCPU: Double { Double(to.ownProcessor - from.ownProcessor) / 1e9 }

    /// Seconds of the server's processor time between two moments; nil where its process is not known.
    private func serverCPU(_ from: Snapshot, _ to: Snapshot) -> Double? {
        guard let begin = from.serverProcessor, let end = to.serverProcessor else { return nil }
        return Double(end - begin) / 1e9
    }

    private func microseconds(_ seconds: Double?, per count: UInt64) -> Double? {
        count > 0 ? seconds.map { $0 * 1e6 / Double(count) } : nil
    }

    /// What a silent connection takes of the server's memory, in KiB.
    private var memoryPerConnection: Double? {
        guard let before = storm.before.serverMemory, let after = to.serverMemory, options.mode != .churn else {
            return nil
        }
        return Double(after - before) / 1024 / Double(options.clients)
    }

    private var stormSeconds: Double { Double(storm.drained.time - storm.connected.time) / 1e9 }
    private var connectSeconds: Double { Double(storm.connected.time - storm.before.time) / 1e9 }
    private var hasStorm: Bool { storm.noticesExpected > 0 }

    // MARK: For machines

    package var json: String {
        var object = JSONObject()
        object.add("mode", options.mode.rawValue)
        object.add("clients", options.clients)
        switch options.mode {
        case .fanout:
            object.add("senders", options.senders)
            object.add("window", options.window)
        case .paced:
            object.add("senders", options.senders)
            object.add("rate", options.rate)
            object.add("hidden", options.hidden)
        case .echo: object.add("window", options.window)
        case .idle, .churn: break
        }
        object.add("payload", options.payload)
        object.add("seconds", seconds)
        addFigures(to: &object)
        if hasStorm { addStorm(to: &object) }
        object.add("lost", lost)
        object.add("doubled", doubled)
        object.add("reordered", ledger.reordered)
        object.add("foreign", ledger.foreign)
        object.add("dropped", dropped)
        object.add("correct", isCorrect)
        return object.ended + "\n"
    }

    private func addFigures(to object: inout JSONObject) {
        let server = serverCPU(from, to)
        switch options.mode {
        case .fanout, .paced, .echo:
            object.add("sent", sent)
            object.add("sentPerSecond", Double(sent) / seconds, digits: 1)
            object.add("deliveries", deliveries)
            object.add("deliveriesPerSecond", Double(deliveries) / seconds, digits: 1)
            object.add("serverMicrosecondsPerDelivery", microseconds(server, per: deliveries), digits: 4)
        case .churn:
            object.add("joins", joins)
            object.add("joinsPerSecond", Double(joins) / seconds, digits: 1)
            object.add("serverMicrosecondsPerJoin", microseconds(server, per: joins), digits: 2)
        case .idle: object.add("serverKiBPerConnection", memoryPerConnection)
        }
        object.add("serverCPUSeconds", server)
        object.add("ownCPUSeconds", ownCPU)
        guard latencies.total > 0 else { return }
        var latency = JSONObject()
        latency.add("samples", latencies.total)
        for (name, part) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p999", 0.999), ("max", 1)] {
            latency.add(name, Double(latencies.percentile(part)) / 1000, digits: 1)
        }
        object.add("latencyMicroseconds", latency)
    }

    private func addStorm(to object: inout JSONObject) {
        var joining = JSONObject()
        joining.add("connectSeconds", connectSeconds)
        joining.add("connectServerCPUSeconds", serverCPU(storm.before, storm.connected))
        joining.add("seconds", stormSeconds)
        joining.add("serverCPUSeconds", serverCPU(storm.connected, storm.drained))
        joining.add("notices", storm.notices)
        object.add("joinStorm", joining)
    }

    // MARK: For people

    package var text: String {
        var lines = ["\(title), \(fixed(seconds, 1)) s"]
        if hasStorm {
            let cpu = serverCPU(storm.connected, storm.drained).map { ", \(fixed($0, 3)) s of the server's CPU" } ?? ""
            lines.append("joining     \(fixed(stormSeconds, 3)) s for \(storm.notices) notices\(cpu)")
        }
        let server = serverCPU(from, to)
        switch options.mode {
        case .fanout, .paced, .echo:
            lines.append("sent        \(rounded(Double(sent) / seconds))/s")
            lines.append("delivered   \(rounded(Double(deliveries) / seconds))/s")
            if let each = microseconds(server, per: deliveries) {
                lines.append("server      \(fixed(each, 4)) µs CPU per delivery")
            }
        case .churn:
            lines.append("joined      \(rounded(Double(joins) / seconds))/s")
            if let each = microseconds(server, per: joins) {
                lines.append("server      \(fixed(each, 2)) µs CPU for connecting, joining and leaving")
            }
        case .idle:
            if let memory = memoryPerConnection { lines.append("server      \(fixed(memory, 3)) KiB per connection") }
        }
        if let server {
            lines.append(
                "CPU         server \(fixed(100 * server / seconds, 1)) %, load \(fixed(100 * ownCPU / seconds, 1)) %")
        } else {
            lines.append("CPU         load \(fixed(100 * ownCPU / seconds, 1)) %; --pid PID shows the server's")
        }
        if latencies.total > 0 { lines.append("latency     \(latencyText)") }
        lines.append("correct     \(complaint.map { "NO: \($0)" } ?? "yes: nothing lost, doubled or out of order")")
        return lines.map { $0 + "\n" }.joined()
    }

    private var title: String {
        switch options.mode {
        case .fanout: "fanout: \(options.clients) clients, \(options.senders) senders with \(options.window) in flight"
        case .paced:
            "paced: \(options.clients) clients\(options.hidden > 0 ? ", \(options.hidden) of them hidden" : ""), "
                + "\(fixed(options.rate, 1)) messages/s of \(options.senders) senders"
        case .idle: "idle: \(options.clients) clients"
        case .churn: "churn: \(options.clients) at a time"
        case .echo: "echo: \(options.clients) clients with \(options.window) in flight"
        }
    }

    private var latencyText: String {
        [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999), ("max", 1)]
            .map { name, part in "\(name) \(fixed(Double(latencies.percentile(part)) / 1000, 0)) µs" }.joined(
                separator: ", ")
    }
}
