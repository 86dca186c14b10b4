import Chat

/// What has happened, as lines: the newest of them to be read, all of them as a fingerprint.
struct Trace {
    private var lines: [String] = []
    private var next = 0
    private(set) var count = 0
    private var digest = Digest()
    /// How many lines are kept.
    private let limit: Int
    /// Whether every line is printed.
    var isLoud = false

    init(limit: Int = 200) { self.limit = limit }

    /// The fingerprint of all lines: two runs of one seed must agree on it.
    var fingerprint: UInt64 { digest.value }

    mutating func add(_ time: Int64, _ line: String) {
        count += 1
        digest.add(UInt64(bitPattern: time))
        digest.add(Array(line.utf8).span)
        let text = "\(time / 1_000_000) ms  \(line)"
        if isLoud { print(text) }
        if lines.count < limit {
            lines.append(text)
        } else {
            lines[next] = text
            next = (next + 1) % limit
        }
    }

    /// The newest lines, oldest first.
    var newest: [String] { Array(lines[next...] + lines[..<next]) }
}
