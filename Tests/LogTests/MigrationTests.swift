import Bytes
import Foundation
import Log
import Simulation
import Testing

@testable import Chat

/// A data folder of the version before the logs of rooms. The fixture was written by that version's binary, killed while Ada and
/// Zoë (who came as Bo) were in the lobby, Dee in tea and Eve in quiet; Cy had left.
struct MigrationTests {
    private static let names = [
        "journal", "reserved", "rooms/lobby/00000000000000000001.jsonl", "rooms/quiet/00000000000000000001.jsonl",
        "rooms/tea/00000000000000000001.jsonl",
    ]
    /// The secrets that the clients were given.
    private let ada: UInt128 = 0x05dc_d06e_1074_3ea6_21ff_884b_e714_85e6
    private let zoe: UInt128 = 0x8194_68c3_0888_03eb_8fe0_ac23_6b60_d427

    private func disk() throws -> SimulatedDisk {
        let disk = SimulatedDisk()
        let folder = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
            "Fixtures/OldFolder")
        for name in MigrationTests.names {
            disk.overwrite("/data/" + name, [UInt8](try Data(contentsOf: folder.appendingPathComponent(name))))
        }
        return disk
    }

    private func text(_ disk: SimulatedDisk, _ path: String) -> String {
        String(decoding: disk.contents(path) ?? [], as: UTF8.self)
    }

    private func check(_ rig: Rig) throws {
        let room = try #require(rig.load())
        #expect(
            room.seq == rig.log.folder.uncleanStops << 32, "above all that was reserved in another start of the machine"
        )
        #expect(room.seq > 0)
        #expect(Set(room.usernames) == ["Ada", "Zoë"])
        #expect(rig.texts() == ["Good morning", "Morning, “Ada” 😀", "And again", "I am Zoë now", "only a moment"])
        #expect(room.messages(before: 1 << 40, limit: 100, bytes: 1 << 20).lines.count == 5)
        // They come back as themselves, with what their clients have kept.
        for (secret, name) in [(ada, "Ada"), (zoe, "Zoë")] {
            let member = try #require(room.sessions[SessionHash.of(secret)])
            #expect(room.members[member]?.username.text == name)
        }
        #expect(rig.load("tea")?.usernames.first == "Dee")
        #expect(rig.load("quiet")?.usernames == ["Eve"])
    }

    @Test func sessionsComeBack_seqsGoOn_oldFilesAreSetAside() throws {
        let disk = try disk()
        let journal = disk.contents("/data/journal")
        let old = disk.contents(segment(1))
        let rig = try Rig(disk)
        #expect(rig.incidents == [.carriedOver(rooms: 3, files: ["/data/journal.old", "/data/reserved.old"])])
        #expect(disk.contents("/data/journal") == nil && disk.contents("/data/reserved") == nil)
        #expect(disk.contents("/data/journal.old") == journal)
        #expect(disk.contents(segment(1)) == old)
        try check(rig)
        #expect(rig.say("on", "tea") == .written)
        #expect(rig.rooms["tea"]?.seq ?? 0 > 1 << 32)
        #expect(rig.stop() == [])
        #expect(disk.contents("/data/journal.old") == nil && disk.contents("/data/reserved.old") == nil)
        let again = try Rig(disk)
        #expect(again.incidents == [])
        try check(again)
        #expect(again.texts("tea") == ["tea is ready", "on"])
    }

    /// A message that was sent and whose receipt was lost is sent again after the upgrade: it is known, however its id is spelled.
    @Test func resend_withAnOldID_isRecognised() throws {
        let rig = try Rig(try disk())
        rig.load()
        for (secret, ids) in [
            (ada, [#""a-1""#, #""a-2""#, #""a-\u0032""#]),
            (zoe, [#""b/1""#, #""é\"quoted\"""#, #""\u00e9\"quoted\"""#]),
        ] {
            let id = ConnectionID(slot: UInt32(truncatingIfNeeded: secret), generation: 3)
            let hash = SessionHash.of(secret)
            guard let name = Username("whatever") else { return }
            let join = Join(username: name, user: .nobody, isKeyed: false, session: hash, newSession: 1, since: nil)
            rig.apply(.join(id, join), [], "lobby")
            for messageID in ids {
                let bytes = Array((#""again""# + messageID).utf8)
                rig.apply(.message(id, text: 0..<7, id: 7..<bytes.count, reply: nil), bytes, "lobby")
            }
        }
        #expect(rig.rooms["lobby"]?.seq == 1 << 32)
        #expect(rig.rooms["lobby"]?.repeats == 6)
    }

    @Test func sameBoot_wastesNoSeqs() throws {
        let disk = try disk()
        let boot = disk.bootIdentifier() ?? ""
        let reserved = text(disk, "/data/reserved").replacing("15a850ca-ee7e-462e-a42f-e8161232f530", with: boot)
        disk.overwrite("/data/reserved", Array(reserved.utf8))
        let rig = try Rig(disk)
        #expect(rig.log.folder.uncleanStops == 0)
        #expect(rig.load()?.seq == 10)
        #expect(rig.load("tea")?.seq == 2)
    }

    /// A seq that was reserved may have been used.
    @Test func reservedSeqs_areNeverUsedAgain() throws {
        for (seq, stops) in [(100_000, 1), (5 << 32 + 7, 6)] as [(UInt64, UInt64)] {
            let disk = try disk()
            let line = #"{"room":"lobby","seq":\#(seq),"boot":"another"}"# + "\n"
            disk.overwrite("/data/reserved", Array(line.utf8))
            let rig = try Rig(disk)
            #expect(rig.log.folder.uncleanStops == stops)
            #expect(rig.load()?.seq == stops << 32)
        }
    }

    /// Lines without their events: the old version was killed between the two.
    @Test func journalLines_withoutTheirEvents_wereNeverTrue() throws {
        let disk = try disk()
        disk.overwrite("/data/reserved", [])
        let more = """
            {"leave":1,"seq":11}
            {"join":6,"room":"lobby","session":"00000000000000000000000000000001","username":"Fay","seq":12}
            {"name":2,"username":"Never","seq":9}
            {"undo":"lobby","seq":9}
            not a line

            """
        disk.overwrite("/data/journal", (disk.contents("/data/journal") ?? []) + Array(more.utf8))
        let rig = try Rig(disk)
        #expect(Set(rig.load()?.usernames ?? []) == ["Ada", "Zoë"])
    }

    /// People that only the events know of leave when the room is loaded.
    @Test func ghosts_leave() throws {
        let disk = try disk()
        let journal = text(disk, "/data/journal").split(separator: "\n").filter { !$0.contains(#""join":1,"#) }
        disk.overwrite("/data/journal", Array((journal.joined(separator: "\n") + "\n").utf8))
        let rig = try Rig(disk)
        rig.load()
        rig.apply(.restarted, [], "lobby")
        #expect(rig.write() == .written)
        #expect(rig.rooms["lobby"]?.usernames == ["Zoë"])
    }

    @Test func roomsWithoutSessions_areReadAsTheyAre() throws {
        let disk = try disk()
        disk.overwrite("/data/journal", [])
        let rig = try Rig(disk)
        #expect(rig.incidents == [.carriedOver(rooms: 0, files: ["/data/journal.old", "/data/reserved.old"])])
        #expect(rig.load()?.seq == 1 << 32)
        #expect(rig.texts().count == 5)
        #expect(segments(disk).count == 1)
    }

    /// A crash at any call to the disk, by a kill or a power cut: the next start does the rest.
    @Test(arguments: [true, false])
    func crash_atAnyPoint_repeatsSafely(power: Bool) throws {
        let whole = try disk()
        _ = try Rig(whole)
        for point in 0..<whole.calls {
            let disk = try disk()
            disk.plan = { $0.number >= point ? .fail(5) : nil }
            #expect(throws: StorageError.self) { try Rig(disk) }
            disk.plan = nil
            var random = SeededRandom(UInt64(point))
            if power { disk.cutPower(&random) } else { disk.kill() }
            let rig = try Rig(disk)
            try check(rig)
            #expect(disk.contents("/data/journal") == nil && disk.contents("/data/journal.old") != nil)
            #expect(rig.stop() == [])
        }
    }
}
