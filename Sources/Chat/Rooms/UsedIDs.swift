import Bytes

/// The identifiers that a user has given requests in a room, each with the seq of the event that it made.
///
/// Two generations: when the newer is full or a day old it becomes the older, and the older is forgotten. So the newest
/// `RoomRules.rememberedIDs` are known for a day at least, and never more than twice as many are held.
struct UsedIDs: Sendable {
    /// An identifier's digest: 64 bits, so that a user would have to search for two that collide, and would harm nobody else.
    typealias Hash = UInt64

    struct Generation: Sendable {
        var seqs: [Hash: UInt64] = [:]
        /// The `time` of its first.
        var began: Int64 = 0

        /// In the order of their seq.
        var sorted: [(id: Hash, seq: UInt64)] {
            seqs.map { (id: $0.key, seq: $0.value) }.sorted { ($0.seq, $0.id) < ($1.seq, $1.id) }
        }
    }

    private(set) var newer = Generation()
    private(set) var older = Generation()

    init() {}

    init(newer: Generation, older: Generation) {
        self.newer = newer
        self.older = older
    }

    /// The digest of what an identifier stands for, however it is spelled: `"a"` is `"\u0061"`.
    ///
    /// - Parameter id: a JSON string with its quotation marks.
    static func hash(of id: Span<UInt8>) -> Hash {
        var at = 0
        guard let token = JSONScanner.value(id, &at), token.kind == .string, !token.isPlain else { return digest(id) }
        var plain: [UInt8] = []
        plain.append(quoting: String(unescaping: token, of: id))
        return digest(plain.span)
    }

    private static func digest(_ id: Span<UInt8>) -> Hash {
        UInt64(truncatingIfNeeded: UInt128(leading: SHA1.digest(of: id)) >> 64)
    }

    var isEmpty: Bool { newer.seqs.isEmpty && older.seqs.isEmpty }
    var count: Int { newer.seqs.count + older.seqs.count }

    subscript(id: Hash) -> UInt64? { newer.seqs[id] ?? older.seqs[id] }

    /// Adds one that is not in it.
    mutating func insert(_ id: Hash, seq: UInt64, time: Int64) {
        if turns(time: time) { (older, newer) = (newer, Generation()) }
        if newer.seqs.isEmpty { newer.began = time }
        newer.seqs[id] = seq
    }

    /// Whether the next one that is inserted has the older ones forgotten.
    func turns(time: Int64) -> Bool {
        newer.seqs.count >= RoomRules.rememberedIDs || (!newer.seqs.isEmpty && time &- newer.began > RoomRules.day)
    }

    /// Takes out those whose events are no more.
    mutating func forget(where isGone: (UInt64) -> Bool) {
        newer.seqs = newer.seqs.filter { !isGone($0.value) }
        older.seqs = older.seqs.filter { !isGone($0.value) }
    }

    /// Takes one back out that was inserted last.
    mutating func remove(_ id: Hash) {
        if newer.seqs.removeValue(forKey: id) == nil { older.seqs.removeValue(forKey: id) }
    }
}
