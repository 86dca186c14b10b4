/// Who is in the room, as far as this client is told: in a crowd the names of some, and the number of all.
package struct People: Equatable, Sendable {
    package private(set) var names: Set<String> = []
    package private(set) var count = 0

    init() {}

    init(_ welcome: Welcome) {
        names = Set(welcome.users)
        count = max(welcome.userCount, names.count)
    }

    mutating func apply(_ event: ChatEvent) {
        switch event.kind {
        case .join:
            // The welcome has counted the newcomer whose own join follows it.
            if names.insert(event.username).inserted { count += 1 }
        case .leave:
            names.remove(event.username)
            count = max(names.count, count - 1)
        case .rename(let to):
            if names.remove(event.username) != nil { names.insert(to) }
        case .message: break
        }
    }
}
