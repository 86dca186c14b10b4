import Bytes

/// Where a snapshot that is written in pieces goes on.
package struct SnapshotCursor: Sendable {
    var part = 0
    var member: UInt64 = 0
    var person: UInt64 = 0
    /// The message whose facts were written last.
    var target: UInt64 = 0
    /// Whether the last piece is written.
    package internal(set) var isDone = false

    package init() {}
}

/// What is needed to go on from here, as lines of the log: a segment begins with it.
///
///     {"type":"snapshot","seq":12,"part":0,"first":1,"members":[…],"people":[…],"last":true}
///
/// A large room's is written in pieces over the segment's first lines. Each is what is so at the seq it names: events with a
/// greater seq that follow it change that, those that came before have done so.
extension Room {
    /// Appends the next piece, as a line with its line break.
    ///
    /// - Parameter limit: bytes from which on the piece ends; it has one person or member at least, so that it gets on.
    package func appendSnapshot(from cursor: inout SnapshotCursor, limit: Int, to bytes: inout [UInt8]) {
        let start = bytes.count
        bytes.append("{\"type\":\"snapshot\",\"seq\":")
        bytes.append(decimal: seq)
        bytes.append(",\"part\":")
        bytes.append(decimal: UInt64(cursor.part))
        if cursor.part == 0 {
            bytes.append(",\"first\":")
            bytes.append(decimal: firstKept)
            bytes.append(",\"nextMember\":")
            bytes.append(decimal: members.next)
            bytes.append(",\"nextPerson\":")
            bytes.append(decimal: people.next)
            bytes.append(",\"jumps\":[")
            appendList(jumps, to: &bytes) { bytes, jump in
                bytes.append("[")
                bytes.append(decimal: jump.from)
                bytes.append(",")
                bytes.append(decimal: jump.to)
                bytes.append("]")
            }
            bytes.append("],\"purges\":[")
            appendList(purges, to: &bytes) { $0.append($1) }
            bytes.append("]")
            bytes.append(settings)
            if let pair { bytes.append(pair) }
        }
        cursor.part += 1
        bytes.append(",\"people\":[")
        cursor.person = appendTable(people, from: cursor.person, upTo: start + limit, to: &bytes) { $2.append($1, $0) }
        bytes.append("],\"members\":[")
        if people.first(from: cursor.person) == nil {
            cursor.member = appendTable(members, from: cursor.member, upTo: start + limit, to: &bytes) {
                $2.append($1, $0)
            }
        }
        bytes.append("],\"facts\":[")
        if members.first(from: cursor.member) == nil {
            cursor.isDone = appendFacts(after: &cursor.target, upTo: start + limit, to: &bytes)
        }
        bytes.append(cursor.isDone ? "],\"last\":true}\n" : "]}\n")
    }

    private func appendTable<Element>(
        _ table: NumberedTable<Element>, from first: UInt64, upTo end: Int, to bytes: inout [UInt8],
        _ body: (UInt64, Element, inout [UInt8]) -> Void
    ) -> UInt64 {
        var next = first
        while bytes.count < end || next == first, let (number, element) = table.first(from: next) {
            if bytes.last != UInt8(ascii: "[") { bytes.append(UInt8(ascii: ",")) }
            body(number, element, &bytes)
            next = number + 1
        }
        return next
    }

    /// Appends what was done to messages, as far as their lines do not tell it.
    ///
    /// - Returns: whether that is all.
    private func appendFacts(after target: inout UInt64, upTo end: Int, to bytes: inout [UInt8]) -> Bool {
        let targets = facts.filter { $0.value.isUnfolded }.keys.sorted()
        for next in targets where next > target {
            guard bytes.count < end || bytes.last == UInt8(ascii: "[") else { return false }
            if bytes.last != UInt8(ascii: "[") { bytes.append(UInt8(ascii: ",")) }
            facts[next]?.append(target: next, to: &bytes)
            target = next
        }
        return true
    }

    private func appendList<Element>(
        _ list: [Element], to bytes: inout [UInt8], _ body: (inout [UInt8], Element) -> Void
    ) {
        for (index, element) in list.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            body(&bytes, element)
        }
    }
}

extension [UInt8] {
    fileprivate mutating func append(_ purge: Purge) {
        append("[\"")
        purge.user.append(to: &self)
        append("\",")
        append(decimal: UInt64(clamping: purge.from))
        append(",")
        append(decimal: purge.seq)
        append("]")
    }

    fileprivate mutating func append(_ member: Member, _ number: UInt64) {
        append("{\"member\":")
        append(decimal: number)
        append(contentsOf: member.signature)
        append(",\"since\":")
        append(decimal: UInt64(clamping: member.since))
        append(",\"session\":\"")
        append(hexadecimal: member.session)
        append(member.isKeyed ? "\",\"keyed\":true}" : "\"}")
    }

    fileprivate mutating func append(_ person: Person, _ number: UInt64) {
        append("{\"person\":")
        append(decimal: number)
        append(",\"user\":\"")
        person.user.append(to: &self)
        append("\",\"seen\":")
        append(decimal: UInt64(clamping: person.seen))
        if person.isKeyed { append(",\"keyed\":true") }
        append(",\"names\":[")
        for (index, name) in person.names.enumerated() {
            append(index > 0 ? ",[" : "[")
            append(quoting: name.folded)
            append(",")
            append(decimal: UInt64(clamping: name.time))
            append("]")
        }
        append("]")
        if person.said > 0 {
            append(",\"said\":")
            append(decimal: UInt64(clamping: person.said))
        }
        if let name = person.name {
            append(",\"name\":")
            append(quoting: name)
        }
        append(addresses: person.addresses)
        append(person.standing)
        append(",\"ids\":", person.used.newer)
        append(",\"olderIDs\":", person.used.older)
        append("}")
    }

    /// Identifiers as one text: base64 of sixteen bytes for each, its digest and its seq.
    private mutating func append(_ name: StaticString, _ ids: UsedIDs.Generation) {
        guard !ids.seqs.isEmpty else { return }
        append(name)
        append("{\"since\":")
        append(decimal: UInt64(clamping: ids.began))
        append(",\"of\":\"")
        var bytes: [UInt8] = []
        for (id, seq) in ids.sorted {
            bytes.append(bigEndian: id, byteCount: 8)
            bytes.append(bigEndian: seq, byteCount: 8)
        }
        append(contentsOf: Base64.encode(bytes.span))
        append("\"}")
    }
}
