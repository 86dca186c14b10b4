import Client
import Testing

@testable import Talk

/// Where a text mentions a name, and what commands refer to that name no message.
@Suite struct MentionTests {
    @Test(
        arguments: [
            ("Bo", "hi Bo", 1), ("Bo", "bo!", 1), ("Bo", "@bo: BO", 2), ("Bo", "Bob rob-o robo", 0), ("Bo", "", 0),
            ("Bo", "Bo", 1), ("Bo", "bo_x x_bo 1bo bo2", 0), ("Bo", "(Bo)(bo)", 2), ("", "anything", 0),
            ("राम", "रामा", 0), ("राम", "राम आए", 1), ("Jose", "Jose\u{301}", 0), ("José", "Jose\u{301} ist da", 1),
            ("jose", "JOSÉ", 0), ("田中", "田中さんは", 1), ("田中", "今日田中さん", 1), ("สมชาย", "คุณสมชายมา", 1),
            ("Straße", "STRASSE", 0), ("Ann-Marie", "ann-marie?", 1), (":-)", "a:-)b", 1), ("Eve Ada", "hi eve ada", 1),
            ("ab", "aab ab", 1),
        ])
    func names_areFoundAsWords(name: String, text: String, count: Int) {
        #expect(Mention.places(of: name, in: text).count == count)
    }

    private func message(_ seq: UInt64, _ username: String, _ text: String, user: String? = nil) -> ChatEvent {
        var event = ChatEvent(seq: seq, time: Int64(seq), username: username, kind: .message(text: text, id: nil))
        event.user = user
        return event
    }

    @Test func recentMessages_areAsTheyAreNow() {
        var recent = RecentMessages()
        recent.apply(message(1, "Ada", "mine", user: "a"), isOwn: true)
        recent.apply(message(2, "Bo", "one", user: "b"), isOwn: false)
        recent.apply(message(3, "Bo", "two", user: "b"), isOwn: false)
        #expect(recent.newest(isOwn: true)?.seq == 1 && recent.newest(isOwn: false)?.seq == 3)
        func change(_ kind: ChatEvent.Kind, isOwn: Bool = false) {
            recent.apply(ChatEvent(seq: 9, time: 9, username: "Bo", kind: kind), isOwn: isOwn)
        }
        change(.edit(target: 3, text: "three", id: nil))
        #expect(recent[3]?.text == "three")
        change(.edit(target: 3, text: nil, id: nil))
        change(.react(target: 3, emoji: "👍", isOn: true, id: nil))
        #expect(recent[3]?.text == "three" && recent[3]?.ownReactions == [])
        change(.react(target: 3, emoji: "👍", isOn: true, id: nil), isOwn: true)
        #expect(recent[3]?.ownReactions == ["👍"])
        change(.react(target: 3, emoji: "👍", isOn: false, id: nil), isOwn: true)
        change(.delete(target: 3, id: nil))
        #expect(recent[3] == nil && recent.newest(isOwn: false)?.seq == 2)
        var purge = Moderation(action: "purge", to: "Bo", toUser: "b")
        purge.from = 3
        change(.moderation(purge, id: nil))
        #expect(recent[2] != nil)
        purge.from = 2
        change(.moderation(purge, id: nil))
        #expect(recent[2] == nil && recent[1] != nil)
        for seq in 10..<10_000 { recent.apply(message(UInt64(seq), "Bo", "x"), isOwn: false) }
        #expect(recent[9_000] != nil && recent[10] == nil)
    }
}
