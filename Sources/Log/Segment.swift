import Chat

/// One file of a room's log. Its name is the seq of its first event.
package struct Segment: Sendable, Hashable {
    package let first: UInt64
    /// How many bytes count: whole lines, and nothing that was refused.
    package var length: Int64

    package init(first: UInt64, length: Int64) {
        self.first = first
        self.length = length
    }

    static let suffix = ".jsonl"
    private static let digits = 20

    static func name(_ first: UInt64) -> String {
        let number = String(first)
        return String(repeating: "0", count: max(0, digits - number.utf8.count)) + number + suffix
    }

    /// nil for a file that is no segment.
    static func first(of name: String) -> UInt64? {
        guard name.hasSuffix(suffix), name.utf8.count == digits + suffix.utf8.count,
            name.utf8.prefix(digits).allSatisfy({ (0x30...0x39).contains($0) }),
            let first = UInt64(name.prefix(digits)), first > 0, first <= Limits.largestSeq
        else { return nil }
        return first
    }
}

/// A room's folder.
struct RoomFolder: Sendable, Hashable {
    let path: String

    /// What the name of a file ends with that is to take another's place.
    static let newSuffix = ".new"

    func file(_ first: UInt64) -> String { path + "/" + Segment.name(first) }

    /// What was found behind the last line break of a file, half a line: it is no line of the log, and kept all the same.
    var halfLines: String { path + "/half-written-lines.txt" }

    /// The segments in it, in the order of their names.
    func segments(_ disk: any Storage) throws(StorageError) -> [Segment] {
        var found: [Segment] = []
        for entry in try disk.list(path) ?? [] where entry.isFile {
            if let first = Segment.first(of: entry.name) { found.append(Segment(first: first, length: entry.size)) }
        }
        return found.sorted { $0.first < $1.first }
    }
}
