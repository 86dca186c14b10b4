import Chat
import Testing

/// Edits, deletions, reactions and replies: what they do, who may do them, and that a message is told everywhere as it is now.
@Suite struct ChangeTests {
    /// Ada and Bob, each with a key; Ada has said "one" and "two".
    private func world(isDurable: Bool = true) -> (world: ChatHarness, ada: ConnectionID, bob: ConnectionID) {
        var world = ChatHarness(limits: ChatHarness.unlimited(isDurable: isDurable))
        let ada = world.join("Ada", key: "a")
        let bob = world.join("Bob", key: "b")
        world.say(ada, "one")
        world.say(ada, "two")
        world.tick()
        _ = (world.take(ada), world.take(bob))
        return (world, ada, bob)
    }

    /// Sends a request, and takes out what its sender gets.
    private func ask(_ world: inout ChatHarness, _ id: ConnectionID, _ request: String) -> JSON? {
        world.send(id, request)
        world.tick()
        while !world.disk.reads.isEmpty { world.tick() }
        return world.take(id).last
    }

    private func page(_ world: inout ChatHarness, _ id: ConnectionID, before: Int = 1 << 40) -> [JSON] {
        ask(&world, id, "{\"type\":\"history\",\"before\":\(before),\"limit\":100}")?["events"] ?? []
    }

    private let one = 3  // the seq of "one": Ada and Bob have joined before
    private func edit(_ target: Int, _ text: String, id: String? = nil) -> String {
        "{\"type\":\"edit\",\"target\":\(target),\"text\":\(quoted(text))\(name(id))}"
    }
    private func delete(_ target: Int, id: String? = nil) -> String {
        "{\"type\":\"delete\",\"target\":\(target)\(name(id))}"
    }
    private func react(_ target: Int, _ emoji: String, on: Bool = true, id: String? = nil) -> String {
        "{\"type\":\"react\",\"target\":\(target),\"emoji\":\(quoted(emoji)),\"on\":\(on)\(name(id))}"
    }
    private func name(_ id: String?) -> String { id.map { ",\"id\":\(quoted($0))" } ?? "" }

    // MARK: Edits

    @Test(arguments: [false, true]) func edit_isToldToAll_andInHistory(isDurable: Bool) {
        var (world, ada, bob) = world(isDurable: isDurable)
        let event = ask(&world, ada, edit(one, "eins", id: "e1"))
        #expect(event?.keys == ["type", "seq", "time", "username", "user", "target", "text", "id"])
        #expect(event?["target"] == one)
        #expect(event?["text"] == "eins")
        #expect(world.take(bob).map(\.text) == [event?.text])
        let first = page(&world, bob).first
        #expect(first?["text"] == "eins")
        #expect(first?["edited"] as Int? == event?["time"])
        #expect(first?.seq == one)
    }

    @Test func edit_ofAnothersMessage_isRefused() {
        var (world, _, bob) = world()
        #expect(ask(&world, bob, edit(one, "mine"))?.code == "not_allowed")
        #expect(page(&world, bob).first?["text"] == "one")
    }

