import WebSocket

private let inflater = Inflater()
private let deflater = Deflater()

/// Inflation: it stops at its limit, a cut changes nothing, and what was compressed here comes back as it was.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    guard let inflater, let deflater else { return 0 }
    var input = unsafe Input(bytes, count)
    let maxCount = input.byte() & 1 == 0 ? 65536 : 100
    let cut = Int(input.byte())
    let data = Array(input.rest)

    var whole: [UInt8] = [1]
    let outcome = inflater.inflate([UInt8]().span, then: data.span, into: &whole, maxCount: maxCount)
    demand(whole.count - 1 <= maxCount, "inflated beyond the limit")
    demand(outcome == .complete || whole == [1], "left something of a message that it refused")

    var split: [UInt8] = [1]
    let (head, tail) = (Array(data.prefix(cut)), Array(data.dropFirst(cut)))
    let splitOutcome = inflater.inflate(head.span, then: tail.span, into: &split, maxCount: maxCount)
    demand(outcome == splitOutcome && whole == split, "a cut at \(cut) makes \(splitOutcome) of \(outcome)")

    var (compressed, back): ([UInt8], [UInt8]) = ([], [])
    deflater.compress(data.span, into: &compressed)
    let again = inflater.inflate([UInt8]().span, then: compressed.span, into: &back, maxCount: data.count)
    demand(again == .complete && back == data, "it does not come back: \(again)")
    return 0
}
