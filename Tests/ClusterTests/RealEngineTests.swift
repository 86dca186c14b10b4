import Cluster
import Foundation
import Support
import Testing

/// What only a real engine can show: its own errors, its settings, and when it writes to its disk.
@Suite(.enabled(if: RealEngine.isInstalled, "\(RealEngine.isMissing)")) struct RealEngineTests {
    private let names = EngineNames(database: 0)

    /// How a connection to an engine with such options fails.
    private func fault(_ options: [String], address: String? = nil) async throws -> EngineFault? {
        try await onThread {
            let engine = try RealEngine(options)
            do {
                _ = try EngineSocket(engine, address: address.flatMap { ClusterAddress($0) })
                return nil
            } catch let fault as EngineFault {
                return fault
            }
        }
    }

    private func attach(_ socket: EngineSocket) throws -> EngineAnswer {
        let request = EngineRequest.attach(
            EngineRequest.Attachment(
                incarnation: Incarnation(bits: 1), name: "n", line: socket.line, previousLine: "", writes: 0,
                epoch: 0))
        return EngineAnswer(try socket.ask(names.command(for: request)), to: request)
    }

    private func append(_ number: UInt64, _ bytes: Int = 1) -> EngineRequest {
        let content = RoomRecord.Content.inputs(
            RoomRecord.Inputs(base: 0, digest: 0, items: [.input([UInt8](repeating: 1, count: bytes))]))
        return .append(
            room: "a",
            EngineRequest.Append(
                epoch: 1, incarnation: Incarnation(bits: 1), name: "n", number: number, base: 0, body: content.bytes))
    }

    private func ask(_ socket: EngineSocket, _ request: EngineRequest) throws -> EngineAnswer {
        EngineAnswer(try socket.ask(names.command(for: request)), to: request)
    }

    // MARK: What must be so

    @Test(arguments: [
        ("--appendonly", "no", "yes"), ("--appendfsync", "everysec", "always"),
        ("--no-appendfsync-on-rewrite", "yes", "no"), ("--maxmemory-policy", "allkeys-lru", "noeviction"),
    ])
    func settingThatCouldLoseMessages_isRefused(option: String, value: String, needed: String) async throws {
        let shortcoming = EngineFault.Shortcoming(
            setting: String(option.dropFirst(2)), value: value, needed: needed)
        #expect(try await fault([option, value]) == .settings([shortcoming]))
    }

    @Test func replica_isRefused() async throws {
        #expect(try await fault(["--replicaof", "127.0.0.1", "1"]) == .isReplica)
    }

    @Test func engineInClusterMode_isRefused() async throws {
        #expect(
            try await fault(["--port", "\(Int.random(in: 20_000...50_000))", "--cluster-enabled", "yes"])
                == .isClustered)
    }

    @Test func password_isAskedFor() async throws {
        let options = ["--requirepass", "secret"]
        #expect(try await fault(options) == .passwordMissing)
        #expect(try await fault(options, address: "redis://:wrong@h") == .passwordWrong)
        #expect(try await fault(options, address: "redis://ann:secret@h") == .passwordWrong)
        #expect(try await fault(options, address: "redis://:secret@h") == nil)
        #expect(try await fault(options, address: "redis://default:secret@h/15") == nil)
        #expect(try await fault(options, address: "redis://:secret@h/16") == .noSuchDatabase)
        #expect(try await fault([], address: "redis://:secret@h") == .passwordUnwanted)
    }

    /// The rights that the README asks for are enough, and less is told.
    @Test func userOfTheEngine_needsItsRights() async throws {
        let rights = ["on", ">pw", "~chatloop:*", "&chatloop:*", "+@all", "-@dangerous", "+info", "+config|get"]
        let all = ["--user", "ann"] + rights
        let noConfig = ["--user", "ann"] + rights.dropLast()
        #expect(try await fault(all, address: "redis://ann:pw@h") == nil)
        guard case .settings(let missing) = try await fault(noConfig, address: "redis://ann:pw@h") else {
            Issue.record("forbidden settings are taken for good ones")
            return
        }
        #expect(missing.count == 4 && missing.allSatisfy { $0.value == nil })
        try await onThread {
            let engine = try RealEngine(all)
            let socket = try EngineSocket(engine, address: ClusterAddress("redis://ann:pw@h"))
            guard case .attached = try attach(socket) else { throw Failure("not attached") }
            #expect(try ask(socket, append(1)) == .appended(1))
            let line = HistoryLine(seq: 600, time: 1, line: [1])
            let store = EngineRequest.Store(
                epoch: 1, position: 1, snapshot: [], history: [line], expiredThrough: 513)
            #expect(try ask(socket, .store(room: "a", store)) == .stored(1))
            #expect(
                try ask(socket, .historySizes(room: "a"))
                    == .historySizes([HistorySize(block: 2, bytes: 1, time: 1)]))
            let history = EngineRequest.history(room: "a", from: 9, descending: true, blocks: 1)
            guard case .history = try ask(socket, history) else { throw Failure("no history") }
            let other = EngineRequest.findLapsed([Incarnation(bits: 1)])
            #expect(try ask(socket, other) == .lapsed([]))
            guard case .error(let error) = try socket.ask("GET", "else") else { throw Failure("no error") }
            #expect(EngineFault(error) == .notPermitted(error.message))
        }
    }

    // MARK: Its errors

    @Test func fullEngine_takesNothingAndSaysSo() async throws {
        try await onThread {
            let engine = try RealEngine()
            let socket = try EngineSocket(engine)
            _ = try attach(socket)
            #expect(try ask(socket, append(1)) == .appended(1))
            _ = try socket.ask("CONFIG", "SET", "maxmemory", "1")
            #expect(try ask(socket, append(2)) == .refused(.full))
            #expect(try attach(socket) == .refused(.full))
            let line = HistoryLine(seq: 1, time: 1, line: [1])
            let store = EngineRequest.store(
                room: "a", EngineRequest.Store(epoch: 1, position: 1, snapshot: [1], history: [line]))
            #expect(try ask(socket, store) == .refused(.full))
            _ = try socket.ask("CONFIG", "SET", "maxmemory", "0")
            #expect(try ask(socket, .historySizes(room: "a")) == .historySizes([]))
            // Nothing of it was done by halves.
            #expect(try ask(socket, append(2)) == .appended(2))
        }
    }

    @Test func engineThatBecomesAReplica_saysSo() async throws {
        try await onThread {
            let engine = try RealEngine()
            let socket = try EngineSocket(engine)
            _ = try attach(socket)
            _ = try socket.ask("REPLICAOF", "127.0.0.1", "1")
            #expect(try ask(socket, append(1)) == .refused(.isReplica))
        }
    }

    @Test(arguments: [
        (["SET", "chatloop:meta", "x"], "chatloop:meta"), (["HSET", "chatloop:meta", "x", "y"], "chatloop:meta"),
        (["HSET", "chatloop:meta", "format", "99"], "chatloop:meta"),
        (["SET", "chatloop:rooms", "x"], "chatloop:rooms"),
        (["SET", "chatloop:lines", "x"], "chatloop:lines"), (["SADD", "chatloop:node:n", "x"], "chatloop:node:n"),
    ])
    func keysOfAnotherProgram_areLeftAlone(command: [String], key: String) async throws {
        try await onThread {
            let engine = try RealEngine()
            let socket = try EngineSocket(engine)
            _ = try socket.ask(RESPCommand(command.map { Array($0.utf8) }))
            #expect(try attach(socket) == .refused(.foreignKeys(key)))
            #expect(try socket.ask("DBSIZE") == .integer(1))
        }
    }

    @Test(arguments: ["chatloop:records:a", "chatloop:room:a"])
    func foreignRoom_isLeftAlone(key: String) async throws {
        try await onThread {
            let engine = try RealEngine()
            let socket = try EngineSocket(engine)
            _ = try attach(socket)
            _ = try socket.ask("SET", key, "x")
            guard case .refused(.foreignKeys) = try ask(socket, append(1)) else { throw Failure("taken") }
            #expect(try socket.ask("HGET", "chatloop:meta", "writes") == .bulk([UInt8(ascii: "0")]))
            #expect(try socket.ask("EXISTS", "chatloop:room:a", "chatloop:records:a") == .integer(1))
        }
    }

    @Test func forgottenScripts_areToldApart() async throws {
        try await onThread {
            let engine = try RealEngine()
            let socket = try EngineSocket(engine)
            _ = try socket.ask("SCRIPT", "FLUSH")
            #expect(try attach(socket) == .refused(.noScript))
        }
    }

    // MARK: Kept before it is shown

    private static let strace = ["/usr/bin/strace", "/bin/strace"].first {
        FileManager.default.isExecutableFile(atPath: $0)
    }

    /// Of each record it is the system calls of the engine that count: the write to its file, the sync of it, and only then what it
    /// sends, the answer to the writer as well as what is published.
    @Test(.enabled(if: strace != nil, "skipped: strace is not installed"))
    func record_isOnTheDiskBeforeAnyoneSeesIt() async throws {
        try await onThread {
            let engine = try RealEngine()
            let socket = try EngineSocket(engine)
            let subscriber = try EngineSocket(engine, .subscriptions)
            try subscriber.subscribe(to: names.channel(of: "a"))
            _ = try attach(socket)
            let folder = try TemporaryFolder()
            let trace = try Child(
                Self.strace ?? "",
                [
                    "-f", "-y", "-s", "64", "-o", "\(folder.path)/trace", "-e", "trace=write,writev,fdatasync,fsync",
                    "-p", "\(engine.processNumber ?? 0)",
                ])
            _ = try trace.errorLine(with: "attached")
            for number in 1...20 {
                #expect(try ask(socket, append(UInt64(number), 100)) == .appended(UInt64(number)))
                guard case .published = try subscriber.next() else { throw Failure("not published") }
            }
            trace.signal(SIGINT)
            _ = try trace.wait()
            let lines = try String(contentsOfFile: "\(folder.path)/trace", encoding: .utf8).split(separator: "\n")
            var (unsynced, synced, shown) = (false, 0, 0)
            for line in lines {
                if line.contains(".aof>"), line.contains("write(") {
                    unsynced = true
                } else if line.contains("sync("), line.contains(".aof>") {
                    #expect(unsynced && line.hasSuffix("= 0"), "\(line)")
                    unsynced = false
                    synced += 1
                } else if line.contains("iov_base=\"*2") || line.contains("message") {
                    #expect(!unsynced, "\(line)")
                    shown += 1
                }
            }
            #expect(synced == 20 && shown == 40, "\(lines.prefix(20).joined(separator: "\n"))")
        }
    }
}
