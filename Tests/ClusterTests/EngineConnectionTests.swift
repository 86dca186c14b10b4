import Bytes
import Cluster
import Testing

/// A connection to the engine, whose other end is written by hand.
@Suite struct EngineConnectionTests {
    private static let settings = [
        ("appendonly", "yes"), ("appendfsync", "always"), ("no-appendfsync-on-rewrite", "no"),
        ("maxmemory-policy", "noeviction"),
    ]

    /// What the engine answers to the opening of a connection for commands.
    private func opening(
        before: String = "", settings: [(String, String)] = settings, version: String = "7.0.15",
        role: String = "master", clustered: Int = 0, scripts: String? = nil
    ) -> [UInt8] {
        func bulk(_ text: String) -> String { "$\(text.utf8.count)\r\n\(text)\r\n" }
        let values = settings.map { "*2\r\n" + bulk($0.0) + bulk($0.1) }.joined()
        let server = bulk("# Server\r\nredis_version:\(version)\r\nrun_id:abc\r\n")
        let replication = bulk("# Replication\r\nrole:\(role)\r\nmaster_replid:def\r\n")
        let cluster = bulk("# Cluster\r\ncluster_enabled:\(clustered)\r\n")
        let digests = scripts ?? EngineScript.all.map { _ in "+digest\r\n" }.joined()
        return Array((before + "+OK\r\n" + values + server + replication + cluster + digests).utf8)
    }

    private func connection(
        _ address: String = "redis://h", _ role: EngineConnection.Role = .commands, node: String = "n1"
    ) throws -> EngineConnection {
        EngineConnection(to: try #require(ClusterAddress(address)), as: role, node: node, now: 0)
    }

    /// The first words of what it has sent.
    private func sent(_ connection: inout EngineConnection) throws -> [[String]] {
        var reader = RESPReader()
        reader.receive(connection.output.span)
        connection.output = []
        var commands: [[String]] = []
        while let command = try reader.next() {
            commands.append((command.array ?? []).map { String($0.text?.prefix(40) ?? "?") })
        }
        return commands
    }

    private func opened() throws -> EngineConnection {
        var connection = try connection()
        _ = connection.receive(opening().span, now: 0)
        connection.output = []
        return connection
    }

    private func fault(_ answers: [UInt8], at address: String = "redis://h") throws -> EngineFault? {
        var connection = try connection(address)
        let events = connection.receive(answers.span, now: 0)
        guard case .failed(let fault) = events.last else { return nil }
        #expect(!connection.isOpen && events.count == 1)
        // Nothing follows.
        #expect(connection.receive(Array("+OK\r\n".utf8).span, now: 1) == [] && connection.tick(now: 1 << 40) == [])
        return fault
    }

    // MARK: Opening

    @Test func opening_asksForSettingsAndLoadsScripts() throws {
        var connection = try connection(node: "host 1\n")
        let commands = try sent(&connection)
        #expect(commands[0] == ["CLIENT", "SETNAME", "chatloop-host-1--commands"])
        #expect(commands.dropFirst().prefix(4).map { $0[2] } == Self.settings.map(\.0))
        #expect(
            commands.dropFirst(5).prefix(3) == [["INFO", "server"], ["INFO", "replication"], ["INFO", "cluster"]])
        #expect(commands.dropFirst(8).allSatisfy { $0.starts(with: ["SCRIPT", "LOAD"]) })
        #expect(commands.count == 8 + EngineScript.all.count)
        #expect(connection.receive(opening().span, now: 0) == [.opened(line: "abc:def")])
        #expect(connection.isOpen)
    }

