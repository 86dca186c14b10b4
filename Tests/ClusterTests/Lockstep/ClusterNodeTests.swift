import Cluster
import Testing

/// A node's two connections: when they are made, and what becomes of a node whose engine is not there.
@Suite struct ClusterNodeTests {
    private func node() throws -> ClusterNode {
        let address = try #require(ClusterAddress("redis://h/2"))
        return ClusterNode(at: address, as: Incarnation(bits: 5), name: "n", rules: [], now: 0)
    }

    private static func bulk(_ text: String) -> String { "$\(text.utf8.count)\r\n\(text)\r\n" }

    /// What an engine answers to the opening of a connection for commands.
    private static let opening: [UInt8] = {
        let settings = [
            ("appendonly", "yes"), ("appendfsync", "always"), ("no-appendfsync-on-rewrite", "no"),
            ("maxmemory-policy", "noeviction"),
        ]
        let information = ["redis_version:7.2.4\r\nrun_id:r", "role:master\r\nmaster_replid:p", "cluster_enabled:0"]
        let texts =
            ["+OK\r\n+OK\r\n"] + settings.map { "*2\r\n" + bulk($0.0) + bulk($0.1) } + information.map { bulk($0) }
            + EngineScript.all.map { _ in "+digest\r\n" }
        return Array(texts.joined().utf8)
    }()

    /// Both connections are open, and the engine knows the node.
    private func begin(_ node: inout ClusterNode, now: Int64) {
        for role in [EngineConnection.Role.commands, .subscriptions] { node.opened(role, now: now) }
        node.received(.subscriptions, Array("+OK\r\n+OK\r\n".utf8).span, now: now)
        node.received(.commands, Self.opening.span, now: now)
        node.received(.commands, Array("*4\r\n+ok\r\n:1\r\n:0\r\n:0\r\n".utf8).span, now: now)
    }

