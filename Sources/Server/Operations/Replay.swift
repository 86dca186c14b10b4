import Chat
import Log
import Sockets

/// Runs a recording through the chat again.
package enum Replay {
    package enum Result: Equatable, Sendable {
        /// Every tick came out as it was recorded. `isCut`: the recording ends in the middle of one.
        case agreed(ticks: Int, isCut: Bool)
        /// A tick, counted from 1, came out differently, in these fields; and its time in milliseconds.
        case differed(tick: Int, now: Int64, fields: [String])
        case unreadable(String)
    }

    /// Replays a file. If a tick crashes the process, standard error says which.
    ///
    /// - Parameter progress: is told each tick's number before it is run.
    package static func run(
        file path: String, progress: (Int) -> Void = { _ in }
    ) throws(StorageError) -> Result {
        let disk = FileStorage()
        let file = try disk.open(path, .read)
        defer { disk.close(file) }
        var bytes = [UInt8](repeating: 0, count: Int(clamping: try disk.size(of: file)))
        var count = 0
        while count < bytes.count {
            let got = try disk.read(file, at: Int64(count), into: &bytes, range: count..<bytes.count)
            if got == 0 { break }
            count += got
        }
        bytes.removeLast(bytes.count - count)
        CrashNotice.install("chatloop: the replay crashes in tick ")
        defer { CrashNotice.remove() }
        return run(bytes) { tick in
            CrashNotice.name(UInt64(clamping: tick))
            progress(tick)
        }
    }

    /// - Parameters:
    ///   - recording: the bytes of the file.
    ///   - progress: as above.
    package static func run(_ recording: [UInt8], progress: (Int) -> Void = { _ in }) -> Result {
        var reader = RecordingReader(recording)
        guard case .settings(let rules)? = reader.next() else {
            return .unreadable("it does not begin as one of this version does")
        }
        var rooms = ReplayedRooms(rules: rules)
        var ticks = 0
        var now: Int64 = 0
        var isMidTick = false
        while let record = reader.next() {
            switch record {
            case .settings: return .unreadable("it has settings in its middle")
            case .room(let index, let name, let lines): rooms.begin(index, name: name, lines: lines)
            case .inputs(let work, let bytes, let moment):
                ticks += 1
                progress(ticks)
                now = moment.now
                isMidTick = true
                rooms.update(work, bytes, at: moment)
            case .outcome(let outcome):
                guard isMidTick else { return .unreadable("it has an outcome without a tick") }
                isMidTick = false
                let differences = rooms.settle(failed: outcome.failed).differences(from: outcome.digest)
                guard differences.isEmpty else { return .differed(tick: ticks, now: now, fields: differences) }
            case .cut: return .agreed(ticks: isMidTick ? ticks - 1 : ticks, isCut: true)
            case .damaged: return .unreadable("a record in it is damaged, after \(ticks) ticks")
            }
        }
        return .agreed(ticks: isMidTick ? ticks - 1 : ticks, isCut: isMidTick)
    }
}
