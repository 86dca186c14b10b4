/// What a node asks of the engine. `EngineScript` says what each comes to.
package enum EngineRequest: Equatable, Sendable {
    case attach(Attachment)
    case leave(Incarnation, name: String)
    /// Which of these incarnations have let their life lapse?
    case findLapsed([Incarnation])
    case append(room: String, Append)
    case declareLost(room: String, epoch: UInt64, Incarnation)
    case load(room: String, Incarnation)
    case read(room: String, after: UInt64)
    case store(room: String, Store)
    /// So many blocks of a room's history: `from` and those after it, or before it where that descends. Fewer come where they are large.
    case history(room: String, from: UInt64, descending: Bool, blocks: Int)
    /// How large are the blocks of a room's history?
    case historySizes(room: String)

    package struct Attachment: Equatable, Sendable {
        package var incarnation: Incarnation
        package var name: String
        package var line: String
        /// The engine's line when the node had attached last; empty where it never has.
        package var previousLine: String
        /// The most writes that the node has seen.
        package var writes: UInt64

        /// The epoch that the node knows; 0 where it knows none.
        package var epoch: UInt64

        package init(
            incarnation: Incarnation, name: String, line: String, previousLine: String, writes: UInt64, epoch: UInt64
        ) {
            (self.incarnation, self.name, self.line) = (incarnation, name, line)
            (self.previousLine, self.writes, self.epoch) = (previousLine, writes, epoch)
        }
    }

    package struct Append: Equatable, Sendable {
        package var epoch: UInt64
        package var incarnation: Incarnation
        package var name: String
        package var number: UInt64
        package var base: UInt64
        /// `RoomRecord.Content.bytes`
        package var body: [UInt8]

        package init(
            epoch: UInt64, incarnation: Incarnation, name: String, number: UInt64, base: UInt64, body: [UInt8]
        ) {
            (self.epoch, self.incarnation, self.name) = (epoch, incarnation, name)
            (self.number, self.base, self.body) = (number, base, body)
        }
    }

    /// A room's state, and what has come to its history since the last.
    package struct Store: Equatable, Sendable {
        package var epoch: UInt64
        /// What the snapshot stands for: records up to here go.
        package var position: UInt64
        package var snapshot: [UInt8]
        package var history: [HistoryLine]
        /// Events up to this seq are not kept any more; 0 is none.
        package var expiredThrough: UInt64

        package init(
            epoch: UInt64, position: UInt64, snapshot: [UInt8], history: [HistoryLine] = [], expiredThrough: UInt64 = 0
        ) {
            (self.epoch, self.position, self.snapshot) = (epoch, position, snapshot)
            (self.history, self.expiredThrough) = (history, expiredThrough)
        }
    }

    /// How long a node lives without saying so again, in milliseconds. A loop that stands still for less, while the machine is
    /// busy, is nothing that people should see; a node that was killed keeps its people's names for this long, and their
    /// time of grace besides.
    package static let life: Int64 = 10_000
}

/// The names that things have in the engine: keys in its database, and channels, which all its databases share.
package struct EngineNames: Sendable {
    private let channelPrefix: String

    package init(database: Int) { channelPrefix = "chatloop:\(database):" }

    package static let format = "1"

    static let meta = "chatloop:meta"
    static let lines = "chatloop:lines"
    static let rooms = "chatloop:rooms"
    static let lives = "chatloop:life:"
    static func room(_ name: String) -> String { "chatloop:room:\(name)" }
    static func records(_ name: String) -> String { "chatloop:records:\(name)" }
    static func snapshot(_ name: String) -> String { "chatloop:snapshot:\(name)" }
    static func blocks(_ name: String) -> String { "chatloop:blocks:\(name)" }
    static func sizes(_ name: String) -> String { "chatloop:sizes:\(name)" }
    /// What the keys of its history begin with.
    static func history(_ name: String) -> String { "chatloop:history:\(name):" }
    static func node(_ name: String) -> String { "chatloop:node:\(name)" }
    static func life(_ incarnation: Incarnation) -> String { lives + String(decoding: incarnation.text, as: UTF8.self) }

    /// Where a room's records are published.
    package func channel(of room: String) -> [UInt8] { Array("\(channelPrefix)room:\(room)".utf8) }

    /// The room that a channel is of.
    package func room(of channel: [UInt8]) -> String? {
        let prefix = Array("\(channelPrefix)room:".utf8)
        return channel.starts(with: prefix) ? String(validating: channel.dropFirst(prefix.count), as: UTF8.self) : nil
    }

    /// A request as a command.
    package func command(for request: EngineRequest) -> RESPCommand {
        switch request {
        case .attach(let node):
            return call(
                .attach,
                [Self.meta, Self.lines, Self.rooms, Self.life(node.incarnation), Self.node(node.name)],
                [
                    text(Self.format), text(node.line), text(node.previousLine), text(node.writes),
                    node.incarnation.text, text(node.name), text(EngineRequest.life), text(Self.lives),
                    text(node.epoch),
                ])
        case .leave(let incarnation, let name):
            return call(.leave, [Self.life(incarnation), Self.node(name)], [incarnation.text])
        case .findLapsed(let incarnations):
            return RESPCommand([text("MGET")] + incarnations.map { text(Self.life($0)) })
        case .append(let room, let append):
            return call(
                .append,
                [Self.meta, Self.rooms, Self.room(room), Self.records(room), Self.life(append.incarnation)],
                [
                    channel(of: room), text(room), text(append.epoch), append.incarnation.text, text(append.number),
                    text(append.base), append.body, text(append.name), text(EngineRequest.life),
                ])
        case .declareLost(let room, let epoch, let incarnation):
            return call(
                .lose, [Self.meta, Self.room(room), Self.records(room), Self.life(incarnation)],
                [channel(of: room), text(epoch), incarnation.text])
        case .load(let room, let incarnation):
            return call(
                .load, [Self.meta, Self.room(room), Self.records(room), Self.snapshot(room)],
                [incarnation.text, text(Self.lives)])
        case .read(let room, let position):
            return call(.read, [Self.meta, Self.room(room), Self.records(room)], [text(position)])
        case .store(let room, let store): return command(for: store, of: room)
        case .history(let room, let from, let descending, let blocks):
            return call(
                .history, [Self.blocks(room), Self.history(room)],
                [text(from), text(descending ? "down" : "up"), text(blocks)])
        case .historySizes(let room): return RESPCommand("HGETALL", Self.sizes(room))
        }
    }

    private func command(for store: EngineRequest.Store, of room: String) -> RESPCommand {
        var words = [
            channel(of: room), text(store.epoch), text(store.position), store.snapshot, text(store.expiredThrough),
        ]
        for line in store.history { words += [text(line.seq), text(line.time), line.line] }
        return call(
            .store,
            [
                Self.meta, Self.room(room), Self.records(room), Self.snapshot(room), Self.blocks(room),
                Self.sizes(room), Self.history(room),
            ], words)
    }

    private func call(_ script: EngineScript, _ keys: [String], _ words: [[UInt8]]) -> RESPCommand {
        RESPCommand([text("EVALSHA"), script.digest, text(keys.count)] + keys.map(text) + words)
    }

    private func text(_ value: some CustomStringConvertible) -> [UInt8] { Array(value.description.utf8) }
}
