/// Who is in the room, as far as this client is told: in a crowd the names of some, and the number of all.
package struct People: Equatable, Sendable {
    package private(set) var names: Set<String> = []
    package private(set) var count = 0
    /// The `user` of each name that is known, of those who have left, too.
    package private(set) var users: [String: String] = [:]

    init() {}

    init(_ welcome: Welcome) {
        names = Set(welcome.users)
        count = max(welcome.userCount, names.count)
        for person in welcome.people { users[person.username] = person.user }
    }

    mutating func apply(_ event: ChatEvent) {
        if let user = event.user { users[event.username] = user }
        switch event.kind {
        case .join:
            // The welcome has counted the newcomer whose own join follows it.
            if names.insert(event.username).inserted { count += 1 }
        case .leave:
            names.remove(event.username)
            count = max(names.count, count - 1)
        case .rename(let to):
            if names.remove(event.username) != nil { names.insert(to) }
            if let user = event.user { users[to] = user }
        case .message, .edit, .delete, .react, .moderation: break
        }
    }
}
