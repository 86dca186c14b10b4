import Chat
import Testing

/// What hosts and operators do, and to whom.
@Suite struct ModerationTests {
    // MARK: Rights

    @Test func actions_withoutTheRight_areNotAllowed() {
        var garden = Garden()
        let person = "\"username\":\"Cy\""
        let all: [(String, String)] = [
            ("kick", person), ("ban", person), ("unban", person), ("bans", ""), ("mute", person), ("unmute", person),
            ("slow", "\"seconds\":5"), ("lock", ""), ("invite", ""), ("unlock", ""), ("topic", "\"text\":\"x\""),
            ("purge", person), ("host", person), ("unhost", person), ("whois", person),
        ]
        for (action, fields) in all {
            #expect(garden.moderate(garden.bo, action, fields).map(\.code) == ["not_allowed"], "\(action)")
        }
        #expect(garden.world.heard(garden.ada) == [])
        #expect(garden.world.room("garden").seq == 4)
    }

    @Test(arguments: ["kick", "ban", "unban", "mute", "unmute", "purge", "host", "unhost", "whois"])
    func actions_onOneselfAnOperatorOrNobody_areRefused(action: String) {
        var garden = Garden()
        garden.world.appoint("c")
        #expect(garden.moderate(garden.ada, action, "\"username\":\"Ada\"").map(\.code) == ["not_allowed"])
        #expect(garden.moderate(garden.ada, action, "\"username\":\"Cy\"").map(\.code) == ["not_allowed"])
        #expect(garden.moderate(garden.ada, action, "\"username\":\"Nobody\"").map(\.code) == ["not_found"])
        #expect(garden.moderate(garden.ada, action, "\"user\":\"AAAAAAAAAAA\"").map(\.code) == ["not_found"])
    }

    @Test func actions_onAnAbsentOperatorWhoWasNeverHere_areNotAllowed() {
        var garden = Garden()
        let zoe = garden.world.join("Zoe", key: "z")
        let user: String = garden.world.take(zoe)[0]["user"] ?? ""
        garden.world.appoint("z")
        garden.world.tick()
        #expect(garden.moderate(garden.ada, "ban", "\"user\":\"\(user)\"").map(\.code) == ["not_allowed"])
    }

    @Test(arguments: [
        "\"action\":\"kick\"", "\"action\":\"dance\"", "\"action\":7", "\"x\":1",
        "\"action\":\"kick\",\"username\":\"Bo\",\"user\":\"AAAAAAAAAAA\"", "\"action\":\"kick\",\"username\":4",
        "\"action\":\"kick\",\"user\":\"short\"", "\"action\":\"ban\",\"username\":\"Bo\",\"minutes\":0",
        "\"action\":\"ban\",\"username\":\"Bo\",\"minutes\":525601",
        "\"action\":\"ban\",\"username\":\"Bo\",\"minutes\":-1",
        "\"action\":\"ban\",\"username\":\"Bo\",\"minutes\":1.5",
        "\"action\":\"ban\",\"username\":\"Bo\",\"minutes\":1e400",
        "\"action\":\"ban\",\"username\":\"Bo\",\"address\":1",
        "\"action\":\"mute\",\"username\":\"Bo\",\"minutes\":99999999999999999999",
        "\"action\":\"purge\",\"username\":\"Bo\",\"minutes\":1441", "\"action\":\"slow\"",
        "\"action\":\"slow\",\"seconds\":3601", "\"action\":\"slow\",\"seconds\":\"5\"",
        "\"action\":\"topic\",\"text\":5",
        "\"action\":\"topic\",\"text\":\"\\u0007\"", "\"action\":\"lock\",\"id\":\"\"",
        "\"action\":\"kick\",\"username\":\"Bo\",\"reason\":\"\\u001b[2J\"",
    ])
    func fields_ofTheWrongForm_areBad(fields: String) {
        var garden = Garden()
        garden.world.send(garden.ada, "{\"type\":\"moderate\",\(fields)}")
        garden.world.tick()
        #expect(garden.world.take(garden.ada).map(\.code) == ["bad_field"])
        #expect(garden.world.room("garden").seq == 4)
    }