    @Test func beginning_connectsOpensAndAttaches() throws {
        var node = try node()
        #expect(node.nextDeadline == 0)
        node.tick(now: 0)
        #expect(node.takeOutputs() == [.connect])
        node.opened(.commands, now: 0)
        node.opened(.subscriptions, now: 0)
        #expect(
            String(decoding: node.takeBytes(.commands), as: UTF8.self).contains("SETNAME\r\n$19\r\nchatloop-n-commands")
        )
        #expect(String(decoding: node.takeBytes(.subscriptions), as: UTF8.self).contains("SELECT"))
        #expect(node.takeBytes(.commands).isEmpty)
        node.open("a")
        node.received(.commands, Self.opening.span, now: 1)
        // Not before the other is open, too.
        #expect(node.takeBytes(.commands).isEmpty)
        node.received(.subscriptions, Array("+OK\r\n+OK\r\n".utf8).span, now: 1)
        #expect(String(decoding: node.takeBytes(.commands), as: UTF8.self).contains("EVALSHA"))
        node.received(.commands, Array("*4\r\n+ok\r\n:1\r\n:0\r\n:0\r\n".utf8).span, now: 1)
        #expect(node.takeOutputs() == [.room(.keeping(true))])
        #expect(String(decoding: node.takeBytes(.subscriptions), as: UTF8.self).contains("chatloop:2:room:a"))
        node.received(
            .subscriptions, Array("*3\r\n$9\r\nsubscribe\r\n$17\r\nchatloop:2:room:a\r\n:1\r\n".utf8).span, now: 1)
        #expect(String(decoding: node.takeBytes(.commands), as: UTF8.self).contains("chatloop:snapshot:a"))
    }

    @Test func engineThatIsNotThereAtTheStart_endsTheNode() throws {
        var node = try node()
        node.tick(now: 0)
        _ = node.takeOutputs()
        node.closed(because: "connection refused", now: 0)
        #expect(node.takeOutputs() == [.disconnect, .end(.fault(.unreachable("connection refused")))])
        node.tick(now: 100_000)
        #expect(node.takeOutputs() == [] && node.nextDeadline == .max)
    }

    @Test func settingsThatWillNotDo_endTheNodeAtTheStart() throws {
        var node = try node()
        node.tick(now: 0)
        node.opened(.commands, now: 0)
        _ = node.takeOutputs()
        let answers = String(decoding: Self.opening, as: UTF8.self).replacing("always", with: "never!")
        node.received(.commands, Array(answers.utf8).span, now: 0)
        let shortcoming = EngineFault.Shortcoming(setting: "appendfsync", value: "never!", needed: "always")
        #expect(node.takeOutputs() == [.disconnect, .end(.fault(.settings([shortcoming])))])
    }

    @Test func keysOfAnotherProgram_endTheNodeAtTheStart() throws {
        var node = try node()
        node.tick(now: 0)
        for role in [EngineConnection.Role.commands, .subscriptions] { node.opened(role, now: 0) }
        node.received(.subscriptions, Array("+OK\r\n+OK\r\n".utf8).span, now: 0)
        node.received(.commands, Self.opening.span, now: 0)
        _ = node.takeOutputs()
        node.received(.commands, Array("*2\r\n$7\r\nforeign\r\n$1\r\nx\r\n".utf8).span, now: 0)
        #expect(node.takeOutputs() == [.disconnect, .end(.fault(.foreignKeys("x")))])
    }

    @Test func engineThatStillLoads_isWaitedForAtTheStart() throws {
        var node = try node()
        node.tick(now: 0)
        node.opened(.commands, now: 0)
        _ = node.takeOutputs()
        node.received(.commands, Array("-LOADING wait\r\n".utf8).span, now: 0)
        #expect(node.takeOutputs() == [.disconnect, .trouble(.busy)])
        #expect((ClusterNode.shortestWait / 2...ClusterNode.shortestWait).contains(node.nextDeadline))
    }

    @Test func lostConnection_isMadeAnewAfterLongerAndLongerWaits() throws {
        var node = try node()
        node.tick(now: 0)
        begin(&node, now: 0)
        _ = node.takeOutputs()
        var now: Int64 = 1000
        node.closed(because: "reset", now: now)
        #expect(node.takeOutputs() == [.disconnect, .trouble(.unreachable("reset")), .room(.keeping(false))])
        #expect(node.takeBytes(.commands).isEmpty)
        var waits: [Int64] = []
        for _ in 0..<10 {
            let end = now
            var outputs: [ClusterNode.Output] = []
            while outputs.isEmpty {
                now = node.nextDeadline
                node.tick(now: now)
                outputs = node.takeOutputs()
            }
            #expect(outputs == [.connect])
            waits.append(now - end)
            // Also one whose password has been changed meanwhile.
            node.opened(.commands, now: now)
            node.received(.commands, Array("-WRONGPASS x\r\n".utf8).span, now: now)
            #expect(node.takeOutputs() == [.disconnect, .trouble(.passwordWrong)])
        }
        for (wait, longest) in zip(waits, [100, 200, 400, 800, 1600, 3200, 5000, 5000] as [Int64]) {
            #expect((longest / 2...longest).contains(wait))
        }
        // Once something can be kept again, the waits begin anew.
        now += ClusterNode.longestWait
        node.tick(now: now)
        begin(&node, now: now)
        #expect(node.takeOutputs() == [.connect, .room(.keeping(true))])
        node.closed(because: "reset", now: now)
        #expect(node.nextDeadline - now <= ClusterNode.shortestWait)
    }

    @Test func silentEngine_isGivenUp() throws {
        var node = try node()
        node.tick(now: 0)
        begin(&node, now: 0)
        _ = node.takeOutputs()
        var now: Int64 = 0
        while now < 30_000, !node.takeOutputs().contains(.disconnect) {
            now = max(now + 1, node.nextDeadline)
            node.tick(now: now)
        }
        #expect((EngineConnection.patience...EngineConnection.patience + 5000).contains(now))
    }

    @Test func noticeThatCannotBeRead_endsTheConnections() throws {
        var node = try node()
        node.tick(now: 0)
        begin(&node, now: 0)
        _ = node.takeOutputs()
        let notice = "*3\r\n$7\r\nmessage\r\n$17\r\nchatloop:2:room:a\r\n$1\r\n?\r\n"
        node.received(.subscriptions, Array(notice.utf8).span, now: 0)
        #expect(node.takeOutputs().first == .disconnect)
    }
}
