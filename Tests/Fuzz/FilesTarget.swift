import Chat
import History

/// Runs a recording as `replay` does; whatever it claims, the chat goes on.
private func replay(_ bytes: [UInt8]) {
    var reader = RecordingReader(bytes)
    var chat = Chat(limits: Limits(messagesPerSecond: 10, isDurable: true))
    var output = TickOutput()
    while let record = reader.next() {
        switch record {
        case .settings, .cut, .damaged: break
        case .journal(let journal, let now):
            _ = chat.restore(journal: journal.span, now: now, into: &output)
        case .inputs(let inputs):
            output.removeAll()
            chat.update(inputs, into: &output)
        case .outcome(let outcome):
            chat.settle(failed: outcome.failed, journalWritten: outcome.journalWritten, into: &output)
            chat.endTick(output)
            output.removeAll()
        }
    }
}

/// All that is read from files, which a disk may have made anything of: a room's log, the journal, a recording.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ bytes: UnsafePointer<UInt8>, _ count: Int) -> Int32 {
    var input = unsafe Input(bytes, count)
    let choice = input.byte()
    let data = Array(input.rest)
    switch choice % 3 {
    case 0: replay(data)
    case 1:
        var chat = Chat(limits: Limits(messagesPerSecond: 10, isDurable: true))
        var output = TickOutput()
        _ = chat.restore(journal: data.span, now: 0, into: &output)
        _ = chat.snapshotJournal()
    default:
        var scan = LineScan()
        scan.scan(data.span, 0..<data.count, above: 0, below: .max)
        for line in scan.lines { demand(line.range.upperBound <= data.count, "a line beyond the end") }
        _ = EventPrefix.lastSeq(data.span)
    }
    return 0
}