    @Test func texts_areNoLongerThanThreeHundredCharacters() {
        var garden = Garden()
        let long = String(repeating: "é", count: 300)
        #expect(garden.moderate(garden.ada, "topic", "\"text\":\"\(long)\"").map(\.type) == ["moderation"])
        #expect(garden.moderate(garden.ada, "topic", "\"text\":\"\(long)é\"").map(\.code) == ["bad_field"])
    }

    // MARK: Kick and ban

    @Test func kick_putsOutForAMinute() {
        var garden = Garden()
        let got = garden.moderate(garden.ada, "kick", "\"username\":\"Bo\",\"reason\":\"loud\",\"id\":\"1\"")
        #expect(got.map(\.short) == ["moderation Ada", "leave Bo"])
        #expect(got[0]["action"] == "kick")
        #expect(got[0]["to"] == "Bo")
        #expect(got[0]["reason"] == "loud")
        #expect(got[0]["id"] == "1")
        #expect(garden.world.endings[garden.bo] == .putOut)
        #expect(garden.world.take(garden.bo).isEmpty)
        let refused = garden.arrive("Bob", "b")
        #expect(refused.map(\.code) == ["banned"])
        #expect(refused[0]["until"] == got[0]["until"] as Int?)
        garden.world.tick(after: 60_000)
        #expect(garden.arrive("Bo", "b").first?.type == "welcome")
    }

