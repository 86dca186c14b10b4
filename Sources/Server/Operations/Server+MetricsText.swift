import Chat
import Platform
import Sockets

/// The metrics in Prometheus' text format, version 0.0.4.
extension Server where W: ~Copyable {
    mutating func metricsText() -> [UInt8] {
        var text = MetricsWriter()
        writeConnections(to: &text)
        writeChat(to: &text)
        writeLoop(to: &text)
        writeStorage(to: &text)
        writeCluster(to: &text)
        writeProcess(to: &text)
        return text.bytes
    }

    private func writeConnections(to text: inout MetricsWriter) {
        text.gauge("connections", "Open connections.", connections.count)
        text.gauge("max_connections", "Connections that may be open.", options.maxConnections ?? 0)
        text.counter("connections_accepted_total", "Connections accepted.", metrics.accepted)
        text.counter(
            "accept_failures_total", "Connections that could not be accepted, by reason.",
            [
                ("reason", "aborted", metrics.abortedAccepts), ("reason", "exhausted", metrics.exhaustedAccepts),
            ])
        text.counter(
            "send_failures_total", "Attempts to send for which the system had no memory.", metrics.exhaustedSends)
        text.counter("http_requests_total", "HTTP requests.", metrics.requests)
        text.counter(
            "http_responses_total", "HTTP responses, by status.",
            metrics.responses.sorted { $0.key < $1.key }.map { ("status", String($0.key), $0.value) })
        text.counter("upgrades_total", "WebSockets opened.", metrics.upgrades)
        text.counter(
            "rejections_total", "Requests and connections turned away, by reason.",
            Rejection.allCases.map { ("reason", $0.rawValue, metrics.rejections[$0] ?? 0) })
        text.counter(
            "losses_total", "Chat connections lost without a close frame, or dropped, by reason.",
            Loss.allCases.map { ("reason", $0.rawValue, metrics.losses[$0] ?? 0) })
        text.counter(
            "closes_total", "Close frames that began here, by code.",
            metrics.closes.sorted { $0.key < $1.key }.map { ("code", String($0.key), $0.value) })
        text.counter("protocol_violations_total", "Connections that broke the WebSocket protocol.", metrics.violations)
        text.counter("pings_total", "Pings sent.", metrics.pings)
        text.counter("received_bytes_total", "Bytes received.", metrics.bytesReceived)
        text.counter("sent_bytes_total", "Bytes sent.", metrics.bytesSent)
        text.gauge("queue_bytes", "Bytes that wait to be sent.", memory.ledger.queuedBytes)
        text.gauge(
            "buffer_bytes", "Memory that all connections hold in queues and unfinished messages.", memory.ledger.bytes)
        text.counter("crowded_out_total", "Connections ended because all together held too much.", metrics.crowdedOut)
        text.gauge("handshakes", "Open connections that have not asked for anything yet.", admission.handshakeCount)
    }

    private func writeChat(to text: inout MetricsWriter) {
        let rooms = chat.rooms.filter { !$0.name.isEmpty }
        text.gauge("rooms", "Rooms in memory.", rooms.count)
        // Room names would be as many series as people make up; so it is counted how many rooms have how many people.
        let bounds = [0, 1, 2, 5, 10, 50, 100, 500, 1000, 5000]
        text.gauges(
            "rooms_by_size", "Rooms with at most so many people.",
            bounds.map { bound in
                ("people", String(bound), rooms.count { $0.memberCount <= bound })
            })
        text.gauge(
            "members", "People in rooms, those in their time of grace included.",
            rooms.reduce(0) { $0 + $1.memberCount })
        text.gauge("members_present", "People in rooms with a connection.", rooms.reduce(0) { $0 + $1.present.count })
        let counters = chat.counters
        text.counter("messages_total", "Messages said.", counters.messages)
        text.counter("repeats_total", "Messages said again with an id that was used before.", counters.repeats)
        text.counter("joins_total", "Joins.", counters.joins)
        text.counter("leaves_total", "Leaves.", counters.leaves)
        text.counter("resumes_total", "Sessions that came back.", counters.resumes)
        text.counter("changes_total", "Events about other events, or about people.", counters.changes)
        text.counter("renames_total", "Changes of name.", counters.renames)
        text.counter("deliveries_total", "Events times those they were sent to.", counters.deliveries)
        text.counter(
            "errors_total", "Requests refused, by code.",
            ErrorCode.allCases.map { ("code", $0.rawValue, counters.refusals[$0] ?? 0) })
    }

    private func writeLoop(to text: inout MetricsWriter) {
        text.counter(
            "log_lines_dropped_total", "Lines of the log that nobody took.", UInt64(clamping: world.droppedLogLines))
        text.counter("ticks_total", "Turns of the loop.", metrics.ticks)
        text.counter("tick_events_total", "Events that ticks have taken in.", metrics.tickEvents)
        text.counter(
            "messages_received_total", "Requests that chat connections sent, of any type, refused ones included.",
            metrics.messagesReceived)
        text.histogram("tick_seconds", "How long ticks take, without the waiting.", metrics.tickDurations)
    }

