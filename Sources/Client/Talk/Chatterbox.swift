import Sockets

/// A chatter with the system's randomness.
final class Chatterbox {
    private var chatter: Chatter
    private let entropy: EntropySource

    /// Its own object, so that it can be drawn from while the chatter is at work.
    private final class EntropySource {
        private var entropy = Entropy()
        func next() -> UInt64 { entropy.next() }
    }

    /// Nil where there is no memory for zlib.
    init?(_ options: TalkOptions) {
        entropy = EntropySource()
        let client = ChatClient(username: options.username ?? "", seed: entropy.next())
        guard let chatter = Chatter(client: client, url: options.url) else { return nil }
        self.chatter = chatter
    }

    var client: ChatClient { chatter.client }
    var refusal: ConnectionRefusal? { chatter.refusal }

    func join(as name: String, now: Int64) { act { $0.join(as: name, now: now, into: &$1) } }

    /// - Returns: false if the outbox is full.
    func say(_ text: String, now: Int64) -> Bool { chatter.say(text, now: now, random: entropy.next) }

    @discardableResult
    func act<Result>(_ body: (inout ChatClient, inout [ClientAction]) -> Result) -> Result {
        chatter.act(entropy.next, body)
    }

    func connected() { chatter.connected(random: entropy.next) }
    func disconnected(now: Int64) { chatter.disconnected(now: now, random: entropy.next) }

    func received(_ buffer: [UInt8], _ count: Int, now: Int64) {
        chatter.received(buffer.span.extracting(0..<count), now: now, random: entropy.next)
    }

    func takeOutput() -> [UInt8] { chatter.takeOutput() }

    func takeRequests() -> [Chatter.Request] {
        defer { chatter.requests = [] }
        return chatter.requests
    }

    var hasNews: Bool { !chatter.news.isEmpty }

    func takeNews() -> [News] {
        defer { chatter.news = [] }
        return chatter.news
    }
}
