import Chat

/// Tells what a message is, from a few bytes of it: a load hears too many of them to read each one's JSON.
struct Hearing {
    enum Heard: Equatable {
        case welcome
        /// A message of this run.
        case message(Stamp)
        /// One of this run's clients has joined.
        case join
        case refusal
        /// What others say and do, and what needs no account.
        case other
        /// Nothing that this server should say here.
        case nonsense
    }

    /// What the names of this run's clients begin with.
    let namePrefix: String
    private let isEcho: Bool
    private var marker: TextFinder
    private var name: TextFinder
    private var type = TextFinder("\"type\":\"")

    /// - Parameters:
    ///   - marker: what the stamp stands after, in messages of this run.
    ///   - namePrefix: has nothing in it that JSON would escape.
    init(marker: [UInt8], namePrefix: String, isEcho: Bool) {
        self.isEcho = isEcho
        self.namePrefix = namePrefix
        self.marker = TextFinder(marker)
        name = TextFinder("\"username\":\"\(namePrefix)")
    }

    mutating func hear(_ text: Span<UInt8>) -> Heard {
        if isEcho { return stamp(text).map { .message($0) } ?? .nonsense }
        guard let start = type.end(in: text), start < text.count else { return .nonsense }
        // The first letter tells the types apart.
        switch text[start] {
        case UInt8(ascii: "m"): return stamp(text).map { .message($0) } ?? .other
        case UInt8(ascii: "j"): return name.end(in: text) != nil ? .join : .other
        case UInt8(ascii: "w"): return .welcome
        case UInt8(ascii: "e"): return .refusal
        default: return .other
        }
    }

    private mutating func stamp(_ text: Span<UInt8>) -> Stamp? { marker.end(in: text).flatMap { Stamp(text, at: $0) } }
}