    private func writeStorage(to text: inout MetricsWriter) {
        guard let history else { return }
        let disk = history.metrics
        text.counter("history_appends_total", "Writes to the history.", disk.appends)
        text.counter("history_written_bytes_total", "Bytes written to the history.", disk.bytesWritten)
        text.gauge("history_bytes", "Bytes of the rooms in memory on the disk.", Int(clamping: history.bytesOnDisk))
        text.gauge("history_memory_bytes", "Memory of the rooms' newest events.", chat.recentBytes)
        text.gauge("history_reads_pending", "Reads that the disk has not answered.", history.pendingReads)
        text.counter("storage_failures_total", "Writes, syncs and reads that failed.", metrics.storageFailures)
        text.counter(
            "events_taken_back_total", "Events refused because they could not be written.", chat.counters.takenBack)
        if let free = metrics.dataFolder.flatMap(freeSpace) {
            text.gauge("history_free_bytes", "Free space where the history is kept.", free)
        }
        text.counter("fsyncs_total", "Syncs to the disk.", disk.syncs)
        text.counter("fsync_seconds_total", "Time spent in syncs.", seconds: disk.syncNanoseconds)
    }

    private mutating func writeCluster(to text: inout MetricsWriter) {
        guard let counters = cluster?.node.takeCounters() else { return }
        text.counter(
            "cluster_records_appended_total", "Records of rooms that this node has appended.", counters.appended)
        text.counter("cluster_records_applied_total", "Records of rooms that this node has applied.", counters.applied)
        text.counter(
            "cluster_gaps_total", "Times that records had not come by themselves, and were read.", counters.gaps)
        text.counter(
            "cluster_repairs_total", "Rooms loaded anew because another node's state was different.", counters.repairs)
        text.gauge(
            "cluster_round_trip_seconds", "The longest time a record took to come back since this was read last.",
            seconds: UInt64(clamping: counters.longestRoundTrip) * 1_000_000)
        text.gauge("cluster_rooms_waiting", "Rooms with records on their way.", cluster?.node.waitingRooms ?? 0)
        text.counter("engine_failures_total", "Times that the engine could not be used.", metrics.storageFailures)
    }

    private func writeProcess(to text: inout MetricsWriter) {
        let usage = ProcessUsage.now
        text.counter(
            "process_cpu_seconds_total", "Processor time.", seconds: UInt64(clamping: usage.cpuNanoseconds),
            isStandard: true)
        text.gauge("process_resident_memory_bytes", "Resident memory.", usage.residentBytes, isStandard: true)
        text.gauge("process_open_fds", "Open descriptors.", usage.openDescriptors, isStandard: true)
        text.gauge("process_max_fds", "Descriptors that may be open.", metrics.mostDescriptors, isStandard: true)
        text.gauge(
            "process_start_time_seconds", "When it was started, in seconds since the Unix epoch.",
            seconds: UInt64(clamping: metrics.startTime * 1_000_000), isStandard: true)
        text.gauges("build_info", "The version that runs.", [("version", chatloopVersion, 1)])
    }
}

/// Writes metrics as Prometheus reads them.
struct MetricsWriter {
    private(set) var bytes: [UInt8] = []

    mutating func gauge(_ name: String, _ help: String, _ value: Int, isStandard: Bool = false) {
        head(name, help, "gauge", isStandard)
        line(name, "", String(value), isStandard)
    }

    mutating func gauge(_ name: String, _ help: String, seconds nanoseconds: UInt64, isStandard: Bool = false) {
        head(name, help, "gauge", isStandard)
        line(name, "", Self.seconds(nanoseconds), isStandard)
    }

    mutating func gauges(_ name: String, _ help: String, _ values: [(label: String, name: String, value: Int)]) {
        head(name, help, "gauge", false)
        for value in values { line(name, "{\(value.label)=\"\(value.name)\"}", String(value.value), false) }
    }

    mutating func counter(_ name: String, _ help: String, _ value: UInt64) {
        head(name, help, "counter", false)
        line(name, "", String(value), false)
    }

    mutating func counter(_ name: String, _ help: String, seconds nanoseconds: UInt64, isStandard: Bool = false) {
        head(name, help, "counter", isStandard)
        line(name, "", Self.seconds(nanoseconds), isStandard)
    }

    mutating func counter(_ name: String, _ help: String, _ values: [(label: String, name: String, value: UInt64)]) {
        guard !values.isEmpty else { return }  // a family without a series is nothing that anyone could show
        head(name, help, "counter", false)
        for value in values { line(name, "{\(value.label)=\"\(value.name)\"}", String(value.value), false) }
    }

    mutating func histogram(_ name: String, _ help: String, _ histogram: Histogram) {
        head(name, help, "histogram", false)
        var total: UInt64 = 0
        for (index, count) in histogram.counts.enumerated() {
            total += count
            let bound = index < Histogram.bounds.count ? Self.seconds(UInt64(Histogram.bounds[index])) : "+Inf"
            line(name + "_bucket", "{le=\"\(bound)\"}", String(total), false)
        }
        line(name + "_sum", "", Self.seconds(UInt64(clamping: histogram.sum)), false)
        line(name + "_count", "", String(total), false)
    }

    private mutating func head(_ name: String, _ help: String, _ type: String, _ isStandard: Bool) {
        let name = isStandard ? name : "chatloop_\(name)"
        bytes += Array("# HELP \(name) \(help)\n# TYPE \(name) \(type)\n".utf8)
    }

    private mutating func line(_ name: String, _ labels: String, _ value: String, _ isStandard: Bool) {
        bytes += Array("\(isStandard ? name : "chatloop_\(name)")\(labels) \(value)\n".utf8)
    }

    private static func seconds(_ nanoseconds: UInt64) -> String {
        let fraction = String(nanoseconds % 1_000_000_000)
        return "\(nanoseconds / 1_000_000_000).\(String(repeating: "0", count: 9 - fraction.count))\(fraction)"
    }
}
