/// Goes through all states of a small world, those that take the fewest moves first, so that what is found has the shortest history.
struct Exploration {
    private(set) var states = 1
    private(set) var steps = 0
    /// How many moves the longest history has.
    private(set) var depth = 0
    /// Whether nothing was left untried.
    private(set) var isExhausted = false
    /// What has led to the first violation, and which it is.
    private(set) var violation: String?

    /// How each state was first reached: from which one, and by what.
    private var origins: [(from: Int, by: SmallWorld.Move?)] = [(0, nil)]

    /// - Parameter limit: states at which it ends.
    init(_ world: SmallWorld, limit: Int) {
        violation = world.judge.failure.map { "at the beginning: \($0)" }
        if violation == nil { run(world, limit: limit) }
    }

    private mutating func run(_ world: SmallWorld, limit: Int) {
        var seen: Set<Int> = [world.key]
        var frontier = [(place: 0, world: world)]
        while !frontier.isEmpty {
            var next: [(place: Int, world: SmallWorld)] = []
            for (place, world) in frontier {
                for move in world.moves {
                    steps += 1
                    var later = world
                    later.take(move)
                    let isNew = seen.insert(later.key).inserted
                    // What is only on its way has changed nothing yet.
                    if isNew, move.changesChat { later.check() }
                    if let failure = later.judge.failure {
                        violation = history(place, move) + "\n→ \(failure)"
                        return
                    }
                    guard isNew else { continue }
                    next.append((states, later))
                    origins.append((place, move))
                    states += 1
                    if states >= limit { return }
                }
            }
            depth += 1
            frontier = next
        }
        isExhausted = true
    }

    private func history(_ place: Int, _ last: SmallWorld.Move) -> String {
        var moves = [last]
        var place = place
        while let move = origins[place].by {
            moves.append(move)
            place = origins[place].from
        }
        return moves.reversed().map(\.description).joined(separator: "\n")
    }
}

extension SmallWorld.Move {
    fileprivate var changesChat: Bool {
        switch self {
        case .tick, .kill: true
        case .ask, .comeBack, .wait: false
        }
    }
}
