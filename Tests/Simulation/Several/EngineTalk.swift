import Cluster

/// The engine's side of a connection: commands in, answers out, as Redis speaks. What the commands do is `SimulatedEngine`'s.
package struct EngineTalk {
    package enum Act: Equatable {
        /// This is answered at once.
        case answer(RESPValue)
        /// This is to be done, and its answer encoded.
        case perform(EngineRequest)
        case subscribe(String)
        case unsubscribe(String)
    }

    private let names = EngineNames(database: 0)
    private var reader = RESPReader()
    /// Rooms whose channels are subscribed to.
    package private(set) var rooms: Set<String> = []

    package init() {}

    /// Takes in bytes.
    ///
    /// - Parameters:
    ///   - line: the engine's, which its INFO tells.
    ///   - perform: does what is asked for.
    /// - Returns: what is to be sent back; nil where the bytes are no commands.
    package mutating func take(
        _ bytes: Span<UInt8>, line: String, perform: (EngineRequest) -> EngineAnswer
    ) -> [UInt8]? {
        reader.receive(bytes)
        var output: [UInt8] = []
        while true {
            guard let value = try? reader.next() else { return output }
            guard let words = value.array?.compactMap(\.bytes), let act = act(words, line: line) else { return nil }
            switch act {
            case .answer(let value): output.append(value)
            case .perform(let request): output.append(RESPValue(perform(request), to: request))
            case .subscribe(let room):
                rooms.insert(room)
                output.append(confirmation("subscribe", room))
            case .unsubscribe(let room):
                rooms.remove(room)
                output.append(confirmation("unsubscribe", room))
            }
        }
    }

    private func confirmation(_ kind: String, _ room: String) -> RESPValue {
        .array([.bulk(Array(kind.utf8)), .bulk(names.channel(of: room)), .integer(Int64(rooms.count))])
    }

    /// What is sent to a subscriber.
    package func message(_ published: SimulatedEngine.Published) -> [UInt8] {
        var payload: [UInt8]
        switch published.notice {
        case .record(let record): payload = [UInt8(ascii: "r")] + record.bytes
        case .snapshot(let position, let size):
            payload = [UInt8(ascii: "s")]
            for number in [position, size] {
                payload += (0..<8).map { UInt8(truncatingIfNeeded: number >> (56 - 8 * $0)) }
            }
        }
        var output: [UInt8] = []
        output.append(
            RESPValue.array([
                .bulk(Array("message".utf8)), .bulk(names.channel(of: published.room)), .bulk(payload),
            ]))
        return output
    }

    /// What a command asks for; nil where it is none of ours.
    package func act(_ words: [[UInt8]], line: String) -> Act? {
        let texts = words.map { String(decoding: $0, as: UTF8.self) }
        switch texts.first {
        case "PING": return .answer(.simple("PONG"))
        case "AUTH", "SELECT", "CLIENT": return .answer(.simple("OK"))
        case "CONFIG":
            let value = ["appendonly": "yes", "appendfsync": "always", "maxmemory-policy": "noeviction"][texts[2]]
            return .answer(.array([.bulk(words[2]), .bulk(Array((value ?? "no").utf8))]))
        case "INFO":
            let facts = [
                "redis_version:7.2.0", "run_id:\(line)", "master_replid:0", "role:master", "cluster_enabled:0",
            ]
            return .answer(.bulk(Array(facts.joined(separator: "\r\n").utf8)))
        case "SCRIPT": return .answer(.bulk(EngineScript.all.first { $0.source == texts[2] }?.digest ?? []))
        case "SUBSCRIBE": return names.room(of: words[1]).map { .subscribe($0) }
        case "UNSUBSCRIBE": return names.room(of: words[1]).map { .unsubscribe($0) }
        case "MGET", "HGETALL", "EVALSHA": return EngineRequest(words, texts).map { .perform($0) }
        default: return nil
        }
    }
}

// MARK: Commands

extension EngineRequest {
    /// Reads what `EngineNames.command` has written.
    fileprivate init?(_ words: [[UInt8]], _ texts: [String]) {
        /// What stands behind the second colon of a key.
        func name(_ key: String) -> String {
            String(key.split(separator: ":", maxSplits: 2, omittingEmptySubsequences: false).last ?? "")
        }
        func incarnation(_ text: String) -> Incarnation? {
            let bytes = Array(text.utf8)
            return Incarnation(bytes.span)
        }
        if texts[0] == "MGET" {
            self = .findLapsed(texts.dropFirst().compactMap { incarnation(name($0)) })
            return
        }
        if texts[0] == "HGETALL" {
            self = .historySizes(room: name(texts[1]))
            return
        }
        guard texts.count > 3, let count = Int(texts[2]), texts.count >= 3 + count else { return nil }
        let keys = texts[3..<3 + count].map(name)
        self.init(script: words[1], keys, Array(words[(3 + count)...]), Array(texts[(3 + count)...]))
    }

