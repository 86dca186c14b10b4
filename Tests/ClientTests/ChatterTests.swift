import Support
import Testing

@testable import Client

/// What a chatter adds to the client that it carries.
@Suite struct ChatterTests {
    @Test func eachMessageHasAnIDOfItsOwn128RandomBits() throws {
        let client = ChatClient(username: "Ada", seed: 1)
        var chatter = try #require(Chatter(client: client, url: try ClientURL("ws://chat/")))
        var words: [UInt64] = []
        var random = SeededGenerator(seed: 1)
        for _ in 0..<100 {
            let isSaid = chatter.say("x", now: 0) {
                words.append(random.next())
                return words[words.count - 1]
            }
            #expect(isSaid)
        }
        let halves = chatter.client.outgoing.flatMap { $0.id.split(separator: "-").map { UInt64($0, radix: 36) } }
        #expect(halves == words && Set(words).count == 200)
        #expect(chatter.client.outgoing.allSatisfy { (1...64).contains($0.id.count) })
    }
}
