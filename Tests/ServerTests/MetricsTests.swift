import Foundation
import Support
import Testing

/// Who may read the metrics, and what they say.
@Suite(.ownThreads) struct MetricsTests {
    @Test func forLoopback_areNotForForwardedRequests() throws {
        let server = try LiveServer("--metrics", "loopback")
        let answer = try server.request("GET", "/metrics")
        #expect(answer.status == 200)
        #expect(answer["Content-Type"]?.hasPrefix("text/plain; version=0.0.4") == true)
        for field in ["X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1", "X-Forwarded-For:"] {
            #expect(try server.request("GET", "/metrics", [field]).status == 404)
        }
    }

    @Test func forThePublic_areForEveryone() throws {
        let open = try LiveServer("--metrics", "public")
        #expect(try open.request("GET", "/metrics", ["X-Forwarded-For: 192.0.2.1"]).status == 200)
    }

    /// A proxy that adds no header would show them to everyone.
    @Test func areForNobody_byDefault() throws {
        let closed = try LiveServer("--metrics", "off")
        #expect(try closed.request("GET", "/metrics").status == 404)
        let child = try Command.start(["serve", "--port", "0", "--ephemeral"])
        let port = try #require(child.line().split(separator: ":").last.flatMap { UInt16($0.dropLast()) })
        let socket = try TestSocket(port: port)
        try socket.send("GET /metrics HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(try socket.answer().status == 404)
    }

    @Test func theyCountWhatHappens() throws {
        let server = try LiveServer()
        let ada = try TestClient(server, as: "Ada")
        let bo = try TestClient(server, as: "Bo", room: "garden")
        try ada.say("one")
        _ = try ada.expect("message")
        try bo.close(.normal)
        _ = try bo.expectClose()
        #expect(try server.metric("messages_total") == 1)
        #expect(try server.metric("joins_total") == 2)
        #expect(try server.metric("leaves_total") == 1)
        #expect(try server.metric("members") == 1)
        #expect(try server.metric("upgrades_total") == 2)
    }

    /// Whatever an operator may want to know has its number.
    @Test func allOfItIsThere() throws {
        let folder = try TemporaryFolder()
        let server = try LiveServer("--data", folder.path)
        _ = try TestClient(server, as: "Ada")
        for name in [
            "connections", "handshakes", "rooms_by_size{people=\"1\"}", "messages_total", "deliveries_total",
            "received_bytes_total", "sent_bytes_total", "tick_seconds_bucket{le=\"+Inf\"}", "tick_seconds_sum",
            "tick_seconds_count", "tick_events_total", "ticks_total", "queue_bytes", "buffer_bytes",
            "losses_total{reason=\"too_slow\"}", "losses_total{reason=\"crowded_out\"}",
            "rejections_total{reason=\"bad_request\"}", "rejections_total{reason=\"foreign_origin\"}",
            "rejections_total{reason=\"full\"}",
            "errors_total{code=\"rate_limited\"}", "history_written_bytes_total", "history_memory_bytes",
            "history_bytes", "history_reads_pending",
            "fsyncs_total", "fsync_seconds_total", "process_cpu_seconds_total", "process_resident_memory_bytes",
            "process_open_fds", "accept_failures_total{reason=\"exhausted\"}", "send_failures_total",
            "log_lines_dropped_total", "max_connections", "history_free_bytes", "process_max_fds",
            "process_start_time_seconds", "build_info{version=\"1.0.0\"}",
        ] {
            #expect(try server.metric(name) >= 0, "\(name)")
        }
    }

    @Test func aboutTheProcess_areTrue() throws {
        let folder = try TemporaryFolder()
        let server = try LiveServer(
            options: ["--max-connections", "40", "--data", folder.path],
            under: ["/bin/sh", "-c", "ulimit -n 500; exec \"$0\" \"$@\""])
        #expect(try server.metric("max_connections") == 40)
        #expect(try server.metric("process_max_fds") == 500)
        let started = try server.metric("process_start_time_seconds")
        #expect(abs(Double(started) - Date().timeIntervalSince1970) < 60)
        #expect(try server.metric("history_free_bytes") > 1_000_000)
        // A join, a message, one that is refused, and one that is nothing.
        let ada = try TestClient(server, as: "Ada")
        try ada.say("hello")
        try ada.say("")
        try ada.send("nonsense")
        _ = try ada.expect("message")
        _ = try ada.expectError("text_empty")
        _ = try ada.expectError("bad_json")
        #expect(try server.metric("messages_received_total") == 4)
    }

    /// The library that Prometheus' own people parse it with.
    @Test func prometheusReadsIt() throws {
        let script = """
            import sys
            from prometheus_client.parser import text_string_to_metric_families
            families = list(text_string_to_metric_families(sys.stdin.read()))
            assert len({f.name for f in families}) == len(families)
            assert all(f.samples and f.documentation and f.type in ("counter", "gauge", "histogram") for f in families)
            print(sum(len(f.samples) for f in families))
            """
        let text = try LiveServer("--metrics", "public").request("GET", "/metrics").text
        guard let python = CrossCheckTests.python(with: "prometheus_client") else { return }
        let child = try Child(python, ["-c", script])
        child.write(text)
        child.closeInput()
        let count = try Int(child.rest().dropLast())
        #expect(count == text.split(separator: "\n").count { !$0.hasPrefix("#") }, "\(child.allErrors())")
    }

    /// The text is what Prometheus reads: each series once, with a type before it and a number behind.
    @Test func theTextIsWellFormed() throws {
        let text = try LiveServer().request("GET", "/metrics").text
        var series: Set<Substring> = []
        var types: Set<Substring> = []
        var current: Substring = ""
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words[0] == "#" {
                if words[1] == "TYPE" {
                    #expect(types.insert(words[2]).inserted && words[2] == current)
                    #expect((words[3] == "counter") == words[2].hasSuffix("_total"), "\(line)")
                } else {
                    #expect(words[1] == "HELP" && words.count > 3)
                    current = words[2]
                }
                continue
            }
            #expect(words.count == 2 && Double(words[1]) != nil && series.insert(words[0]).inserted, "\(line)")
            let name = words[0].prefix { $0 != "{" }
            let family = ["_bucket", "_sum", "_count"].reduce(name) { $0.hasSuffix($1) ? $0.dropLast($1.count) : $0 }
            #expect(types.contains(name) || types.contains(family), "\(line)")
            // All of a family stand together.
            #expect(name == current || family == current, "\(line)")
            #expect(name.allSatisfy { $0.isASCII && ($0.isLowercase || $0.isNumber || $0 == "_") })
        }
        #expect(series.count > 30 && text.hasSuffix("\n"))
        // A bucket includes those before it, and the last has all.
        let buckets = text.split(separator: "\n").filter { $0.hasPrefix("chatloop_tick_seconds_bucket") }
        let counts = buckets.compactMap { $0.split(separator: " ").last.flatMap { Int($0) } }
        #expect(counts.count == 11 && counts == counts.sorted())
        #expect(text.contains("chatloop_tick_seconds_count \(counts.last ?? -1)\n"))
    }
}