    @Test func ban_holdsForEverWithoutMinutes_acrossRestartsAndForSessions() {
        var garden = Garden()
        let dee = garden.world.join("Dee", room: "garden", more: ",\"key\":\"dddddddddddddddd\"")
        let session = garden.world.session(dee)
        #expect(
            garden.moderate(garden.ada, "ban", "\"username\":\"Dee\"").map(\.type) == ["join", "moderation", "leave"])
        for restarts in [false, true] {
            if restarts { garden.restart() }
            garden.world.tick(after: 400 * 86_400_000)
            let refused = garden.arrive("D", "d")
            #expect(refused.map(\.code) == ["banned"])
            #expect(refused[0]["until"] == nil as Int?)
            let back = garden.world.comeBack(session, room: "garden")
            #expect(garden.world.take(back).first?["username"] != "Dee")
            garden.world.close(back, .left)
            garden.world.tick()
        }
    }

    @Test func ban_lapsesByItself_andIsListedUntilThen() {
        var garden = Garden()
        _ = garden.moderate(garden.ada, "ban", "\"username\":\"Bo\",\"minutes\":10,\"reason\":\"spam\"")
        let listed: [JSON] = garden.moderate(garden.ada, "bans")[0]["bans"] ?? []
        #expect(listed.map { $0["username"] ?? "" } == ["Bo"])
        #expect(listed.map { $0["reason"] ?? "" } == ["spam"])
        garden.world.tick(after: 600_000)
        #expect((garden.moderate(garden.ada, "bans")[0]["bans"] ?? [] as [JSON]).isEmpty)
        #expect(garden.arrive("Bo", "b").first?.type == "welcome")
    }

    @Test func unban_letsInAgain_andIsDoneASecondTime() {
        var garden = Garden()
        _ = garden.moderate(garden.ada, "ban", "\"username\":\"Bo\"")
        let first = garden.moderate(garden.ada, "unban", "\"username\":\"Bo\",\"id\":\"u\"")
        #expect(first.map(\.type) == ["moderation"])
        for id in ["u", "v"] {
            let again = garden.moderate(garden.ada, "unban", "\"username\":\"Bo\",\"id\":\"\(id)\"")
            #expect(again.map(\.type) == ["done"])
            #expect(again[0].seq == first[0].seq)
        }
        #expect(garden.arrive("Bo", "b").first?.type == "welcome")
    }

    @Test func ban_ofAllConnectionsOfAUser() {
        var garden = Garden()
        let other = garden.world.join("Bo2", key: "b", room: "garden")
        _ = garden.world.take(garden.ada)
        let got = garden.moderate(garden.ada, "ban", "\"username\":\"Bo\"")
        #expect(got.map(\.short) == ["moderation Ada", "leave Bo", "leave Bo2"])
        #expect(garden.world.endings[other] == .putOut)
    }

    @Test func ban_ofEachOtherInOneTick_theFirstDecides() {
        var garden = Garden()
        _ = garden.moderate(garden.ada, "host", "\"username\":\"Bo\"")
        _ = garden.world.take(garden.cy)
        garden.world.moderate(garden.bo, "ban", "\"username\":\"Ada\"")
        garden.world.moderate(garden.ada, "ban", "\"username\":\"Bo\"")
        garden.world.tick()
        #expect(garden.world.take(garden.cy).map(\.short) == ["moderation Bo", "leave Ada"])
        #expect(garden.world.endings[garden.ada] == .putOut)
        #expect(garden.world.endings[garden.bo] == nil)
    }

    @Test func ban_thatCannotBeWritten_changesNothing() {
        var garden = Garden()
        garden.world.disk.failing = ["garden"]
        #expect(garden.moderate(garden.ada, "ban", "\"username\":\"Bo\"").map(\.code) == ["storage_failed"])
        #expect(garden.world.endings[garden.bo] == nil)
        garden.world.disk.failing = []
        garden.world.say(garden.bo, "still here")
        garden.world.tick()
        #expect(garden.world.heard(garden.ada) == ["Bo: still here"])
    }

    // MARK: Addresses

    @Test func ban_withAddress_keepsOutNewUsersForADay_andNobodyWhoIsKnown() {
        var garden = Garden()
        let dee = garden.world.join("Dee", key: "d", room: "garden", address: 12)
        garden.world.close(dee, .left)
        garden.world.tick()
        _ = garden.moderate(garden.ada, "ban", "\"username\":\"Bo\",\"address\":true")
        for restarts in [false, true] {
            if restarts { garden.restart() }
            #expect(garden.arrive("New", "n", address: 12).map(\.code) == ["banned"])
            #expect(garden.arrive("Dee\(restarts)", "d", address: 12).first?.type == "welcome")
            #expect(garden.arrive("Else\(restarts)", restarts ? "e" : "f", address: 99).first?.type == "welcome")
        }
        garden.world.tick(after: 86_400_000)
        #expect(garden.arrive("New", "n", address: 12).first?.type == "welcome")
    }

    @Test func ban_withAddress_isNeverOfAnAddressThatOthersMayShare() {
        var garden = Garden()
        let id = ConnectionID(slot: 40, generation: 1)
        let room = garden.world.inputs.append("garden")
        garden.world.inputs.items.append(.opened(id, room: room, secret: 40, address: 50, isOwnAddress: false))
        garden.world.send(id, "{\"type\":\"join\",\"username\":\"Dee\",\"key\":\"dddddddddddddddd\"}")
        garden.world.tick()
        _ = garden.moderate(garden.ada, "ban", "\"username\":\"Dee\",\"address\":true")
        #expect(garden.arrive("New", "n", address: 50).first?.type == "welcome")
    }

    // MARK: Mute and slow

    @Test func mute_takesSpeechAway_untilItLapses() {
        var garden = Garden()
        let event = garden.moderate(garden.ada, "mute", "\"username\":\"Bo\",\"minutes\":1")[0]
        _ = garden.world.take(garden.bo)
        garden.world.say(garden.bo, "hi")
        garden.world.send(garden.bo, "{\"type\":\"typing\"}")
        garden.world.rename(garden.bo, "Bob")
        garden.world.send(garden.bo, "{\"type\":\"history\",\"before\":99,\"limit\":1}")
        garden.world.tick()
        let got = garden.world.take(garden.bo)
        #expect(got.map { $0.code ?? $0.type } == ["muted", "muted", "muted", "history"])
        #expect(got[0]["until"] == event["until"] as Int?)
        #expect((got[0]["retryAfter"] ?? 0 as Int) > 59_000)
        garden.restart()
        let back = garden.world.join("Bo2", key: "b", room: "garden")
        garden.world.say(back, "hi")
        garden.world.tick()
        #expect(garden.world.take(back).last?.code == "muted")
        garden.world.tick(after: 60_000)
        garden.world.say(back, "hi")
        garden.world.tick()
        #expect(garden.world.take(back).last?["text"] == "hi")
    }

    @Test func muted_requestThatWasMadeBefore_isAnsweredAllTheSame() {
        var garden = Garden()
        garden.world.say(garden.bo, "hi", messageID: "1")
        garden.world.tick()
        _ = garden.moderate(garden.ada, "mute", "\"username\":\"Bo\"")
        _ = garden.world.take(garden.bo)
        garden.world.say(garden.bo, "hi", messageID: "1")
        garden.world.say(garden.bo, "hi", messageID: "2")
        garden.world.tick()
        #expect(garden.world.heard(garden.bo) == ["Bo: hi", "muted"])
    }

    @Test func slow_holdsUsersBack_notHostsOrOperators() {
        var garden = Garden()
        garden.world.appoint("c")
        _ = garden.moderate(garden.ada, "slow", "\"seconds\":10")
        for id in [garden.ada, garden.bo, garden.cy] {
            _ = garden.world.take(id)
            garden.world.say(id, "1")
            garden.world.say(id, "2")
            garden.world.tick()
        }
        #expect(garden.world.take(garden.bo).filter { $0.type == "error" }.map(\.code) == ["slow_mode"])
        #expect(garden.world.take(garden.ada).allSatisfy { $0.code == nil })
        #expect(garden.world.take(garden.cy).allSatisfy { $0.code == nil })
        garden.restart()
        let welcome = garden.arrive("Bo2", "b")[0]
        #expect(welcome["slow"] == 10)
    }

    @Test func slowMode_tellsWhenToTryAgain_andEndsThen() {
        var garden = Garden()
        _ = garden.moderate(garden.ada, "slow", "\"seconds\":10")
        garden.world.say(garden.bo, "1")
        garden.world.tick()
        _ = garden.world.take(garden.bo)
        garden.world.say(garden.bo, "2")
        garden.world.tick(after: 4_000)
        #expect(garden.world.take(garden.bo)[0]["retryAfter"] == 6_000)
        garden.world.say(garden.bo, "2")
        garden.world.tick(after: 6_000)
        #expect(garden.world.heard(garden.bo) == ["Bo: 2"])
    }

    // MARK: The lock

    @Test func lock_letsInThoseInsideHostsAndTheInvited() {
        var garden = Garden()
        garden.world.close(garden.bo, .left)
        garden.world.tick()
        let locked = garden.moderate(garden.ada, "lock")
        #expect(locked.suffix(2).map(\.type) == ["moderation", "invite"])
        let invite: String = locked.last?["invite"] ?? ""
        #expect(invite.count == 22)
        garden.world.close(garden.cy, .left)
        garden.world.tick()
        for restarts in [false, true] {
            if restarts { garden.restart() }
            #expect(garden.arrive("Bo", "b").map(\.code) == ["invite_required"])
            #expect(garden.arrive("Bo", "b", more: ",\"invite\":\"x\"").map(\.code) == ["invite_required"])
            #expect(garden.arrive("Cy\(restarts)", "c").first?["locked"] == true)
            #expect(garden.arrive("A\(restarts)", "a").first?.type == "welcome")
            #expect(garden.arrive("N\(restarts)", "n", more: ",\"invite\":\"\(invite)\"").first?.type == "welcome")
        }
    }

    @Test func lock_again_makesTheOldInvitationWorthless_andUnlockOpens() {
        var garden = Garden()
        let old: String = garden.moderate(garden.ada, "lock").last?["invite"] ?? ""
        let new: String = garden.moderate(garden.ada, "lock").last?["invite"] ?? ""
        #expect(old != new)
        #expect(garden.moderate(garden.ada, "invite")[0]["invite"] == new)
        #expect(garden.arrive("N", "n", more: ",\"invite\":\"\(old)\"").map(\.code) == ["invite_required"])
        _ = garden.moderate(garden.ada, "unlock")
        #expect(garden.moderate(garden.ada, "invite").map(\.code) == ["not_found"])
        #expect(garden.moderate(garden.ada, "unlock", "\"id\":\"1\"").map(\.type) == ["done"])
        #expect(garden.arrive("N", "n").first?.type == "welcome")
    }

    @Test func invitation_standsInNoRecordOrLine() {
        var garden = Garden()
        let invite: String = garden.moderate(garden.ada, "lock").last?["invite"] ?? ""
        #expect(!garden.world.room("garden").snapshot.contains(invite))
        #expect(!garden.world.disk.rooms["garden", default: []].joined().contains(invite))
        // What clients never see of it.
        #expect(garden.world.transcripts.values.joined().allSatisfy { !$0.contains("nonce") })
    }

    // MARK: The rest

    @Test func topic_isInTheWelcome_andCanBeTakenAway() {
        var garden = Garden()
        #expect(
            garden.moderate(garden.ada, "topic", "\"text\":\"Roses \\\"and\\\" peas\"")[0]["text"]
                == "Roses \"and\" peas")
        #expect(
            garden.moderate(garden.ada, "topic", "\"text\":\"Roses \\\"and\\\" peas\",\"id\":\"1\"")[0].type == "done")
        garden.restart()
        #expect(garden.arrive("Zoe", "z")[0]["topic"] == "Roses \"and\" peas")
        let ada = garden.world.join("Ada2", key: "a", room: "garden")
        _ = garden.world.take(ada)
        #expect(garden.moderate(ada, "topic", "\"text\":\"\"")[0]["text"] == "")
        #expect(garden.arrive("Yan", "y")[0]["topic"] == "")
    }

    @Test func purge_tellsFromWhen() {
        var garden = Garden()
        let time = Int(garden.world.inputs.moment.time) + 1
        let event = garden.moderate(garden.ada, "purge", "\"username\":\"Bo\"")[0]
        #expect(event["from"] == time - 3_600_000)
        #expect(event["toUser"] != nil as String?)
        #expect(
            garden.moderate(garden.ada, "purge", "\"username\":\"Bo\",\"minutes\":1")[0]["from"] == time + 1 - 60_000)
    }

    @Test func host_mayDoWhatTheFirstMay_untilItIsTakenAway() {
        var garden = Garden()
        _ = garden.moderate(garden.ada, "host", "\"username\":\"Bo\"")
        _ = garden.world.take(garden.bo)
        #expect(garden.moderate(garden.bo, "slow", "\"seconds\":1").map(\.type) == ["moderation"])
        #expect(garden.moderate(garden.bo, "unhost", "\"username\":\"Ada\"").map(\.type) == ["moderation"])
        _ = garden.world.take(garden.ada)
        #expect(garden.moderate(garden.ada, "slow", "\"seconds\":2").map(\.code) == ["not_allowed"])
    }

    @Test func person_byName_isWhoeverHasItNowElseWhoeverHadItLast() {
        var garden = Garden()
        garden.world.rename(garden.bo, "Rex")
        garden.world.tick()
        _ = garden.world.take(garden.ada)
        #expect(
            garden.moderate(garden.ada, "whois", "\"username\":\"bo\"").map { $0.code ?? $0["username"] } == ["Rex"])
        garden.world.close(garden.bo, .left)
        garden.world.tick()
        _ = garden.world.take(garden.ada)
        let gone = garden.moderate(garden.ada, "ban", "\"username\":\"REX\"")
        #expect(gone.map { $0["to"] } == ["Rex"])
        #expect(garden.arrive("Rex", "b").map(\.code) == ["banned"])
    }

    @Test func ids_areOneSpaceWithMessages() {
        var garden = Garden()
        garden.world.say(garden.ada, "said", messageID: "1")
        garden.world.tick()
        _ = garden.world.take(garden.ada)
        #expect(garden.moderate(garden.ada, "slow", "\"seconds\":9,\"id\":\"1\"").map(\.short) == ["Ada: said"])
        let slow = garden.moderate(garden.ada, "slow", "\"seconds\":9,\"id\":\"2\"")
        garden.world.say(garden.ada, "again", messageID: "2")
        garden.world.tick()
        garden.world.tick()
        let done = garden.world.take(garden.ada)
        #expect(done.map(\.type) == ["done"])
        #expect(done[0].seq == slow[0].seq)
    }

    @Test func actions_tenThousandTimesWithoutTheRight_changeNothing() {
        var garden = Garden()
        for number in 0..<10_000 {
            garden.world.moderate(
                garden.bo, ["ban", "lock", "purge", "host"][number % 4], "\"username\":\"Ada\",\"minutes\":\(number)")
            if number % 100 == 99 { garden.world.tick() }
        }
        garden.world.tick()
        #expect(garden.world.room("garden").seq == 4)
        #expect(garden.world.heard(garden.ada) == [])
    }
}
