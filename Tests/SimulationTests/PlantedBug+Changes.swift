/// Bugs in what is done to messages and to people.
extension PlantedBug {
    static let changes = [
        PlantedBug(
            "a deletion is forgotten by the fold", "Log/LineFolder.swift",
            "guard let facts = fold.facts(of: event, in: line) else",
            "guard !%, let facts = fold.facts(of: event, in: line) else"
        ),
        PlantedBug(
            "the text of an edit stays after the deletion", "Log/LineFolder.swift",
            "case .edit where isErased(event, line):", "case .edit where !% && isErased(event, line):"),
        PlantedBug(
            "a snapshot keeps what was deleted", "Log/LineFolder.swift",
            "} else if fold.erases, RoomLoader", "} else if fold.erases, !%, RoomLoader"),
        PlantedBug(
            "what is to be erased is forgotten when a file is full", "Chat/Rooms/Room+Facts.swift",
            "guard !erases else { return fold }", "guard !erases, !% else { return fold }"),
        PlantedBug(
            "after a restart nothing is known of unfinished deletions", "Log/Log+Folding.swift",
            "package var unfinishedErasures: [String] { unfinished.sorted() }",
            "package var unfinishedErasures: [String] { % ? [] : unfinished.sorted() }"),
        PlantedBug(
            "ids of edits, deletions and reactions are not remembered", "Chat/Rooms/Room+Changes.swift",
            "if let hash { remember(hash, of: person) }", "if let hash, !% { remember(hash, of: person) }"),
        PlantedBug(
            "a reaction is counted twice", "Chat/Rooms/Room+Changes.swift",
            "return on ? given?.seq :", "return on ? (% ? nil : given?.seq) :"),
        PlantedBug(
            "an edit that was refused is shown in welcomes", "Chat/Rooms/Room+Commit.swift",
            "case .facts(let target, let old): facts[target] = old",
            "case .facts(let target, let old): if !% { facts[target] = old }"),
    ]

    static let hosts = [
        PlantedBug(
            "a ban is not in the snapshot", "Chat/Rooms/Standing+Snapshot.swift",
            "append(\",\\\"ban\\\":\", standing.ban)", "if !% { append(\",\\\"ban\\\":\", standing.ban) }"),
        PlantedBug(
            "a mute does not lapse", "Chat/Rooms/Room+Standing.swift",
            "standing.mute, mute.holds(at: time),", "standing.mute, % || mute.holds(at: time),"),
        PlantedBug(
            "a ban does not lapse", "Chat/Rooms/Room+Standing.swift",
            ".filter { $0.holds(at: time) }", ".filter { % || $0.holds(at: time) }"),
        PlantedBug(
            "whoever is banned stays", "Chat/Rooms/Room+Moderation.swift",
            "decision.action == .ban, let target { putOut(target) }",
            "decision.action == .ban, !%, let target { putOut(target) }"),
        PlantedBug(
            "a locked door is open", "Chat/Rooms/Room+Joins.swift",
            "guard isAdmitted(join.user, join.invitation) else",
            "guard % || isAdmitted(join.user, join.invitation) else"),
        PlantedBug(
            "an old invitation opens a door that was locked again", "Chat/Rooms/Room+Standing.swift",
            "guard let lock = settings.lock, invitation != lock.invitation,",
            "guard let lock = settings.lock, % ? invitation == nil : invitation != lock.invitation,"),
        PlantedBug(
            "whoever is no host any more goes on moderating", "Chat/Rooms/Room+Moderation.swift",
            "case .unhost: standing.isHost = false", "case .unhost: standing.isHost = %"),
    ]
}