    @Test func edit_ofWhatIsNoMessage_isRefused() {
        var (world, ada, _) = world()
        for target in [1, 99, 0] { #expect(ask(&world, ada, edit(target, "x"))?.code == "not_found") }
        #expect(ask(&world, ada, "{\"type\":\"edit\",\"text\":\"x\"}")?.code == "bad_field")
        #expect(ask(&world, ada, "{\"type\":\"edit\",\"target\":-1,\"text\":\"x\"}")?.code == "bad_field")
        #expect(ask(&world, ada, edit(one, " "))?.code == "text_empty")
        #expect(ask(&world, ada, edit(one, String(repeating: "x", count: 4001)))?.code == "text_too_long")
    }

    @Test func edit_after24Hours_isTooLate() {
        var (world, ada, _) = world()
        world.tick(after: 24 * 3_600_000 - 100)
        #expect(ask(&world, ada, edit(one, "in time"))?.type == "edit")
        world.tick(after: 200)
        #expect(ask(&world, ada, edit(one, "late", id: "late"))?.code == "too_late")
        #expect(ask(&world, ada, delete(one))?.type == "delete")
    }

    @Test func edit_withoutKey_isTheSameSessionsOnly() {
        var world = ChatHarness.durable()
        let ada = world.join("Ada")
        world.say(ada, "one")
        world.tick()
        let session = world.session(ada)
        world.close(ada, .lost)
        world.tick()
        let again = world.comeBack(session)
        #expect(ask(&world, again, edit(2, "uno"))?.type == "edit")
        world.close(again, .left)
        let other = world.join("Ada")
        #expect(ask(&world, other, edit(2, "mine"))?.code == "not_allowed")
    }

    @Test func edit_withTheTextItHas_isDone() {
        var (world, ada, bob) = world()
        let event = ask(&world, ada, edit(one, "eins"))
        let done = ask(&world, ada, edit(one, "eins", id: "again"))
        #expect(done?.type == "done")
        #expect(done?["id"] == "again")
        #expect(done?.seq == event?.seq)
        #expect(world.take(bob).map(\.type) == ["edit"])
    }

    // MARK: Exactly once

    @Test func change_withUsedID_isDoneOnce() {
        var (world, ada, bob) = world()
        let edit = ask(&world, ada, edit(one, "eins", id: "e"))
        let react = ask(&world, ada, react(one, "👍", id: "r"))
        let delete = ask(&world, ada, delete(4, id: "d"))
        for (id, event) in [("e", edit), ("r", react), ("d", delete)] {
            // One space of ids for all kinds of requests.
            for request in [self.edit(one, "other", id: id), self.react(one, "🎉", id: id), self.delete(one, id: id)] {
                let answer = ask(&world, ada, request)
                #expect(answer?.type == "done")
                #expect(answer?["id"] == id)
                #expect(answer?.seq == event?.seq)
            }
        }
        #expect(world.take(bob).map(\.type) == ["edit", "react", "delete"])
        // After a kill, too.
        world.restart()
        let again = world.join("Ada again", key: "a")
        _ = world.take(again)
        #expect(ask(&world, again, self.edit(one, "other", id: "e"))?.type == "done")
    }

    @Test func message_whoseIDIsRepeated_isAnsweredAsItIsNow() {
        var (world, ada, _) = world()
        world.say(ada, "three", messageID: "m")
        world.tick()
        _ = ask(&world, ada, edit(5, "drei"))
        world.say(ada, "three", messageID: "m")
        world.tick()
        let answer = world.take(ada).last
        #expect(answer?["text"] == "drei")
        #expect(answer?["edited"] as Int? != nil)
        _ = ask(&world, ada, delete(5))
        world.say(ada, "three", messageID: "m")
        world.tick()
        let deleted = world.take(ada).last
        #expect(deleted?["deleted"] == true)
        #expect(deleted?["text"] as String? == nil)
        // A refused request does not use its id up.
        #expect(ask(&world, ada, edit(5, "x", id: "n"))?.code == "not_found")
        #expect(ask(&world, ada, edit(4, "y", id: "n"))?.type == "edit")
    }

    // MARK: Deletions

    @Test(arguments: [false, true]) func delete_takesTextAndReactionsAway(isDurable: Bool) {
        var (world, ada, bob) = world(isDurable: isDurable)
        _ = ask(&world, bob, react(one, "👍"))
        let event = ask(&world, ada, delete(one, id: "d"))
        #expect(event?.keys == ["type", "seq", "time", "username", "user", "target", "id"])
        let first = page(&world, bob).first
        #expect(first?["deleted"] == true)
        #expect(first?.keys.isDisjoint(with: ["text", "edited", "reactions"]) == true)
        let second = ask(&world, ada, delete(one, id: "d2"))
        #expect(second?.type == "done")
        #expect(second?.seq == event?.seq)
        #expect(ask(&world, ada, edit(one, "back"))?.code == "not_found")
        #expect(ask(&world, bob, react(one, "👍"))?.code == "not_found")
        #expect(ask(&world, bob, "{\"type\":\"message\",\"text\":\"x\",\"reply\":\(one)}")?.code == "not_found")
    }

    @Test func delete_inTheTickOfAnEdit_wins() {
        var (world, ada, bob) = world()
        world.send(ada, edit(one, "eins"))
        world.send(ada, delete(one))
        world.send(ada, edit(one, "zwei"))
        world.tick()
        #expect(world.take(ada).map(\.code) == [nil, nil, "not_found"])
        #expect(world.take(bob).map(\.type) == ["edit", "delete"])
        #expect(page(&world, bob).first?["deleted"] == true)
    }

    @Test func delete_ofAnothersMessage_isRefused() {
        var (world, _, bob) = world()
        #expect(ask(&world, bob, delete(one, id: "d"))?.code == "not_allowed")
        #expect(ask(&world, bob, delete(1))?.code == "not_found")
    }

    @Test func edits_inAResume_haveNoTextThatCountsNoMore() {
        var (world, ada, bob) = world()
        let session = world.session(bob)
        _ = session
        let eve = world.join("Eve", key: "e")
        let since = world.take(eve).last?.seq ?? 0
        _ = ask(&world, ada, edit(one, "eins"))
        _ = ask(&world, ada, edit(one, "uno"))
        _ = ask(&world, ada, edit(4, "zwei"))
        _ = ask(&world, ada, delete(4))
        let again = world.join("Eve2", more: ",\"since\":\(since)")
        let history: [JSON] = world.take(again).first?["history"] ?? []
        #expect(history.map(\.type) == ["edit", "edit", "edit", "delete"])
        #expect(history.map { $0["text"] ?? "-" } == ["-", "uno", "-", "-"])
    }

    /// What is deleted in one go stays so after a kill, before and after the log's lines tell it.
    @Test func purge_holdsAfterARestart_andAfterAFold() {
        var world = ChatHarness.durable()
        let host = world.join("Host", key: "h", room: "garden")
        world.say(host, "welcome")
        world.tick()
        let troll = world.join("Troll", key: "t", room: "garden")
        for number in 0..<5 { world.say(troll, "spam \(number)") }
        world.tick()
        _ = ask(&world, troll, edit(5, "worse spam"))
        _ = world.take(host)
        let purge = ask(
            &world, host, "{\"type\":\"moderate\",\"action\":\"purge\",\"username\":\"Troll\",\"minutes\":5}")
        #expect(purge?.type == "moderation")
        func texts(_ id: ConnectionID) -> [String] { page(&world, id).map { $0["text"] ?? "-" } }
        #expect(texts(host) == ["welcome", "-", "-", "-", "-", "-"])
        world.restart()
        let late = world.join("Late", key: "l", room: "garden")
        let history: [JSON] = world.take(late).first?["history"] ?? []
        #expect(history.map { $0["text"] ?? "-" } == ["welcome", "-", "-", "-", "-", "-"])
        world.say(late, "on")
        world.tick()
        let folded = world.disk.fold(world.room("garden"), erases: true)
        world.inputs.items.append(.folded(room: world.chat.roomsByName["garden"] ?? 0, folded))
        world.tick()
        #expect(world.room("garden").untold.isEmpty)
        _ = world.take(late)
        #expect(texts(late) == ["welcome", "-", "-", "-", "-", "-", "on"])
        #expect(
            world.disk.events("garden").filter { ($0["text"] ?? "").contains("spam") && $0.type == "message" }.isEmpty)
    }