    private init?(script: [UInt8], _ keys: [String], _ words: [[UInt8]], _ texts: [String]) {
        func number(_ place: Int) -> UInt64 { UInt64(texts[place]) ?? 0 }
        func incarnation(_ place: Int) -> Incarnation {
            let digits = words[place]
            guard let incarnation = Incarnation(digits.span) else { return .none }
            return incarnation
        }
        switch script {
        case EngineScript.attach.digest:
            self = .attach(
                Attachment(
                    incarnation: incarnation(4), name: texts[5], line: texts[1], previousLine: texts[2],
                    writes: number(3), epoch: number(8)))
        case EngineScript.leave.digest: self = .leave(incarnation(0), name: keys[1])
        case EngineScript.append.digest:
            self = .append(
                room: texts[1],
                Append(
                    epoch: number(2), incarnation: incarnation(3), name: texts[7], number: number(4), base: number(5),
                    body: words[6]))
        case EngineScript.lose.digest: self = .declareLost(room: keys[1], epoch: number(1), incarnation(2))
        case EngineScript.load.digest: self = .load(room: keys[1], incarnation(0))
        case EngineScript.read.digest: self = .read(room: keys[1], after: number(0))
        case EngineScript.history.digest:
            self = .history(room: keys[0], from: number(0), descending: texts[1] == "down", blocks: Int(number(2)))
        case EngineScript.store.digest:
            let lines = stride(from: 5, to: words.count, by: 3).map { place in
                HistoryLine(seq: number(place), time: Int64(number(place + 1)), line: words[place + 2])
            }
            self = .store(
                room: keys[1],
                Store(
                    epoch: number(1), position: number(2), snapshot: words[3], history: lines,
                    expiredThrough: number(4)))
        default: return nil
        }
    }
}

// MARK: Answers

extension RESPValue {
    /// What the scripts answer.
    package init(_ answer: EngineAnswer, to request: EngineRequest) {
        func bulk(_ text: some CustomStringConvertible) -> RESPValue { .bulk(Array(text.description.utf8)) }
        func list(_ word: String, _ numbers: UInt64...) -> RESPValue {
            .array([bulk(word)] + numbers.map { .integer(Int64($0)) })
        }
        switch answer {
        case .attached(let epoch, let writes, let hasLostTail): self = list("ok", epoch, writes, hasLostTail ? 1 : 0)
        case .done: self = list("ok")
        case .epoch(let epoch): self = list("epoch", epoch)
        case .lapsed(let lapsed):
            let asked = if case .findLapsed(let incarnations) = request { incarnations } else { [Incarnation]() }
            self = .array(asked.map { lapsed.contains($0) ? .null : bulk("a node") })
        case .lost: self = list("lost")
        case .alive: self = list("alive")
        case .appended(let position), .stored(let position): self = list("ok", position)
        case .repeated(let position): self = list("again", position)
        case .behind(let last): self = list("behind", last)
        case .trimmed(let last): self = list("trimmed", last)
        case .older(let position): self = list("older", position)
        case .records(let records, let last, let epoch):
            self = .array([
                bulk("ok"), .integer(Int64(epoch)), .integer(Int64(last)), .array(records.map { .bulk($0.bytes) }),
            ])
        case .loaded(let room): self = RESPValue(room)
        case .history(let answer):
            let blocks = answer.blocks.map { block in
                RESPValue.array([bulk(block.number), .array(block.lines.flatMap { [bulk($0.seq), .bulk($0.line)] })])
            }
            self = .array([.integer(answer.more ? 1 : 0), .array(blocks)])
        case .historySizes(let sizes):
            self = .array(sizes.flatMap { [bulk($0.block), bulk("\($0.bytes) \($0.time)")] })
        case .refused(.nameTaken): self = list("taken")
        case .refused(.full): self = .error(RESPError("OOM command not allowed when used memory > 'maxmemory'."))
        case .refused(let fault): self = .error(RESPError("ERR \(fault)"))
        }
    }

    private init(_ room: EngineAnswer.StoredRoom) {
        let numbers = [room.epoch, room.writes, room.last, room.snapshotPosition].map { RESPValue.integer(Int64($0)) }
        self = .array(
            numbers + [
                .bulk(room.snapshot), .integer(Int64(room.number)), .integer(room.isLost ? 1 : 0),
                .array(room.incarnations.map { .bulk($0.text) }), .array(room.lapsed.map { .bulk($0.text) }),
                .array(room.records.map { .bulk($0.bytes) }),
            ])
    }
}

extension [UInt8] {
    /// Appends a value as the engine sends it.
    package mutating func append(_ value: RESPValue) {
        func header(_ type: String, _ text: some CustomStringConvertible) {
            self += Array("\(type)\(text)\r\n".utf8)
        }
        switch value {
        case .simple(let text): header("+", text)
        case .error(let error): header("-", error.message)
        case .integer(let number): header(":", number)
        case .null: header("$", -1)
        case .bulk(let bytes):
            header("$", bytes.count)
            self += bytes + [13, 10]
        case .array(let elements):
            header("*", elements.count)
            for element in elements { append(element) }
        }
    }
}
