import Cluster
import Simulation
import Support

/// An engine that the rules are tested on: the real one, or the one that stands in for it elsewhere.
protocol RuledEngine: AnyObject {
    /// The engine's line, which is another after each restart.
    var line: String { get }
    func ask(_ request: EngineRequest) throws -> EngineAnswer
    /// What was published since it was asked for last, on the channels of rooms `a` and `b`.
    func takePublished() throws -> [SimulatedEngine.Published]
    /// The newest record of room `a` was made a minute later than the engine's clock now says.
    func setClockBack() throws
    /// Time goes by, as far as room `a` knows.
    func passDays(_ days: Int64) throws
    /// Lets an incarnation's life lapse.
    func lapse(_ incarnation: Incarnation) throws
    func restart() throws
    /// Has it forget everything while it runs.
    func empty() throws
    func keepCopy() throws
    func restartFromCopy() throws
}

final class SimulatedRuledEngine: RuledEngine {
    private var engine = SimulatedEngine()
    private var copy = SimulatedEngine.Contents()
    private var restarts = 1

    var line: String { engine.line }
    func ask(_ request: EngineRequest) -> EngineAnswer { engine.perform(request) }
    func takePublished() -> [SimulatedEngine.Published] { engine.takePublished() }
    func passDays(_ days: Int64) { engine.time += days * 86_400_000 }
    func setClockBack() { engine.time -= 60_000 }
    func lapse(_ incarnation: Incarnation) { engine.contents.lives[incarnation] = nil }
    func restart() {
        restarts += 1
        engine.line = "line-\(restarts)"
    }
    func empty() { engine.contents = SimulatedEngine.Contents() }
    func keepCopy() { copy = engine.contents }
    func restartFromCopy() {
        engine.contents = copy
        restart()
    }
}

final class RealRuledEngine: RuledEngine {
    let engine: RealEngine
    private var commands: EngineSocket
    private var subscriptions: EngineSocket
    private let names = EngineNames(database: 0)

    var line: String { commands.line }

    init() throws {
        engine = try RealEngine()
        commands = try EngineSocket(engine)
        subscriptions = try EngineSocket(engine, .subscriptions)
        try subscribe()
    }

    private func subscribe() throws {
        for channel in [names.channel(of: "a"), names.channel(of: "b")] {
            try subscriptions.subscribe(to: channel)
        }
    }

    private func connect() throws {
        commands = try EngineSocket(engine)
        subscriptions = try EngineSocket(engine, .subscriptions)
        try subscribe()
    }

    func ask(_ request: EngineRequest) throws -> EngineAnswer {
        EngineAnswer(try commands.ask(names.command(for: request)), to: request)
    }

    func takePublished() throws -> [SimulatedEngine.Published] {
        try subscriptions.published().map { event in
            guard case .published(let channel, let payload) = event else { throw Failure("\(event)") }
            guard let room = names.room(of: channel), let notice = RoomNotice(payload) else {
                throw Failure("what was published cannot be read")
            }
            return SimulatedEngine.Published(room: room, notice: notice)
        }
    }

    func passDays(_ days: Int64) throws { try addToStamp(days * 86_400_000) }
    func setClockBack() throws { try addToStamp(60_000) }

    private func addToStamp(_ milliseconds: Int64) throws {
        let stamp = try commands.ask("HGET", "chatloop:room:a", "stamp").text.flatMap { Int64($0) } ?? 0
        _ = try commands.ask("HSET", "chatloop:room:a", "stamp", String(stamp + milliseconds))
    }

    func lapse(_ incarnation: Incarnation) throws {
        _ = try commands.ask("DEL", "chatloop:life:" + String(decoding: incarnation.text, as: UTF8.self))
    }

    func restart() throws {
        try engine.restart()
        try connect()
    }

    func empty() throws { _ = try commands.ask("FLUSHALL") }

    func keepCopy() throws { try engine.keepCopy() }

    func restartFromCopy() throws {
        try engine.restartFromCopy()
        try connect()
    }
}
