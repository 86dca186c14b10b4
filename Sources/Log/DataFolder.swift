import Bytes
import Chat

/// The data folder as a whole: who uses it, its secret, and whether the last run ended well.
package struct DataFolder: Sendable {
    package let path: String
    /// 32 random bytes that others' secrets are hashed with.
    package let secret: [UInt8]
    /// How often the machine went down with a run that had not ended well; it counts in the upper part of every seq.
    package let uncleanStops: UInt64
    private let bootIdentifier: String?
    /// Whether a killed run has left files that are not on the disk itself yet.
    let mayHoldUnsynced: Bool
    /// Rooms with deleted texts that the runs before have not erased.
    private(set) var unfinishedErasures: Set<String> = []
    /// What was found out on opening, for the operator.
    package let incidents: [LogIncident]

    package var rooms: String { path + "/rooms" }
    /// Where marks are for rooms whose deleted texts are to be erased.
    package var erasing: String { path + "/erasing" }
    /// The newest seq of a room is at least this.
    package var seqBase: UInt64 { min(uncleanStops, 1 << 20) << 32 }

    /// Takes the folder for this process, creating it where it is missing.
    ///
    /// - Parameter random: 32 random bytes, for a folder that has no secret yet.
    package static func open(
        _ path: String, _ disk: any Storage, random: [UInt8]
    ) throws(StorageError) -> DataFolder {
        let path = FolderPath.trimmed(path)
        try disk.makeDirectories(
            path, keep: { (folder: String) throws(StorageError) in try syncName(of: folder, disk) })
        try disk.lock(path + "/lock")
        do throws(StorageError) {
            _ = try disk.makeDirectory(path + "/rooms")
            var incidents: [LogIncident] = []
            let secret = try readSecret(path, disk, random: random, &incidents)
            var folder = try begin(path, disk, secret, incidents)
            let marks = try disk.list(folder.erasing) ?? []
            folder.unfinishedErasures = Set(marks.filter(\.isFile).map(\.name))
            // A killed run may have left them to the system, and the deletions are shown from now on.
            if !marks.isEmpty { _ = try disk.sync(folder.erasing) }
            _ = try disk.sync(path)
            return folder
        } catch {
            disk.unlock()
            throw error
        }
    }

    /// Brings a folder's name to the disk.
    private static func syncName(of folder: String, _ disk: any Storage) throws(StorageError) {
        do throws(StorageError) {
            _ = try disk.sync(FolderPath.above(folder))
        } catch {
            // A folder above that may not be read is the system's business.
            guard error.isPermission else { throw error }
        }
    }

    private static func begin(
        _ path: String, _ disk: any Storage, _ secret: [UInt8], _ found: [LogIncident]
    ) throws(StorageError) -> DataFolder {
        let boot = disk.bootIdentifier()
        let stateFile = path + "/state.json"
        let text = try read(stateFile, disk)
        let old = text.flatMap(State.init)
        var incidents = found
        var state = State(stops: old?.stops ?? 0, isClean: false, boot: boot)
        let migration = Migration(path: path, disk: disk, secret: secret)
        let carried = try migration.uncleanStops(boot: boot)
        if let old {
            // As long as the machine was not started anew, all that a killed process has written is still there.
            if !old.isClean, old.boot == nil || old.boot != boot { state.stops += 1 }
        } else if carried == nil {
            state.stops = try stopsByRooms(path + "/rooms", disk)
            if text != nil {
                incidents.append(.unreadableFile(path: stateFile, movedTo: try setAside(stateFile, disk)))
            }
        }
        state.stops = max(state.stops, carried ?? 0)
        let rooms = try migration.carryOver(boot: boot)
        try replace(stateFile, with: state.bytes, disk)
        let files = try migration.setOldFilesAside()
        if !files.isEmpty { incidents.append(.carriedOver(rooms: rooms ?? 0, files: files)) }
        return DataFolder(
            path: path, secret: secret, uncleanStops: state.stops, bootIdentifier: boot,
            mayHoldUnsynced: old.map { !$0.isClean && (boot == nil || $0.boot == nil || $0.boot == boot) }
                ?? (carried != nil || state.stops > 0),
            incidents: incidents)
    }

    /// Nothing tells how the last run ended: what the rooms' seqs tell of earlier stops, and one more, if there are any rooms.
    private static func stopsByRooms(_ rooms: String, _ disk: any Storage) throws(StorageError) -> UInt64 {
        var newest: UInt64?
        for entry in try disk.list(rooms) ?? [] where !entry.isFile {
            let folder = RoomFolder(path: rooms + "/" + entry.name)
            for segment in try folder.segments(disk).suffix(2) {
                var reader = try LineReader(disk, folder.file(segment.first))
                defer { reader.close() }
                newest = max(newest ?? 0, segment.first, try reader.newestSeq(upTo: segment.length))
            }
        }
        return newest.map { ($0 >> 32) + 1 } ?? 0
    }

    /// Gives a file that makes no sense another name.
    private static func setAside(_ file: String, _ disk: any Storage) throws(StorageError) -> String {
        let target = file + ".unreadable"
        try disk.rename(file, to: target)
        return target
    }

    /// The last word of a run.
    ///
    /// - Parameters:
    ///   - isSynced: whether all that this run has written is on the disk.
    ///   - isClean: whether the same is known of the runs before.
    func close(_ disk: any Storage, isSynced: Bool, isClean: Bool) throws(StorageError) {
        defer { disk.unlock() }
        guard isSynced else { return }
        for name in Migration.setAside {
            if try disk.identity(at: path + "/" + name) != nil { try disk.remove(path + "/" + name) }
        }
        guard isClean else { return }
        let state = State(stops: uncleanStops, isClean: true, boot: bootIdentifier)
        try DataFolder.replace(path + "/state.json", with: state.bytes, disk)
        _ = try disk.sync(path)
    }

    /// The files that a killed run may have written, all of them where it synced none, and their folders.
    ///
    /// - Returns: nil where they are too many to be synced while a stop is waited for. Then it does not count as clean.
    func lastWritten(_ disk: any Storage) -> [String]? {
        guard let entries = try? disk.list(rooms), entries.count <= 200 else { return nil }
        var paths = [rooms]
        for entry in entries where !entry.isFile {
            let folder = RoomFolder(path: rooms + "/" + entry.name)
            guard let segments = try? folder.segments(disk) else { return nil }
            paths += segments.map { folder.file($0.first) } + [folder.path]
            guard paths.count <= 2000 else { return nil }
        }
        return paths
    }

    // MARK: Small files

    private static func readSecret(
        _ path: String, _ disk: any Storage, random: [UInt8], _ incidents: inout [LogIncident]
    ) throws(StorageError) -> [UInt8] {
        let old = try read(path + "/secret", disk)
        if let text = old, text.count >= 64,
            let high = UInt128(hexadecimal: text.span.extracting(0..<32)),
            let low = UInt128(hexadecimal: text.span.extracting(32..<64))
        {
            var bytes: [UInt8] = []
            for half in [high, low] {
                bytes.append(bigEndian: UInt64(truncatingIfNeeded: half >> 64), byteCount: 8)
                bytes.append(bigEndian: UInt64(truncatingIfNeeded: half), byteCount: 8)
            }
            return bytes
        }
        if old != nil {
            incidents.append(.unreadableFile(path: path + "/secret", movedTo: try setAside(path + "/secret", disk)))
        }
        var text: [UInt8] = []
        text.append(hexadecimal: UInt128(leading: Array(random.prefix(16))))
        text.append(hexadecimal: UInt128(leading: Array(random.dropFirst(16))))
        try replace(path + "/secret", with: text + [0x0A], disk)
        return random
    }

    private static func read(_ path: String, _ disk: any Storage) throws(StorageError) -> [UInt8]? {
        guard let file = try disk.openExisting(path, .read) else { return nil }
        defer { disk.close(file) }
        var bytes = [UInt8](repeating: 0, count: 4096)
        let count = try disk.readAll(file, at: 0, into: &bytes, range: 0..<bytes.count)
        return Array(bytes[..<count])
    }

    /// The same for a folder that another process may be using, which is made where it is missing.
    package static func replaceFile(
        _ name: String, in folder: String, with bytes: [UInt8], _ disk: any Storage
    ) throws(StorageError) {
        let folder = FolderPath.trimmed(folder)
        try disk.makeDirectories(
            folder, keep: { (path: String) throws(StorageError) in try syncName(of: path, disk) })
        try replace(folder + "/" + name, with: bytes, disk)
        try disk.giveToOwner(of: folder, folder + "/" + name)
    }

    /// Writes a file that is there as a whole or not at all (0600).
    static func replace(_ path: String, with bytes: [UInt8], _ disk: any Storage) throws(StorageError) {
        let new = path + ".new"
        let file = try disk.open(new, .replace)
        defer { disk.close(file) }
        try disk.appendAll(bytes.span, to: file, path: new)
        _ = try disk.sync(file)
        try disk.rename(new, to: path)
        _ = try disk.sync(FolderPath.above(path))
    }

    /// What stands in `state.json`.
    private struct State {
        var stops: UInt64
        var isClean: Bool
        var boot: String?

        init(stops: UInt64, isClean: Bool, boot: String?) {
            (self.stops, self.isClean, self.boot) = (stops, isClean, boot)
        }

        init?(_ bytes: [UInt8]) {
            var (stops, isClean, boot) = (UInt64?.none, false, String?.none)
            let text = bytes.span
            var at = 0
            guard
                JSONScanner.members(
                    text, &at,
                    onMember: { name, value in
                        switch String(unescaping: name, of: text) {
                        case "uncleanStops": stops = JSONScanner.whole(text, value)
                        case "clean": isClean = text[value.range.lowerBound] == UInt8(ascii: "t")
                        case "boot": if value.kind == .string { boot = String(unescaping: value, of: text) }
                        default: break
                        }
                    }), let stops
            else { return nil }
            (self.stops, self.isClean, self.boot) = (stops, isClean, boot)
        }

        var bytes: [UInt8] {
            var text: [UInt8] = []
            text.append("{\"format\":2,\"clean\":")
            text.append(isClean ? "true" : "false")
            text.append(",\"uncleanStops\":")
            text.append(decimal: stops)
            if let boot {
                text.append(",\"boot\":")
                text.append(quoting: boot)
            }
            text.append("}\n")
            return text
        }
    }
}
