/// Counters since the start.
package struct HistoryMetrics: Hashable, Sendable {
    package var appends: UInt64 = 0
    package var refusedAppends: UInt64 = 0
    package var bytesWritten: UInt64 = 0
    package var bytesRead: UInt64 = 0
    package var syncs: UInt64 = 0
    package var failedSyncs: UInt64 = 0
    package var lastSyncNanoseconds: UInt64 = 0
    package var totalSyncNanoseconds: UInt64 = 0
    package var damagedLines: UInt64 = 0
    package var tornBytes: UInt64 = 0
}

/// Something that whoever runs the server should know.
package enum HistoryIncident: Hashable, Sendable, CustomStringConvertible {
    /// A background sync failed: the room's (or the journal's) newest events are in memory and will be written anew.
    case syncFailed(StorageError)
    /// After a failure the files are in order again.
    case repaired(path: String)
    /// A half-written end was cut off when the room was loaded.
    case tornTail(room: String, bytes: Int64)
    /// Lines that are no events were passed over. Said once a file.
    case damagedLines(path: String)
    /// After a power cut, seqs that may have been used were left out.
    case skippedSeqs(room: String, count: UInt64)

    package var description: String {
        switch self {
        case .syncFailed(let error): "sync failed, will be written anew: \(error)"
        case .repaired(let path): "written anew after a failure path=\(path)"
        case .tornTail(let room, let bytes): "half-written end cut off room=\(room) bytes=\(bytes)"
        case .damagedLines(let path): "damaged lines left out path=\(path)"
        case .skippedSeqs(let room, let count): "seqs left out after a power cut room=\(room) count=\(count)"
        }
    }
}
