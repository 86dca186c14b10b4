import Foundation
import Testing

/// What people do in a world, and what has happened before.
struct SmallPlan: Sendable, CustomTestStringConvertible {
    var name: String
    /// What each person does, one thing after the other.
    var asks: [[SmallWorld.Ask]]
    var beginning = SmallPlan.bothIn
    /// How often a minute may pass.
    var waits = 0
    var testDescription: String { name }

    /// Both are in, and the first, who is the host, has said something.
    static let bothIn: [SmallWorld.Move] = [
        .ask(0, .join), .tick(.fine, isLate: false), .tick(.fine, isLate: false), .ask(1, .join),
        .tick(.fine, isLate: false), .ask(0, .message), .tick(.fine, isLate: false),
    ]

    static let all = [
        SmallPlan(
            name: "coming and going",
            asks: [
                [.join, .message, .again, .lose, .resume, .leave], [.join, .lose, .resume, .message],
            ], beginning: []),
        SmallPlan(name: "deadlines", asks: [[.goAway, .resume, .message], [.lose, .resume, .lose]]),
        SmallPlan(
            name: "messages",
            asks: [
                [.message, .edit, .again, .delete, .edit, .again],
                [.react, .lose, .resume, .react, .unreact],
            ]),
        SmallPlan(
            name: "names",
            asks: [[.rename, .lose, .resume, .rename], [.leave, .join, .rename, .message]]),
        SmallPlan(
            name: "kicks", asks: [[.kick, .again], [.message, .resume, .join, .again]], waits: 1),
        SmallPlan(
            name: "bans", asks: [[.ban, .delete, .again, .unban], [.resume, .message, .join, .again]]),
        SmallPlan(
            name: "three people", asks: [[.message, .lose], [.rename, .again], [.join, .message]]),
    ]

    /// The world in which each does no more than some things.
    func world(each count: Int, _ bounds: SmallWorld.Bounds) -> SmallWorld {
        var bounds = bounds
        bounds.waits = waits
        return SmallWorld(asks.map { Array($0.prefix(count)) }, bounds, after: beginning)
    }
}

/// Small worlds, exhausted: every order in which two or three people can do a few things each, with what is on its way to the server,
/// with a write or a read that fails in any tick, and a kill at any step.
///
/// `CHATLOOP_STATES=N` has worlds, too, in which all of that comes together: up to N states of each.
@Suite struct SmallWorldTests {
    private static let limit = ProcessInfo.processInfo.environment["CHATLOOP_STATES"].flatMap(
        Int.init)

    /// - Parameter limit: states at which it ends; nil where there must be an end by itself.
    private func explore(_ name: String, _ world: SmallWorld, limit: Int? = nil) {
        let start = ContinuousClock.now
        let exploration = Exploration(world, limit: limit ?? 50_000)
        let extent = exploration.isExhausted ? "all there are" : "not all"
        print(
            "\(name): \(exploration.states) states, \(extent), \(exploration.steps) steps, the longest history has "
                + "\(exploration.depth), in \(ContinuousClock.now - start)")
        if let violation = exploration.violation {
            Issue.record("\(name):\n\(violation)")
        } else {
            #expect(exploration.isExhausted || limit != nil, "\(name) has grown too large")
        }
    }

    @Test(arguments: SmallPlan.all) func everyOrder_twoThingsInATick(_ plan: SmallPlan) {
        explore(
            "\(plan.name), two things in a tick",
            plan.world(each: 4, .init(kills: 0, refusals: 0, batch: 2)))
    }

    @Test(arguments: SmallPlan.all) func everyOrder_aRefusalInAnyTick(_ plan: SmallPlan) {
        explore("\(plan.name), a refusal", plan.world(each: 3, .init(kills: 0, refusals: 1, batch: 1)))
    }

    @Test(arguments: SmallPlan.all.filter { $0.asks.count == 2 }) func everyOrder_aKillAtAnyStep(_ plan: SmallPlan) {
        var plan = plan
        plan.waits = 0
        explore("\(plan.name), a kill", plan.world(each: 2, .init(kills: 1, refusals: 0, batch: 1)))
    }

    @Test(.enabled(if: limit != nil, "CHATLOOP_STATES asks for no more"), arguments: SmallPlan.all)
    func everyOrder_allTogether(_ plan: SmallPlan) {
        explore("\(plan.name), all together", plan.world(each: 6, .init()), limit: Self.limit)
    }

    /// Each of two people does any four of these things.
    @Test(.enabled(if: limit != nil, "CHATLOOP_STATES asks for no more"))
    func anyOrder() {
        let host: [SmallWorld.Ask] = [.message, .again, .delete, .kick, .ban, .unban, .lose, .resume]
        let guest: [SmallWorld.Ask] = [
            .join, .resume, .leave, .goAway, .message, .again, .edit, .react, .rename,
        ]
        let world = SmallWorld([host, guest], count: 4, after: SmallPlan.bothIn)
        explore("any four things", world, limit: Self.limit)
    }

    /// The judge is judged: bugs between the chat and its people or its disk are found, with a history that has no move too many.
    @Test(
        arguments: [
            (Flaw.losesMessages, 2), (.doublesMessages, 2), (.swapsEvents, 3), (.losesLines, 5),
            (.hidesRefusals, 6),
            (.forgetsIdentifiers, 7), (.forgetsBans, 5),
        ])
    func plantedBug_isFoundWithTheShortestHistory(_ flaw: Flaw, moves: Int) {
        let plan: [[SmallWorld.Ask]] =
            flaw == .forgetsBans ? [[.ban], [.resume]] : [[.message, .again], [.message]]
        let exploration = Exploration(
            SmallWorld(plan, after: SmallPlan.bothIn, flaw: flaw), limit: 20_000)
        let history = exploration.violation?.split(separator: "\n") ?? []
        print(
            "\(flaw.rawValue), after \(exploration.states) states:\n\(exploration.violation ?? "not found")"
        )
        #expect(history.count == moves + 1)
    }
}