    @Test func opening_givesPasswordUserAndDatabase() throws {
        var connection = try connection("redis://ann:se%20cret@h/3", .subscriptions)
        #expect(
            try sent(&connection) == [
                ["AUTH", "ann", "se cret"], ["SELECT", "3"], ["CLIENT", "SETNAME", "chatloop-n1-subscriptions"],
            ])
        #expect(connection.receive(Array("+OK\r\n+OK\r\n".utf8).span, now: 0) == [])
        #expect(connection.receive(Array("+OK\r\n".utf8).span, now: 0) == [.opened(line: "")])
        var alone = try self.connection("redis://:pw@h")
        #expect(try sent(&alone)[0] == ["AUTH", "pw"])
    }

    @Test(arguments: [
        ("-WRONGPASS invalid username-password pair or user is disabled.\r\n", EngineFault.passwordWrong),
        ("-ERR AUTH <password> called without any password configured for the default user.\r\n", .passwordUnwanted),
        ("-ERR max number of clients reached\r\n", .other("ERR max number of clients reached")),
        ("+OK\r\n-ERR DB index is out of range\r\n", .noSuchDatabase),
        ("+OK\r\n+OK\r\n-NOAUTH Authentication required.\r\n", .passwordMissing),
        ("+OK\r\n+OK\r\n-LOADING Redis is loading the dataset in memory\r\n", .busy),
        ("<html>\r\n", .violation(.unknownType(60))),
    ])
    func refusedOpening_saysWhy(answers: String, fault: EngineFault) throws {
        #expect(try self.fault(Array(answers.utf8), at: "redis://:pw@h/99") == fault)
    }

    @Test func engineThatQuotesThePassword_isNotQuoted() throws {
        let answer = "-ERR unknown command 'AUTH', with args beginning with: 'ann' 'geheim' \r\n"
        let fault = try #require(try fault(Array(answer.utf8), at: "redis://ann:geheim@h"))
        #expect(fault == .other("ERR unknown command 'AUTH'"))
    }

    @Test func refusedName_doesNoHarm() throws {
        var connection = try connection("redis://h", .subscriptions)
        #expect(connection.receive(Array("-NOPERM no\r\n".utf8).span, now: 0) == [.opened(line: "")])
    }

    @Test(arguments: 0..<4)
    func settingThatCouldLoseMessages_isRefused(index: Int) throws {
        var settings = Self.settings
        settings[index].1 = "else"
        let fault = try fault(opening(settings: settings))
        let expected = EngineFault.Shortcoming(
            setting: settings[index].0, value: "else", needed: Self.settings[index].1)
        #expect(fault == .settings([expected]))
        #expect(fault?.description.contains("\(expected.setting) is else and must be \(expected.needed)") == true)
        #expect(fault?.isLasting == true)
    }

    @Test func forbiddenSettings_countAsMissing() throws {
        let text = String(decoding: opening(), as: UTF8.self)
        let forbidden = text.replacing(
            "*2\r\n$10\r\nappendonly\r\n$3\r\nyes\r\n", with: "-NOPERM no CONFIG for you\r\n")
        let shortcoming = EngineFault.Shortcoming(setting: "appendonly", value: nil, needed: "yes")
        #expect(try fault(Array(forbidden.utf8)) == .settings([shortcoming]))
        let unknown = text.replacing("*2\r\n$10\r\nappendonly\r\n$3\r\nyes\r\n", with: "*0\r\n")
        #expect(try fault(Array(unknown.utf8)) == .settings([shortcoming]))
    }

    @Test func anotherKindOfEngine_isRefused() throws {
        #expect(try fault(opening(version: "6.2.1")) == .tooOld(version: "6.2.1"))
        #expect(try fault(opening(version: "10.0")) == nil)
        #expect(try fault(opening(role: "slave")) == .isReplica)
        #expect(try fault(opening(clustered: 1)) == .isClustered)
        #expect(try fault(opening(scripts: "-NOPERM no scripts\r\n")) == .notPermitted("NOPERM no scripts"))
    }

    // MARK: Commands

    @Test func answers_comeInTheOrderOfTheCommands() throws {
        var connection = try opened()
        connection.send(RESPCommand("GET", "a"), tag: 7)
        connection.send(RESPCommand("GET", "b"), tag: 8)
        #expect(try sent(&connection) == [["GET", "a"], ["GET", "b"]])
        let answers = Array("$1\r\nA\r\n-WRONGTYPE x\r\n".utf8)
        #expect(
            connection.receive(answers.span, now: 1) == [
                .answer(tag: 7, .bulk([65])), .answer(tag: 8, .error(RESPError("WRONGTYPE x"))),
            ])
    }

    @Test func answerToNothing_endsIt() throws {
        var connection = try opened()
        #expect(connection.receive(Array(":1\r\n".utf8).span, now: 1).count == 1)
        #expect(!connection.isOpen)
    }

    @Test func subscriptions_andWhatIsPublished() throws {
        var connection = try connection("redis://h", .subscriptions)
        _ = connection.receive(Array("+OK\r\n".utf8).span, now: 0)
        connection.output = []
        connection.subscribe(to: Array("a".utf8))
        connection.subscribe(to: Array("b".utf8))
        #expect(try sent(&connection) == [["SUBSCRIBE", "a"], ["SUBSCRIBE", "b"]])
        let message = "*3\r\n$7\r\nmessage\r\n$1\r\na\r\n$2\r\nhi\r\n"
        let answers =
            "*3\r\n$9\r\nsubscribe\r\n$1\r\na\r\n:1\r\n" + message + "*3\r\n$9\r\nsubscribe\r\n$1\r\nb\r\n:2\r\n"
        #expect(
            connection.receive(Array(answers.utf8).span, now: 1) == [
                .subscribed([97]), .published(channel: [97], [104, 105]), .subscribed([98]),
            ])
        connection.unsubscribe(from: [97])
        #expect(try sent(&connection) == [["UNSUBSCRIBE", "a"]])
        let end = message + "*3\r\n$11\r\nunsubscribe\r\n$1\r\na\r\n:1\r\n"
        #expect(connection.receive(Array(end.utf8).span, now: 2) == [.published(channel: [97], [104, 105])])
        connection.subscribe(to: [99])
        #expect(connection.receive(Array("-NOPERM c\r\n".utf8).span, now: 3) == [.failed(.notPermitted("NOPERM c"))])
    }

    // MARK: Time

    @Test func silentConnection_isPinged() throws {
        for role in [EngineConnection.Role.commands, .subscriptions] {
            var connection = try connection("redis://h", role)
            let answers = role == .commands ? opening() : Array("+OK\r\n".utf8)
            _ = connection.receive(answers.span, now: 0)
            connection.output = []
            #expect(connection.tick(now: EngineConnection.silence - 1) == [] && connection.output.isEmpty)
            #expect(connection.nextDeadline == EngineConnection.silence)
            #expect(connection.tick(now: EngineConnection.silence) == [])
            #expect(connection.tick(now: EngineConnection.silence + 1) == [])
            #expect(try sent(&connection) == [["PING"]])
            #expect(connection.nextDeadline == EngineConnection.patience)
            let pong = role == .commands ? "+PONG\r\n" : "*2\r\n$4\r\npong\r\n$0\r\n\r\n"
            #expect(connection.receive(Array(pong.utf8).span, now: 6000) == [])
            #expect(connection.nextDeadline == 6000 + EngineConnection.silence)
        }
    }

    @Test func silenceInPlaceOfAnAnswer_endsIt() throws {
        var connection = try opened()
        connection.send(RESPCommand("GET", "a"), tag: 1)
        #expect(connection.tick(now: EngineConnection.patience - 1) == [])
        #expect(connection.tick(now: EngineConnection.patience) == [.failed(.silent)])
        var opening = try self.connection()
        #expect(opening.tick(now: EngineConnection.patience) == [.failed(.silent)])
    }
}
