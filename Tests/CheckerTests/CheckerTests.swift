import Checker
import Foundation
import Testing

@Suite struct CheckerTests {
    @Test func transcriptsThatAreRight_breakNoRule() throws {
        let report = Checker.check(try Story.transcripts())
        #expect(report.violations.isEmpty, "\(report.violations)")
        #expect(report.events == 13 && report.connections == 4 && report.lines == 34)
    }

    @Test(arguments: Mistake.all) func aMistakeIsFoundByItsRule(_ mistake: Mistake) throws {
        let report = Checker.check(try Story.transcripts(mistake.changes))
        #expect(report.violations.contains { $0.rule == mistake.rule }, "\(report.violations)")
    }

    @Test func everyRuleIsBrokenByAMistake() {
        #expect(Set(Mistake.all.map(\.rule)) == Set(Checker.Rule.allCases))
    }

    // MARK: What is no mistake

    private func expectRight(
        _ changes: (client: String, text: String, by: String)..., options: Checker.Options = Checker.Options()
    ) throws {
        let violations = Checker.check(try Story.transcripts(changes), options: options).violations
        #expect(violations.isEmpty, "\(violations)")
    }

    @Test func aJumpAfterAnUncleanStop_isNoGap() throws { try expectRight(("bo", "", Story.jump(since: 23))) }

    @Test func aJumpOverAnEvent_isRightWhereEventsMayBeLost() throws {
        var options = Checker.Options()
        options.mayLoseEvents = true
        try expectRight(("bo", "", Story.jump(since: 22)), options: options)
    }

    /// What a host had decided may be lost with the event that tells it.
    @Test func aBanFromBeforeAPowerCut_mayBeLost() throws {
        var options = Checker.Options()
        let events = [
            Story.got(2, Story.ban), Story.got(2, Story.event("leave", 25, "Cy")), Story.jump(since: 25),
            Story.got(3, Story.event("join", (1 << 32) + 1, "Cy")),
        ]
        let changes = [("bo", "", events.joined(separator: "\n"))]
        #expect(Checker.check(try Story.transcripts(changes), options: options).violations.map(\.rule) == [.putOut])
        options.mayLoseEvents = true
        #expect(Checker.check(try Story.transcripts(changes), options: options).violations.map(\.rule) == [])
    }

