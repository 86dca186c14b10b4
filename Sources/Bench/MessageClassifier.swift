import Chat

/// Tells what a message is, from a few bytes of it: a load hears too many of them to read each one's JSON.
struct MessageClassifier {
    enum Kind: Equatable {
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

    mutating func classify(_ text: Span<UInt8>) -> Kind {
        if isEcho { return stamp(text).map { .message($0) } ?? .nonsense }
        guard let start = type.end(in: text), start + 1 < text.count else { return .nonsense }
        // Two letters tell the types apart.
        switch (text[start], text[start + 1]) {
        case (UInt8(ascii: "m"), UInt8(ascii: "e")): return stamp(text).map { .message($0) } ?? .other
        case (UInt8(ascii: "j"), UInt8(ascii: "o")): return name.end(in: text) != nil ? .join : .other
        case (UInt8(ascii: "w"), UInt8(ascii: "e")): return .welcome
        case (UInt8(ascii: "e"), UInt8(ascii: "r")): return .refusal
        default: return .other
        }
    }

    private mutating func stamp(_ text: Span<UInt8>) -> Stamp? { marker.end(in: text).flatMap { Stamp(text, at: $0) } }
}