    // MARK: Reactions

    @Test(arguments: [false, true]) func reactions_areCountedOncePerUser(isDurable: Bool) {
        var (world, ada, bob) = world(isDurable: isDurable)
        let event = ask(&world, ada, react(one, "👍", id: "r"))
        #expect(event?.keys == ["type", "seq", "time", "username", "user", "target", "emoji", "on", "id"])
        _ = ask(&world, bob, react(one, "👍"))
        let second = ask(&world, ada, react(one, "👍", id: "r2"))
        #expect(second?.type == "done")
        #expect(second?.seq == event?.seq)
        for (id, mine) in [(ada, true), (bob, true)] {
            let thumbs = page(&world, id).first.flatMap { reactions($0) }?["👍"]
            #expect(thumbs?["count"] == 2)
            #expect(thumbs?["names"] == ["Ada", "Bob"])
            #expect(thumbs?["mine"] == mine)
        }
        #expect(ask(&world, ada, react(one, "👍", on: false))?["on"] == false)
        #expect(ask(&world, ada, react(one, "👍", on: false))?.type == "done")
        let first = page(&world, ada).first.flatMap { reactions($0) }
        #expect(first?["👍"]?["names"] == ["Bob"])
        #expect(first?["👍"]?["mine"] == false)
        _ = ask(&world, bob, react(one, "👍", on: false))
        #expect(page(&world, ada).first?.keys.contains("reactions") == false)
    }

    private func reactions(_ message: JSON) -> [String: JSON]? { message.objects("reactions") }

