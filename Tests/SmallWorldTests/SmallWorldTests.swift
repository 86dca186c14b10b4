import Foundation
import Testing

/// Small worlds, exhausted: every order in which two or three people can do a few things each, with what is on its way to the server,
/// with a write that is refused at any tick, and a kill at any step.
///
/// `CHATLOOP_STATES=N` lets each world have up to N states, and gives its people more to do.
@Suite(.serialized) struct SmallWorldTests {
    private static let limit = ProcessInfo.processInfo.environment["CHATLOOP_STATES"].flatMap(Int.init)

    private typealias Plan = [[SmallWorld.Ask]]

    /// Both are in, and the first, who is the host, has said something.
    static let bothIn: [SmallWorld.Move] = [
        .ask(0, .join), .tick(.fine, isLate: false), .tick(.fine, isLate: false), .ask(1, .join),
        .tick(.fine, isLate: false), .ask(0, .message), .tick(.fine, isLate: false),
    ]

    private func explore(_ name: String, _ world: SmallWorld) {
        let start = ContinuousClock.now
        let exploration = Exploration(world, limit: Self.limit ?? 2_500)
        let extent = exploration.isExhausted ? "all there are" : "not all"
        print(
            "\(name): \(exploration.states) states, \(extent), \(exploration.steps) steps, the longest history has "
                + "\(exploration.depth), in \(ContinuousClock.now - start)")
        if let violation = exploration.violation { Issue.record("\(name):\n\(violation)") }
    }

    @Test func comingAndGoing() {
        let plan: Plan = [[.join, .message, .again, .lose, .resume, .leave], [.join, .lose, .resume, .message]]
        explore("coming and going", SmallWorld(plan))
    }

    @Test func messagesAndWhatIsDoneToThem() {
        let plan: Plan = [[.message, .edit, .again, .delete], [.react, .lose, .resume, .react]]
        explore("messages", SmallWorld(plan, after: Self.bothIn))
    }

    @Test func names() {
        let plan: Plan = [[.rename, .lose, .resume, .rename], [.leave, .join, .rename, .message]]
        explore("names", SmallWorld(plan, after: Self.bothIn))
    }

    @Test func threePeople() {
        let plan: Plan = [[.message, .lose, .resume], [.rename, .message, .again], [.join, .message, .goAway]]
        explore("three people", SmallWorld(plan, after: Self.bothIn))
    }

    @Test func hosts() {
        let plan: Plan = [[.kick, .again, .ban, .unban], [.message, .resume, .join, .again]]
        explore("hosts", SmallWorld(plan, .init(waits: 1), after: Self.bothIn))
    }

    /// The judge is judged: bugs between the chat and its people or its disk are found, with a history that has no move too many.
    @Test(
        arguments: [
            (Flaw.losesMessages, 2), (.doublesMessages, 2), (.swapsEvents, 3), (.losesLines, 5), (.hidesRefusals, 6),
            (.forgetsIdentifiers, 7), (.forgetsBans, 5),
        ])
    func plantedBug_isFoundWithTheShortestHistory(_ flaw: Flaw, moves: Int) {
        let plan: Plan = flaw == .forgetsBans ? [[.ban], [.resume]] : [[.message, .again], [.message]]
        let exploration = Exploration(SmallWorld(plan, after: Self.bothIn, flaw: flaw), limit: 20_000)
        let history = exploration.violation?.split(separator: "\n") ?? []
        print("\(flaw.rawValue), after \(exploration.states) states:\n\(exploration.violation ?? "not found")")
        #expect(history.count == moves + 1)
    }
}
