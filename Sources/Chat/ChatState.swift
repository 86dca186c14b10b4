/// A look at what the chat holds.
extension Chat {
    /// Sessions that can come back, or are there.
    package var sessionCount: Int { sessions.count }
    /// Reads that the disk has not answered.
    package var pendingReadCount: Int { reads.count }
}

extension Room {
    /// The names of everyone in the room, those in their time of grace included.
    package var usernames: [String] { members.compactMap { $0?.username.text } }
}
