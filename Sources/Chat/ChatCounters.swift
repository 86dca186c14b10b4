/// What has happened in the chat since it began, for metrics.
package struct ChatCounters: Sendable {
    package var joins: UInt64 = 0
    package var leaves: UInt64 = 0
    package var resumes: UInt64 = 0
    package var renames: UInt64 = 0
    package var messages: UInt64 = 0
    /// Events about other events, or about people.
    package var changes: UInt64 = 0
    /// Messages that were said again with an `id` that was used before.
    package var repeats: UInt64 = 0
    /// Events times the members that they went to.
    package var deliveries: UInt64 = 0
    /// Events that were taken back because they could not be written.
    package var takenBack: UInt64 = 0
    package var refusals: [ErrorCode: UInt64] = [:]

    /// An event has become history.
    mutating func count(_ kind: EventKind) {
        switch kind {
        case .join: joins += 1
        case .leave: leaves += 1
        case .message: messages += 1
        case .rename: renames += 1
        case .edit, .delete, .react, .moderation: changes += 1
        }
    }
}
