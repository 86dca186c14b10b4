/// What stands at the beginning of every kept event's line: `{"type":"message","seq":12,`. The order of the fields is
/// fixed, so that type and seq can be read without reading all of the line.
struct LinePrefix {
    var seq: UInt64
    var isMessage: Bool

    /// Reads the prefix; nil where the line begins in another way.
    init?(_ line: Span<UInt8>) {
        let opening: StaticString = "{\"type\":\""
        let start = opening.utf8CodeUnitCount
        guard line.count > start, line.extracting(0..<start).isEqual(to: opening) else { return nil }
        var at = start
        while at < line.count, line[at] != UInt8(ascii: "\"") { at += 1 }
        isMessage = line.extracting(start..<at).isEqual(to: "message")
        let middle: StaticString = "\",\"seq\":"
        let digits = at + middle.utf8CodeUnitCount
        guard digits < line.count, line.extracting(at..<digits).isEqual(to: middle) else { return nil }
        at = digits
        var seq: UInt64 = 0
        while at < line.count, line[at].isDigit {
            let (tens, tooLarge) = seq.multipliedReportingOverflow(by: 10)
            let (sum, overflow) = tens.addingReportingOverflow(UInt64(line[at] - UInt8(ascii: "0")))
            guard !tooLarge, !overflow else { return nil }
            seq = sum
            at += 1
        }
        guard at > digits else { return nil }
        self.seq = seq
    }

    /// Walks the lines of `bytes`, each given as its place without the line break; those without a prefix are passed over.
    static func forEach(in bytes: Span<UInt8>, _ body: (_ prefix: LinePrefix, _ range: Range<Int>) -> Void) {
        var start = 0
        for i in bytes.indices where bytes[i] == UInt8(ascii: "\n") {
            if let prefix = LinePrefix(bytes.extracting(start..<i)) { body(prefix, start..<i) }
            start = i + 1
        }
    }
}
