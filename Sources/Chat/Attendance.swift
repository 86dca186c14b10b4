/// Who is in a room by its newest events.
struct Attendance {
    enum State { case present, left }

    /// The last that is told of each name; of those of whom the events tell nothing there is nothing.
    private(set) var states: [String: State] = [:]
    /// The names in it, in the order in which they came up first.
    private(set) var names: [String] = []
    /// The seq of the last event.
    private(set) var lastSeq: UInt64 = 0

    /// - Parameter events: lines, each with its line break.
    init(of events: Span<UInt8>) {
        LinePrefix.forEach(in: events) { prefix, range in
            lastSeq = prefix.seq
            take(events.extracting(range))
        }
    }

    private mutating func take(_ line: Span<UInt8>) {
        var type = JSONToken.absent
        var username = JSONToken.absent
        var to = JSONToken.absent
        var at = 0
        let isObject = JSONScanner.members(line, &at) { name, value in
            let text = line.extracting(name.range)
            if text.isEqual(to: "type") { type = value }
            if text.isEqual(to: "username") { username = value }
            if text.isEqual(to: "to") { to = value }
        }
        guard isObject, username.kind == .string else { return }
        let name = String(unescaping: username, of: line)
        let kind = line.extracting(type.range)
        note(name, kind.isEqual(to: "leave") || kind.isEqual(to: "rename") ? .left : .present)
        if kind.isEqual(to: "rename"), to.kind == .string { note(String(unescaping: to, of: line), .present) }
    }

    private mutating func note(_ name: String, _ state: State) {
        if states.updateValue(state, forKey: name) == nil { names.append(name) }
    }
}
