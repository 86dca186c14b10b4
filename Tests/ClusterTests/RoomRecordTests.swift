import Cluster
import Testing

/// Records and notices as bytes.
@Suite struct RoomRecordTests {
    private static let contents: [RoomRecord.Content] = [
        .rules([1, 2, 3]), .rules([]), .lost(Incarnation(bits: .max)), .epoch(1 << 40),
        .inputs(RoomRecord.Inputs(base: 7, digest: .max, items: [])),
        .inputs(
            RoomRecord.Inputs(
                base: 0, digest: 5,
                items: [.input([9, 8]), .due(Due(kind: 3, generation: .max)), .input([])])),
    ]

    private func record(_ content: RoomRecord.Content) -> RoomRecord {
        RoomRecord(
            position: 1 << 50, stamp: 1_790_000_000_123, writes: 77, incarnation: Incarnation(bits: 0xABC), number: 3,
            content: content)
    }

    @Test(arguments: contents) func bytes_giveTheRecordAgain(content: RoomRecord.Content) {
        let record = record(content)
        #expect(RoomRecord(record.bytes) == record)
        #expect(record.size == record.bytes.count)
        #expect(RoomNotice([UInt8(ascii: "r")] + record.bytes) == .record(record))
    }

    @Test func cutRecord_isNone() {
        let bytes = record(Self.contents[5]).bytes
        // A cut between the items, of 7, 17 and 5 bytes, leaves a record with fewer; anywhere else there is none.
        let between = [29, 22, 5].map { bytes.count - $0 }
        for count in 0..<bytes.count where !between.contains(count) {
            #expect(RoomRecord(Array(bytes.prefix(count))) == nil, "\(count) of \(bytes.count)")
        }
        #expect(RoomRecord(record(.epoch(1)).bytes + [0]) == nil)
        #expect(RoomRecord(record(.lost(.none)).bytes + [0]) == nil)
    }

    @Test func otherNotices_areNone() {
        #expect(RoomNotice([]) == nil)
        #expect(RoomNotice([UInt8(ascii: "x")]) == nil)
        #expect(RoomNotice(Array("s1234567".utf8)) == nil)
        let notice: [UInt8] = [UInt8(ascii: "s"), 0, 0, 0, 0, 0, 0, 0, 5, 0, 0, 0, 0, 0, 0, 1, 0]
        #expect(RoomNotice(notice) == .snapshot(position: 5, size: 256))
        #expect(RoomNotice(notice + [0]) == nil)
    }

    @Test func incarnation_hasOneSpelling() {
        let incarnation = Incarnation(bits: 0x0123_4567_89AB_CDEF_0011_2233_4455_6677)
        #expect(String(decoding: incarnation.text, as: UTF8.self) == "0123456789abcdef0011223344556677")
        #expect(Incarnation(incarnation.text.span) == incarnation)
        #expect(Incarnation(Array("0123456789ABCDEF0011223344556677".utf8).span) == nil)
    }
}
