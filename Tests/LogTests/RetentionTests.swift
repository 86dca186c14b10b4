import Bytes
import Log
import Simulation
import Testing

@testable import Chat

/// What is not kept any longer goes, in whole files, and nothing else does.
struct RetentionTests {
    private static let day: Int64 = 86_400_000

    private static func sizes(time: Int64? = nil, bytes: Int64? = nil) -> LogSizes {
        var sizes = LogSizes()
        sizes.keep(Retention(time: time, bytes: bytes))
        return sizes
    }

    /// The `time` and seq of all events in the files of a room.
    private func events(_ disk: SimulatedDisk, _ room: String = "lobby") -> [(time: Int64, seq: UInt64)] {
        var found: [(Int64, UInt64)] = []
        for segment in segments(disk, room) {
            EventLine.forEach(in: Array(segment.text.utf8).span) { event, _ in found.append((event.time, event.seq)) }
        }
        return found
    }

    private func stands(_ text: String, in disk: SimulatedDisk) -> Bool {
        disk.files.keys.contains { String(decoding: disk.contents($0) ?? [], as: UTF8.self).contains(text) }
    }

    @Test(arguments: [1, 30]) func events_outliveTheirTimeByNoMoreThanATenthOrADay(days: Int64) throws {
        let (disk, kept) = (SimulatedDisk(), days * Self.day)
        let rig = try Rig(disk, sizes: Self.sizes(time: kept))
        rig.load()
        let slack = min(kept / 10, Self.day)
        var said: [(time: Int64, seq: UInt64)] = []
        for hour in 0..<Int(days) * 40 {
            #expect(rig.say("hour \(hour)") == .written)
            if let room = rig.rooms["lobby"] { said.append((rig.time, room.seq)) }
            rig.run(hours: 1)
            let found = events(disk)
            #expect(found.allSatisfy { $0.time >= rig.time - kept - slack })
            // Nothing goes too early, and all is in its order.
            let wanted = said.filter { $0.time > rig.time - kept }.map(\.seq)
            #expect(found.map(\.seq).suffix(wanted.count) == wanted[...])
        }
        #expect(events(disk).count < Int(days) * 28)
        #expect(rig.failures.isEmpty)
        // What is in memory, what pages tell and what is in the files is the same.
        #expect(rig.texts().count == events(disk).count)
        #expect(rig.rooms["lobby"]?.recent.lines.first?.seq ?? 0 >= events(disk).first?.seq ?? .max)
        #expect(rig.stop() == [])
    }

    @Test func quietRoom_isEmptiedInTheEnd_andGoesOnWhereItWas() throws {
        let disk = SimulatedDisk()
        let rig = try Rig(disk, sizes: Self.sizes(time: Self.day))
        rig.load()
        #expect(rig.say(1...10))
        #expect(rig.edit(3, "changed words") == .written)
        let seq = rig.rooms["lobby"]?.seq ?? 0
        rig.run(hours: 27)
        #expect(events(disk).isEmpty)
        #expect(!stands("text", in: disk) && !stands("changed words", in: disk))
        #expect(rig.rooms["lobby"]?.recent.lines.isEmpty == true)
        #expect(rig.rooms["lobby"]?.facts.isEmpty == true)
        #expect(segments(disk).count == 1)
        let calls = disk.calls
        rig.run(hours: 27)
        // One without anything to go is left alone; it is looked among the others once an hour.
        #expect(disk.calls - calls <= 28)
        #expect(rig.say("again") == .written)
        #expect(events(disk).map(\.seq) == [seq + 1])
        #expect(rig.stop() == [])
        let later = try Rig(disk, sizes: Self.sizes(time: Self.day))
        later.load()
        #expect(later.rooms["lobby"]?.seq == seq + 1)
        // Ada is known still.
        #expect(later.rooms["lobby"]?.memberCount == 1)
        #expect(later.texts() == ["again"])
    }

    @Test func roomTakesNoMoreBytesThanItMay() throws {
        let disk = SimulatedDisk()
        let rig = try Rig(disk, sizes: Self.sizes(bytes: 200_000))
        rig.load()
        for number in 1...4000 {
            #expect(rig.say("text \(number)") == .written)
            rig.turn(by: 1_000_000_000)
            rig.turn()
            #expect(segments(disk).reduce(0) { $0 + $1.text.utf8.count } <= 200_000)
        }
        let texts = rig.texts()
        #expect(texts.last == "text 4000")
        #expect(texts.count > 500 && texts.count < 1600)
        #expect(texts == (4001 - texts.count...4000).map { "text \($0)" })
    }

    @Test func roomsThatAreNotInMemory_areFound() throws {
        let disk = SimulatedDisk()
        let rig = try Rig(disk, sizes: Self.sizes(time: Self.day))
        for room in (0..<20).map({ "room-\($0)" }) {
            rig.load(room)
            #expect(rig.say("hello", room) == .written)
            rig.run(seconds: 2)
            rig.forget(room)
        }
        rig.run(hours: 20)
        #expect(rig.due == [])
        rig.run(hours: 8)
        #expect(Set(rig.due).count == 16)
        // They are named again until they have been loaded.
        for room in Set(rig.due) { rig.load(room) }
        rig.run(hours: 2)
        for room in Set(rig.due) where rig.rooms[room] == nil { rig.load(room) }
        rig.run(hours: 2)
        #expect(!stands("hello", in: disk))
    }

    /// The server was not running while it became too old: nobody is shown it.
    @Test func load_tellsNothingThatIsOver() throws {
        let disk = SimulatedDisk()
        let rig = try Rig(disk)
        rig.load()
        #expect(rig.say(1...10))
        #expect(rig.stop() == [])
        let later = try Rig(disk, sizes: Self.sizes(time: Self.day))
        later.now = 30 * Self.day * 1_000_000
        later.log.time = later.time
        guard case .loaded(let room) = later.read(.load) else { return #expect(Bool(false), "not loaded") }
        #expect(room.recent.lines.isEmpty)
        #expect(room.seq == rig.rooms["lobby"]?.seq)
        #expect(room.newest(before: .max) == nil)
        later.rooms["lobby"] = room
        later.run(hours: 1)
        #expect(events(disk).isEmpty && !stands("text 1", in: disk))
    }

    @Test(arguments: [StorageError.Operation.remove, .list, .read, .open], 0..<6)
    func removal_thatIsRefused_isDoneLater(operation: StorageError.Operation, number: Int) throws {
        let disk = SimulatedDisk()
        var sizes = Self.sizes(time: Self.day)
        sizes.segment = 500
        let rig = try Rig(disk, sizes: sizes)
        rig.load()
        #expect(rig.say(1...20))
        rig.run(seconds: 3)
        var seen = 0
        disk.plan = { call in
            guard call.operation == operation else { return nil }
            seen += 1
            return seen == number + 1 ? .fail(5) : nil
        }
        rig.run(hours: 26)
        #expect(seen > min(number, 1))
        disk.plan = nil
        rig.run(hours: 2)
        #expect(events(disk).isEmpty)
        #expect(rig.failures.count <= 1)
        #expect(rig.say("later") == .written)
        #expect(rig.texts() == ["later"])
        // As after a kill.
        disk.kill()
        let again = try Rig(disk, sizes: sizes)
        again.now = rig.now
        again.log.time = again.time
        again.load()
        #expect(again.texts() == ["later"])
        #expect(again.rooms["lobby"]?.seq == rig.rooms["lobby"]?.seq)
    }
}