    @Test func reactions_areOfTwentyKindsAtMost() {
        var (world, ada, bob) = world()
        let kinds = (0..<21).map { String(UnicodeScalar(0x1F600 + $0) ?? "x") }
        for kind in kinds.prefix(20) { #expect(ask(&world, ada, react(one, kind))?.type == "react") }
        #expect(ask(&world, bob, react(one, kinds[20], id: "x"))?.code == "not_allowed")
        #expect(ask(&world, bob, react(one, kinds[3]))?.type == "react")
    }

    @Test(arguments: [
        "", "x", "1", "👍👍", "👍a", "a\u{301}", "\u{200D}", "🇩", String(repeating: "👍\u{200D}", count: 9) + "👍",
    ])
    func reaction_thatIsNotOneEmoji_isABadField(emoji: String) {
        var (world, ada, _) = world()
        #expect(ask(&world, ada, react(one, emoji))?.code == "bad_field")
    }

    @Test(arguments: ["👍", "❤️", "❤", "👨‍👩‍👧‍👦", "🏴󠁧󠁢󠁥󠁮󠁧󠁿", "🇩🇪", "1️⃣", "👍🏽", "🏳️‍🌈"]) func reaction_ofAnyEmoji_isTaken(emoji: String) {
        var (world, ada, _) = world()
        #expect(ask(&world, ada, react(one, emoji))?["emoji"] == emoji)
    }

    @Test func reactions_nameTwentyAtMost_andCountAll() {
        var (world, ada, _) = world()
        for number in 0..<30 {
            let id = world.join("R\(number)", more: ",\"key\":\"\(String(repeating: "k", count: 16))\(number)\"")
            _ = ask(&world, id, react(one, "👍"))
        }
        let all = page(&world, ada).first.flatMap { reactions($0) }
        #expect(all?["👍"]?["count"] == 30)
        #expect((all?["👍"]?["names"] as [String]?)?.count == 20)
        #expect((all?["👍"]?["users"] as [String]?)?.count == 20)
    }

    // MARK: Messages that are on the disk alone

    /// The same world with so much said since that "one" is not in memory.
    private func longWorld() -> (world: ChatHarness, ada: ConnectionID, bob: ConnectionID) {
        var (world, ada, bob) = world()
        for number in 0..<1300 { world.say(bob, "\(number)") }
        world.tick()
        _ = (world.take(ada), world.take(bob))
        return (world, ada, bob)
    }

    @Test func changes_ofOldMessages_areMadeAfterARead() {
        var (world, ada, bob) = longWorld()
        world.send(ada, react(one, "👍"))
        world.send(ada, edit(one, "eins"))
        world.send(ada, edit(4, "zwei"))
        world.send(ada, delete(4))
        world.send(bob, delete(one, id: "no"))
        for _ in 0..<8 { world.tick() }
        #expect(world.take(ada).map(\.type) == ["react", "edit", "edit", "delete"])
        #expect(world.take(bob).filter { $0.type == "error" }.map(\.code) == ["not_allowed"])
        let old = page(&world, bob, before: 5)
        #expect(old.map { $0["text"] ?? "-" } == ["eins", "-"])
        #expect(reactions(old[0])?["👍"]?["count"] == 1)
        // What was folded into the lines is told by them.
        world.tick(after: 40_000)
        world.tick()
        #expect(world.disk.events().first { $0.seq == one }?["text"] == "eins")
        let folded = page(&world, bob, before: 5)
        #expect(folded.map { $0["text"] ?? "-" } == ["eins", "-"])
        #expect(folded.map(\.keys) == old.map(\.keys))
        _ = ask(&world, bob, react(one, "👍"))
        #expect(reactions(page(&world, ada, before: 5)[0])?["👍"]?["names"] == ["Ada", "Bob"])
        // And all of it after a kill, with the reaction from before the fold.
        world.restart()
        let again = world.join("Ada again", key: "a")
        _ = world.take(again)
        let after = page(&world, again, before: 5)
        #expect(reactions(after[0])?["👍"]?["names"] == ["Ada", "Bob"])
        #expect(after.map { $0["text"] ?? "-" } == ["eins", "-"])
    }

    @Test func change_whoseReadFails_isRefused() {
        var (world, ada, _) = longWorld()
        world.answersReads = false
        world.send(ada, edit(one, "eins", id: "e"))
        world.say(ada, "after it")
        world.tick()
        #expect(world.take(ada).isEmpty)
        world.answerReads(failing: true)
        world.tick()
        #expect(world.heard(ada) == ["storage_failed", "Ada: after it"])
    }

    @Test func reply_toAnOldMessage_isMadeAfterARead() {
        var (world, ada, _) = longWorld()
        let reply = ask(&world, ada, "{\"type\":\"message\",\"text\":\"yes\",\"reply\":\(one)}")
        #expect(reply?["reply"] == one)
        #expect(ask(&world, ada, "{\"type\":\"message\",\"text\":\"yes\",\"reply\":2}")?.code == "not_found")
        #expect(ask(&world, ada, "{\"type\":\"message\",\"text\":\"yes\",\"reply\":\"x\"}")?.code == "bad_field")
    }

    // MARK: Taking back

    @Test func changes_thatCannotBeWritten_haveNotHappened() {
        var (world, ada, bob) = world()
        _ = ask(&world, bob, react(one, "🎉"))
        let before = world.room().snapshot
        world.disk.failing = ["lobby"]
        for request in [edit(one, "eins", id: "e"), delete(one, id: "d"), react(one, "👍", id: "r")] {
            #expect(ask(&world, ada, request)?.code == "storage_failed")
        }
        #expect(world.room().snapshot == before)
        #expect(world.room().unerased == 0)
        world.disk.failing = []
        #expect(page(&world, ada).first?["text"] == "one")
        // Refused requests have not used their ids up.
        #expect(ask(&world, ada, edit(one, "eins", id: "e"))?.type == "edit")
    }
}
