import Support
import Testing

/// Who may read the metrics, and what they say.
@Suite struct MetricsTests {
    @Test func thoseOnTheSameMachineMayReadThem() throws {
        let server = try LiveServer()
        let answer = try server.request("GET", "/metrics")
        #expect(answer.status == 200)
        #expect(answer["Content-Type"]?.hasPrefix("text/plain; version=0.0.4") == true)
        for field in ["X-Forwarded-For: 127.0.0.1", "Forwarded: for=127.0.0.1", "X-Forwarded-For:"] {
            #expect(try server.request("GET", "/metrics", [field]).status == 404)
        }
    }

    @Test func orEveryoneOrNobody() throws {
        let open = try LiveServer("--metrics", "public")
        #expect(try open.request("GET", "/metrics", ["X-Forwarded-For: 192.0.2.1"]).status == 200)
        let closed = try LiveServer("--metrics", "off")
        #expect(try closed.request("GET", "/metrics").status == 404)
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

    /// The text is what Prometheus reads: each series once, with a type before it and a number behind.
    @Test func theTextIsWellFormed() throws {
        let text = try LiveServer().request("GET", "/metrics").text
        var series: Set<Substring> = []
        var types: Set<Substring> = []
        for line in text.split(separator: "\n") {
            let words = line.split(separator: " ")
            if words[0] == "#" {
                if words[1] == "TYPE" { #expect(types.insert(words[2]).inserted) }
                continue
            }
            #expect(words.count == 2 && Double(words[1]) != nil && series.insert(words[0]).inserted, "\(line)")
            let name = words[0].prefix { $0 != "{" }
            let family = ["_bucket", "_sum", "_count"].reduce(name) { $0.hasSuffix($1) ? $0.dropLast($1.count) : $0 }
            #expect(types.contains(name) || types.contains(family), "\(line)")
        }
        #expect(series.count > 30 && text.hasSuffix("\n"))
    }
}
