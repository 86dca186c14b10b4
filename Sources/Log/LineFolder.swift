import Bytes
import Chat

/// Folds what was done to messages into lines of a history.
///
/// Where something was deleted, its text is erased in edits of it, too, and in snapshots. Lines are to be given in their order: an edit's
/// message before it.
package struct LineFolder: Sendable {
    private let fold: Fold
    /// Deleted messages whose edits are to be erased.
    private var erased: Set<UInt64>
    /// The users who said what is deleted, as they stand in lines.
    private(set) var authors: Set<[UInt8]> = []

    /// Messages whose lines were not met yet.
    private(set) var unfound: Set<UInt64>

    package init(_ fold: Fold) {
        self.fold = fold
        unfound = Set(fold.facts.keys)
        erased = fold.erases ? Set(fold.facts.filter { $0.value.isDeleted && $0.value.wasEdited }.keys) : []
    }

    /// Whether edits are to be erased, wherever they stand.
    package var erasesEdits: Bool { !erased.isEmpty }

    /// Appends a line as it is to be, with its line break.
    ///
    /// - Returns: whether it was another.
    package mutating func append(_ line: Span<UInt8>, to text: inout [UInt8]) -> Bool {
        let start = text.count
        if let event = EventLine(line) {
            switch event.kind {
            case .message: if append(event, line, to: &text) { return true }
            case .edit where isErased(event, line):
                event.appendWithoutText(of: line, to: &text)
                text.append("}\n")
                return true
            default: break
            }
        } else if fold.erases, RoomLoader.appendSnapshot(line, without: isForgotten, to: &text) {
            return true
        }
        text.removeLast(text.count - start)
        text.append(copying: line)
        text.append(UInt8(ascii: "\n"))
        return false
    }

    /// Appends a message with what was done to it.
    ///
    /// - Returns: whether it differs from its line.
    private mutating func append(_ event: EventLine, _ line: Span<UInt8>, to text: inout [UInt8]) -> Bool {
        unfound.remove(event.seq)
        guard let facts = fold.facts(of: event, in: line) else { return false }
        if facts.isDeleted {
            if facts.wasEdited || event.wasEdited(in: line) { erased.insert(event.seq) }
            if event.user.kind == .string { authors.insert(Array(copying: line.extracting(event.user.range))) }
        }
        let start = text.count
        event.appendFolded(of: line, facts, to: &text)
        return !text[start..<text.count - 1].elementsEqual(Array(copying: line))
    }

    private func isErased(_ event: EventLine, _ line: Span<UInt8>) -> Bool {
        guard event.text.kind == .string, let target = JSONScanner.whole(line, event.target) else { return false }
        return erased.contains(target)
    }

    /// Whether a snapshot's text of a message is to go.
    private func isForgotten(_ target: UInt64) -> Bool {
        erased.contains(target) || fold.facts[target]?.isDeleted == true
    }
}
