import Chat
import Testing

@Suite struct MessageTests {
    @Test func message_goesToEveryoneSenderIncluded() throws {
        var world = ChatHarness()
        let (ada, bo) = (world.join("Ada"), world.join("Bo"))
        _ = (world.take(ada), world.take(bo))
        world.say(ada, "Hi \"all\"\n", messageID: "a1")
        world.tick()
        let got = world.take(ada)
        #expect(got.count == 1)
        #expect(got[0].keys == ["type", "seq", "time", "username", "user", "text", "id"])
        #expect(got[0]["username"] == "Ada")
        #expect(got[0]["text"] == "Hi \"all\"\n")
        #expect(got[0]["id"] == "a1")
        #expect(got[0]["seq"] == 3)
        #expect(got[0]["time"] == 1_700_000_000_000 + Int(world.inputs.now))
        #expect(world.take(bo).map(\.text) == got.map(\.text))
    }

    @Test func message_withoutID_hasNone() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        _ = world.take(ada)
        world.say(ada, "Hi")
        world.send(ada, "{\"type\":\"message\",\"text\":\"Ho\",\"id\":null}")
        world.tick()
        #expect(
            world.take(ada).map(\.keys)
                == Array(repeating: ["type", "seq", "time", "username", "user", "text"], count: 2))
    }

    @Test func messages_haveOneOrderAndSeqsWithoutGaps() {
        var world = ChatHarness()
        let ids = (0..<5).map { world.join("user\($0)") }
        for id in ids { _ = world.take(id) }
        for round in 0..<20 {
            for (i, id) in ids.enumerated() where (i + round) % 3 != 0 { world.say(id, "\(round).\(i)") }
            world.tick()
        }
        let transcripts = ids.map { world.take($0) }
        for transcript in transcripts { #expect(transcript.map(\.text) == transcripts[0].map(\.text)) }
        let seqs = transcripts[0].compactMap(\.seq)
        #expect(seqs == Array(6..<6 + seqs.count))
        #expect(seqs.count == 67)
    }

    @Test func time_isTheTicksAndNeverNegative() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        _ = world.take(ada)
        world.say(ada, "Hi")
        world.inputs.moment.time = -5
        world.chat.admit(&world.inputs, into: &world.output)
        let bytes = world.inputs.bytes
        world.chat.update(bytes.span, into: &world.output)
        #expect(String(decoding: world.room().lines, as: UTF8.self).contains("\"time\":0,"))
    }

    @Test(arguments: [
        ("{\"type\":\"message\"}", "bad_field"),
        ("{\"type\":\"message\",\"text\":null}", "bad_field"),
        ("{\"type\":\"message\",\"text\":1}", "bad_field"),
        ("{\"type\":\"message\",\"text\":[\"a\"]}", "bad_field"),
        ("{\"type\":\"message\",\"text\":\"\"}", "text_empty"),
        ("{\"type\":\"message\",\"text\":\" \\n\\t\\u00a0\\u3000\"}", "text_empty"),
        ("{\"type\":\"message\",\"text\":\"a\\u0000\"}", "bad_field"),
        ("{\"type\":\"message\",\"text\":\"a\\u007f\"}", "bad_field"),
        ("{\"type\":\"message\",\"text\":\"a\\u0085b\"}", "bad_field"),
        ("{\"type\":\"message\",\"text\":\"a\u{80}\"}", "bad_field"),
        ("{\"type\":\"message\",\"text\":\"a\",\"id\":7}", "bad_field"),
        ("{\"type\":\"message\",\"text\":\"a\",\"id\":\"\"}", "bad_field"),
        ("{\"type\":\"message\",\"text\":\"a\",\"id\":{}}", "bad_field"),
        ("{\"type\":\"message\",\"text\":\"\\ud83d\"}", "bad_json"),
        ("{\"type\":\"message\",\"text\":\"a\tb\"}", "bad_json"),
    ])
    func refusedMessage_isAnsweredToSenderAlone(text: String, code: String) {
        var world = ChatHarness()
        let (ada, bo) = (world.join("Ada"), world.join("Bo"))
        _ = (world.take(ada), world.take(bo))
        world.send(ada, text)
        world.tick()
        #expect(world.heard(ada) == [code])
        #expect(world.heard(bo) == [])
        world.say(ada, "still here")
        world.tick()
        #expect(world.heard(bo) == ["Ada: still here"])
    }

    @Test func text_lengthIsCountedInScalars() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        _ = world.take(ada)
        // Plain, wide, and escaped as two surrogates: each is one scalar.
        let longest = [
            String(repeating: "a", count: 4000), String(repeating: "🦊", count: 4000),
            String(repeating: "\\ud83e\\udd8a", count: 4000), String(repeating: "\\n", count: 3999) + "x",
        ]
        for text in longest {
            world.send(ada, "{\"type\":\"message\",\"text\":\"\(text)\"}")
            world.send(ada, "{\"type\":\"message\",\"text\":\"\(text)y\",\"id\":\"i\"}")
        }
        world.tick()
        let got = world.take(ada)
        #expect(
            got.filter { $0.type == "message" }.map { ($0["text"] as String?)?.unicodeScalars.count }
                == Array(repeating: 4000, count: 4))
        let errors = got.filter { $0.type == "error" }
        #expect(errors.map(\.code) == Array(repeating: "text_too_long", count: 4))
        #expect(errors.map { $0["id"] } == Array(repeating: "i", count: 4))
    }

    @Test func error_hasTheMessagesID() {
        var world = ChatHarness()
        let (ada, stranger) = (world.join("Ada"), world.open())
        _ = world.take(ada)
        world.say(ada, " ", messageID: "x\"\\é")
        world.say(stranger, "hi", messageID: "y")
        world.say(stranger, "hi")
        world.tick()
        #expect(world.take(ada).map { $0["id"] } == ["x\"\\é"])
        #expect(world.take(stranger).map { $0["id"] } == ["y", nil])
    }

    @Test func message_needlessEscapesAreUndone() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        _ = world.take(ada)
        world.send(
            ada,
            "{\"t\\u0079pe\":\"m\\u0065ssage\",\"te\\u0078t\":\"\\u0041\\/\\ud83e\\udd8a\\u2028\",\"id\":\"\\u0062\"}")
        world.tick()
        let got = world.take(ada)
        #expect(got.map { $0["text"] } == ["A/🦊\u{2028}"])
        #expect(got.map { $0["id"] } == ["b"])
    }

    @Test func text_ofAnyLookComesThroughUnchanged() {
        let texts = [
            "</script><b>&amp;", "\u{202E}evil", "{\"type\":\"leave\"}", "\\", "\"", "a\u{2028}b", "e\u{301}",
            "x\u{FEFF}y", "\u{FFFF}",
            "\u{10FFFF}", "🏴󠁧󠁢󠁥󠁮󠁧󠁿👨‍👩‍👧", "x\r\n\ty",
        ]
        var world = ChatHarness()
        let ada = world.join("Ada")
        _ = world.take(ada)
        for text in texts { world.say(ada, text) }
        world.tick()
        #expect(world.take(ada).map { $0["text"] } == texts)
    }

    @Test func field_thatIsThereTwice_lastCounts() {
        var world = ChatHarness()
        let ada = world.join("Ada")
        _ = world.take(ada)
        world.send(ada, "{\"type\":\"dance\",\"text\":1,\"type\":\"message\",\"text\":\"two\"}")
        world.tick()
        #expect(world.heard(ada) == ["Ada: two"])
    }
}