    @Test func aGapThatIsTold_leavesEventsOut() throws {
        try expectRight(
            ("bo", Story.twoNow + "," + Story.edit + ",", ""),
            ("bo", #""seq":20,"history""#, #""gap":true,"seq":20,"history""#),
            (
                "bo", #"],"gap":false,"session":"sBo"}}"# + "\n" + Story.got(2, Story.back),
                "]}}\n" + Story.got(2, Story.back)
            ))
    }

    @Test func timesOfSeveralClocks_areNotCompared() throws {
        var options = Checker.Options()
        options.sharesClock = false
        try expectRight(
            ("ada", Story.say("two", "a2", at: 11), Story.say("two", "a2", at: 22)), options: options)
    }

    @Test func anIDMayBeUsedAgainAfterADay() throws {
        let later = Story.message(24, "Bob", "again", id: "b1").replacing(#""time":24"#, with: #""time":90000000"#)
        try expectRight(
            ("bo", "", Story.say("again", "b1", at: 24).replacing(#""on":1"#, with: #""on":2"#)),
            ("bo", "", Story.got(2, later)))
    }

    /// A request that changed nothing has used up no identifier.
    @Test func whatWasDoneAlready_mayBeAnEventLater() throws {
        let unlock = #"{"type":"moderate","action":"unlock","id":"b9"}"#
        let lines = [
            Story.sent(2, unlock), Story.got(2, #"{"type":"done","id":"b9","seq":12}"#), Story.sent(2, unlock),
            Story.got(2, Story.event("moderation", 24, "Bob", #","action":"unlock","id":"b9""#)),
        ]
        try expectRight(("bo", "", lines.joined(separator: "\n")))
    }

    @Test func whatIsSaidAgain_comesAgainAsItIsNow() throws {
        try expectRight(
            (
                "ada", Story.got(1, Story.delete, at: 22),
                [Story.got(1, Story.delete, at: 22), Story.say("two", "a2", at: 22), Story.got(1, Story.twoNow)]
                    .joined(separator: "\n")
            ),
            (
                "ada", Story.got(1, Story.edit, at: 21),
                [Story.got(1, Story.edit, at: 21), Story.say("one", "a1", at: 21), Story.got(1, Story.oneNow)]
                    .joined(separator: "\n")
            ))
    }

    @Test func whoeverIsKicked_seesThatAndTheLeave() throws {
        try expectRight(("cy", "", Story.got(1, Story.kick) + "\n" + Story.got(1, Story.event("leave", 25, "Cy"))))
    }

    @Test func aBanThatHasLapsed_letsIn() throws {
        let ban = Story.ban.replacing(#""action""#, with: #""until":26,"action""#)
        let events = [ban, Story.event("leave", 25, "Cy"), Story.event("join", 26, "Cy")]
        try expectRight(("bo", "", events.map { Story.got(2, $0) }.joined(separator: "\n")))
    }

    @Test func aBanThatHasLapsed_doesNotHoldAgain_whereTheClockGoesBack() throws {
        let ban = Story.ban.replacing(#""action""#, with: #""until":26,"action""#)
        let said = Story.message(27, "Cy", "early", id: "c").replacing(#""time":27"#, with: #""time":20"#)
        let events = [ban, Story.event("leave", 25, "Cy"), Story.event("join", 26, "Cy"), said]
        try expectRight(("bo", "", events.map { Story.got(2, $0) }.joined(separator: "\n")))
    }

    @Test func anInvitation_opensALockedRoom() throws {
        try expectRight(("bo", "", Story.lock), ("ada", "", Story.comesIn(#","invite":"word""#)))
    }

    @Test func whoeverWasThereAtTheLock_comesInAgain() throws {
        try expectRight(
            ("bo", "", Story.lock), ("bo", "", Story.got(2, Story.event("leave", 25, "Cy"))),
            ("bo", "", Story.got(2, Story.event("join", 26, "Cy"))))
    }

    /// The second answer is the second question's, although both have one name.
    @Test func anIDThatIsSentAgainOnAConnection_isAnsweredInItsOrder() throws {
        try expectRight(
            (
                "bo", "",
                [
                    Story.sent(2, #"{"type":"history","before":20,"limit":1,"ref":"h"}"#),
                    Story.sent(2, #"{"type":"message","text":"hi","id":"b1"}"#),
                    Story.got(2, #"{"type":"history","events":[\#(Story.twoNow)],"more":true,"ref":"h"}"#),
                    Story.got(2, Story.hiNow),
                    Story.sent(2, #"{"type":"history","before":20,"limit":1,"ref":"h"}"#),
                    Story.got(2, #"{"type":"history","events":[\#(Story.twoNow)],"more":true,"ref":"h"}"#),
                    Story.sent(2, #"{"type":"message","text":"hi","id":"b1"}"#),
                    Story.got(2, Story.hiNow),
                ].joined(separator: "\n")
            ))
    }

    /// A room's seqs are kept from its first message on: a restart before that begins anew.
    @Test func beforeTheFirstMessage_aRestartMayBeginAnew() throws {
        func transcript(_ client: String, _ name: String, _ rest: String) throws -> Transcript {
            try Transcript(
                client: client,
                text: Story.got(1, Story.welcome(name, "\"\(name)\"", count: 1, seq: 0, [])) + "\n"
                    + Story.got(1, Story.event("join", 1, name)) + "\n" + rest)
        }
        let report = Checker.check([
            try transcript("before", "Ada", Story.got(1, Story.event("rename", 2, "Ada", #","to":"Ann""#))),
            try transcript("after", "Bo", Story.got(1, Story.message(2, "Bo", "first", id: "1"))),
        ])
        #expect(report.violations.isEmpty, "\(report.violations)")
    }

    // MARK: Files

    @Test func theOutputOfTalk_isATranscript() throws {
        let past: [String] = [Story.first, Story.oneNow].map { String($0.dropLast()) + #","past":true}"# }
        let lines: [String] = past + [Story.twoNow, Story.edit, Story.delete, Story.leave, Story.back]
        func check(_ lines: [String]) throws -> [Checker.Violation] {
            var options = Checker.Options()
            options.sharesClock = false
            let bare = try Transcript(client: "talk", text: lines.joined(separator: "\n"))
            return Checker.check(try Story.transcripts() + [bare], options: options).violations
        }
        #expect(try check(lines) == [])
        #expect(try check(lines.filter { $0 != Story.delete }).contains { $0.rule == .noGap })
        #expect(try check(lines.map { $0.replacing("Ada", with: "Bo") }).contains { $0.rule == .sameEvent })
    }

    @Test func aRecorderWrites_whatIsReadAgain() throws {
        var recorder = TranscriptRecorder(client: "bo")
        recorder.add(.sent, #"{"type":"join","username":"Bo"}"#, on: 3, at: 5)
        recorder.add(.got, Story.welcome("Bo", #""Bo""#, count: 1, seq: 11, [Story.first]), on: 3, at: 6)
        recorder.addEnd(1001, of: 3, at: 7)
        var known: [String: Message] = [:]
        let (direct, read) = (try recorder.transcript(&known), try Transcript(client: "bo", text: recorder.text))
        for transcript in [direct, read] {
            #expect(transcript.lines.map(\.at) == [5, 6, 7] && transcript.lines.allSatisfy { $0.connection == 3 })
            guard case .sent(let join) = transcript.lines[0].step, case .got(let welcome) = transcript.lines[1].step,
                case .closed(1001) = transcript.lines[2].step
            else {
                Issue.record("\(transcript)")
                return
            }
            #expect(join.type == "join" && welcome.history?.first?.text == "first")
        }
        #expect(known.count == 2)
    }

    @Test func aTranscriptOfTwoRooms_isCutInTwo() throws {
        let other = Story.adaWelcome.replacing("lobby", with: "den").replacing(#""on":1"#, with: #""on":2"#)
        let rooms = try Transcript(client: "ada", text: Story.ada + other).byRoom
        #expect(rooms.mapValues(\.lines.count) == ["lobby": 14, "den": 1])
    }

    @Test func aLineThatIsNoJSON_isNamed() {
        #expect(throws: Transcript.Unreadable.self) { try Transcript(client: "x", text: "{}\n") }
        do {
            _ = try Transcript(client: "x", text: Story.got(1, Story.first) + "\nnonsense\n")
        } catch { #expect("\(error)".hasPrefix("x, line 2")) }
    }

    /// Judges the files of a folder, each what one client sent and received, in as many rooms as it was in.
    @Test(.enabled(if: folder != nil, "CHATLOOP_TRANSCRIPTS names no folder")) func theTranscriptsOfAFolder() throws {
        var options = Checker.Options()
        options.sharesClock = ProcessInfo.processInfo.environment["CHATLOOP_CLOCKS"] != "several"
        options.mayLoseEvents = ProcessInfo.processInfo.environment["CHATLOOP_LOSSES"] == "allowed"
        options.keepsAll = false
        let files = try FileManager.default.contentsOfDirectory(
            at: URL(filePath: Self.folder ?? ""), includingPropertiesForKeys: nil)
        var rooms: [String: [Transcript]] = [:]
        for file in files.sorted(by: { $0.path < $1.path }) where file.pathExtension == "jsonl" {
            let text = String(decoding: try Data(contentsOf: file), as: UTF8.self)
            let transcript = try Transcript(client: file.deletingPathExtension().lastPathComponent, text: text)
            for (room, part) in transcript.byRoom { rooms[room, default: []].append(part) }
        }
        for (room, transcripts) in rooms.sorted(by: { $0.key < $1.key }) {
            let report = Checker.check(transcripts, options: options)
            print("\(room): \(report.events) events in \(report.lines) lines of \(transcripts.count) clients")
            for violation in report.violations { Issue.record("\(room): \(violation)") }
        }
    }

    private static let folder = ProcessInfo.processInfo.environment["CHATLOOP_TRANSCRIPTS"]
}
