import Bytes
import Log

/// A disk in memory with everything that a disk may do to a program, by seed or by plan.
///
/// It keeps two states: what programs see (the kernel's cache), and what is on the medium. A sync brings a file, or a
/// folder's names, from the one to the other; `cutPower` throws the first away, but for what had got through by chance.
///
/// It is `Sendable` because every storage is, and unchecked because a simulated world has one thread: what the log's two threads
/// do on a real disk is done in the loop by `SimulatedDiskWork`.
package final class SimulatedDisk: Storage, @unchecked Sendable {
    package struct Call {
        package var operation: StorageError.Operation
        package var path: String
        /// How many calls came before this one.
        package var number: Int
    }

    package enum Fault {
        case fail(Int32)
        /// A write takes only so many bytes.
        case short(Int)
    }

    package final class File {
        /// What tells it from every other file, whatever its name.
        let inode: UInt64
        package var cached: [UInt8] = []
        package var stored: [UInt8] = []
        /// A sync failed while these bytes were waiting: the kernel holds them for clean, and never writes them.
        package var lost: [Range<Int>] = []

        fileprivate init(inode: UInt64) { self.inode = inode }
    }

    /// Decides about each call before it is done.
    package var plan: ((Call) -> Fault?)?
    /// Whether the kernel happens to write a file to the medium by itself, right after something was appended.
    package var writesBack: (() -> Bool)?
    /// How many bytes all files together may take.
    package var capacity: Int?
    package var tellsBoot = true
    package private(set) var calls = 0
    package private(set) var syncedPaths: [String] = []
    package private(set) var boots = 1
    /// The most bytes that anyone has had at hand to read into.
    package private(set) var largestBuffer = 0
    /// How many bytes have been read.
    package private(set) var bytesRead = 0

    package init() {}

    package private(set) var files: [String: File] = [:]
    private var storedFiles: [String: File] = [:]
    package private(set) var folders: Set<String> = []
    private var storedFolders: Set<String> = []
    /// What was renamed since its folder was synced: a rename is one step of the file system's, so the machine keeps either
    /// both names as they were or both as they are.
    private var renames: [(from: String, to: String)] = []
    private var open: [Int32: (file: File, path: String, writes: Bool)] = [:]
    private var nextNumber: Int32 = 3
    private var isLocked = false
    private var nextInode: UInt64 = 1

    package var openFiles: Int { open.count }

    private func makeFile() -> File {
        defer { nextInode += 1 }
        return File(inode: nextInode)
    }

    // MARK: Faults

    private func check(_ operation: StorageError.Operation, _ path: String) throws(StorageError) {
        if case .fail(let code) = fault(operation, path) { throw StorageError(operation, path, code: code) }
    }

    private func fault(_ operation: StorageError.Operation, _ path: String) -> Fault? {
        calls += 1
        return plan?(Call(operation: operation, path: path, number: calls - 1))
    }

    /// The process is gone, the machine is not: every byte it wrote stays.
    package func kill() {
        open.removeAll()
        isLocked = false
    }

    /// The machine is gone: of what was not synced, each file keeps all, nothing or a part, and each name is there or not.
    package func cutPower<Random: RandomNumberGenerator>(_ random: inout Random) {
        kill()
        boots += 1
        for folder in folders.symmetricDifference(storedFolders).sorted() where Bool.random(using: &random) {
            if folders.contains(folder) { folders.remove(folder) } else { folders.insert(folder) }
        }
        // What was in a folder that is gone is gone with it; the inner ones come after the outer ones.
        for folder in folders.sorted() where !isThere(SimulatedDisk.folder(of: folder)) { folders.remove(folder) }
        let paths = Set(files.keys).union(storedFiles.keys)
        var isNew: [String: Bool] = [:]
        for path in paths.sorted() {
            let name = tied(path)
            let keepsNew = isNew[name] ?? Bool.random(using: &random)
            isNew[name] = keepsNew
            let kept = keepsNew ? files[path] : storedFiles[path]
            files[path] = folders.contains(SimulatedDisk.folder(of: path)) ? kept : nil
        }
        for path in files.keys.sorted() {
            guard let file = files[path] else { continue }
            file.stored = SimulatedDisk.tear(file, &random)
            file.cached = file.stored
            file.lost = []
        }
        storedFiles = files
        storedFolders = folders
        renames = []
    }

    private func isThere(_ folder: String) -> Bool { folder.isEmpty || folders.contains(folder) }

    /// One name for all those that renames have tied together.
    private func tied(_ path: String) -> String {
        var names: Set = [path]
        while case let more = renames.filter({ names.contains($0.from) != names.contains($0.to) }), !more.isEmpty {
            for (from, to) in more { names.formUnion([from, to]) }
        }
        return names.min() ?? path
    }

    private static func tear<Random: RandomNumberGenerator>(_ file: File, _ random: inout Random) -> [UInt8] {
        guard file.cached.starts(with: file.stored), file.lost.isEmpty else {
            return Bool.random(using: &random) || !file.lost.isEmpty ? file.stored : file.cached
        }
        let end = Int.random(in: file.stored.count...file.cached.count, using: &random)
        var bytes = Array(file.cached[..<end])
        if end > file.stored.count, Int.random(in: 0..<4, using: &random) == 0 {
            // The length got through, some of the bytes did not.
            let hole = Int.random(in: file.stored.count..<end, using: &random)
            for index in hole..<Int.random(in: hole...end, using: &random) { bytes[index] = 0 }
        }
        return bytes
    }

    package static func folder(of path: String) -> String {
        path.lastIndex(of: "/").map { String(path[..<$0]) } ?? ""
    }

    // MARK: A look inside, for the tests

    package func contents(_ path: String) -> [UInt8]? { files[path]?.cached }
    package func storedContents(_ path: String) -> [UInt8]? { storedFiles[path]?.stored }

    // MARK: What a person does to the files, and brings to the medium

    /// Writes a file in place, as `cat > FILE` does.
    package func overwrite(_ path: String, _ bytes: [UInt8]) {
        let file = files[path] ?? makeFile()
        file.cached = bytes
        file.stored = bytes
        files[path] = file
        storedFiles[path] = file
        var folder = SimulatedDisk.folder(of: path)
        while !folder.isEmpty {
            folders.insert(folder)
            storedFolders.insert(folder)
            folder = SimulatedDisk.folder(of: folder)
        }
    }

    /// Puts another file in the place of one, as `sed -i` does.
    package func replace(_ path: String, _ bytes: [UInt8]) {
        files[path] = nil
        overwrite(path, bytes)
    }

    /// Deletes a file.
    package func delete(_ path: String) {
        files[path] = nil
        storedFiles[path] = nil
    }

    /// Deletes a folder with all that is in it.
    package func deleteFolder(_ path: String) {
        for name in Set(files.keys).union(storedFiles.keys) where name.hasPrefix(path + "/") { delete(name) }
        for name in folders.union(storedFolders) where name == path || name.hasPrefix(path + "/") {
            folders.remove(name)
            storedFolders.remove(name)
        }
    }

    /// What a failed sync has left in the cache is written after all.
    package func forgiveFailedSyncs() {
        for file in files.values { file.lost = [] }
    }

    /// What is only in the cache and marked clean there may be dropped from it at any time.
    package func dropCache() {
        for file in files.values {
            for range in file.lost { for index in range where index < file.cached.count { file.cached[index] = 0 } }
        }
    }
}

// MARK: - Files

extension SimulatedDisk {
    package func makeDirectory(_ path: String) throws(StorageError) -> Bool {
        try check(.makeDirectory, path)
        guard isThere(SimulatedDisk.folder(of: path)) else { throw StorageError(.makeDirectory, path, code: 2) }
        return folders.insert(path).inserted
    }

    package func list(_ directory: String) throws(StorageError) -> [StorageEntry]? {
        try check(.list, directory)
        guard folders.contains(directory) else { return nil }
        // In some order, but always the same: it must follow from the seed alone.
        let inside = files.keys.filter { SimulatedDisk.folder(of: $0) == directory }
        let below = folders.filter { SimulatedDisk.folder(of: $0) == directory }
        return (inside + below).sorted().map { path in
            let name = String(path.dropFirst(directory.count + 1))
            return StorageEntry(name: name, size: Int64(files[path]?.cached.count ?? 0), isFile: files[path] != nil)
        }
    }

    package func open(_ path: String, _ mode: OpenMode) throws(StorageError) -> OpenFile {
        try check(.open, path)
        if mode == .create, files[path] != nil { throw StorageError(.open, path, code: 17) }
        if mode != .read, mode != .append, files[path] == nil {
            guard folders.contains(SimulatedDisk.folder(of: path)) else { throw StorageError(.open, path, code: 2) }
            files[path] = makeFile()
        }
        guard let file = files[path] else { throw StorageError(.open, path, code: 2) }
        if mode == .replace {
            file.cached = []
            file.lost = []
        }
        nextNumber += 1
        open[nextNumber] = (file, path, mode != .read)
        return OpenFile(number: nextNumber)
    }

    package func close(_ file: OpenFile) {
        open[file.number] = nil
    }

    private func opened(
        _ file: OpenFile, _ operation: StorageError.Operation
    ) throws(StorageError) -> (file: File, path: String) {
        guard let found = open[file.number] else { throw StorageError(operation, "closed", code: 9) }
        return (found.file, found.path)
    }

    package func size(of file: OpenFile) throws(StorageError) -> Int64 {
        let (file, path) = try opened(file, .size)
        try check(.size, path)
        return Int64(file.cached.count)
    }

    package func identity(of file: OpenFile) throws(StorageError) -> FileIdentity {
        let (file, path) = try opened(file, .size)
        try check(.size, path)
        return FileIdentity(device: 1, inode: file.inode)
    }

    package func identity(at path: String) throws(StorageError) -> FileIdentity? {
        try check(.size, path)
        return files[path].map { FileIdentity(device: 1, inode: $0.inode) }
    }

    package func freeBytes(at path: String) -> Int64? {
        capacity.map { Int64(max(0, $0 - usedBytes)) }
    }

    private var usedBytes: Int { files.values.reduce(0) { $0 + $1.cached.count } }

    package func append(_ bytes: Span<UInt8>, to file: OpenFile) throws(StorageError) -> Int {
        let (file, path) = try opened(file, .append)
        var count = bytes.count
        switch fault(.append, path) {
        case .fail(let code): throw StorageError(.append, path, code: code)
        case .short(let most): count = min(count, most)
        case nil: break
        }
        if let capacity {
            let free = capacity - usedBytes
            if free <= 0, count > 0 { throw StorageError(.append, path, code: 28) }
            count = min(count, free)
        }
        file.cached.append(copying: bytes.extracting(0..<count))
        if file.lost.isEmpty, writesBack?() == true { file.stored = file.cached }
        return count
    }

    package func read(
        _ file: OpenFile, at offset: Int64, into buffer: inout [UInt8], range: Range<Int>
    ) throws(StorageError) -> Int {
        let (file, path) = try opened(file, .read)
        largestBuffer = max(largestBuffer, buffer.count)
        var most = range.count
        switch fault(.read, path) {
        case .fail(let code): throw StorageError(.read, path, code: code)
        case .short(let count): most = min(most, max(1, count))
        case nil: break
        }
        let start = min(Int(offset), file.cached.count)
        let end = min(file.cached.count, start + most)
        bytesRead += end - start
        buffer.replaceSubrange(range.lowerBound..<range.lowerBound + end - start, with: file.cached[start..<end])
        return end - start
    }

    package func truncate(_ file: OpenFile, to length: Int64) throws(StorageError) {
        let (file, path) = try opened(file, .truncate)
        try check(.truncate, path)
        if Int(length) < file.cached.count { file.cached.removeSubrange(Int(length)...) }
        while file.cached.count < Int(length) { file.cached.append(0) }
        file.lost = file.lost.map { min($0.lowerBound, Int(length))..<min($0.upperBound, Int(length)) }.filter {
            !$0.isEmpty
        }
    }

    package func rename(_ path: String, to target: String) throws(StorageError) {
        try check(.rename, path)
        guard let file = files[path] else { throw StorageError(.rename, path, code: 2) }
        files[path] = nil
        files[target] = file
        renames.append((path, target))
    }

    package func remove(_ path: String) throws(StorageError) {
        try check(.remove, path)
        guard files.removeValue(forKey: path) != nil else { throw StorageError(.remove, path, code: 2) }
    }
}

// MARK: - Syncs, lock, boot

extension SimulatedDisk {
    package func sync(_ file: OpenFile) throws(StorageError) -> UInt64 {
        let (file, path) = try opened(file, .sync)
        return try sync(file, path, fault(.sync, path))
    }

    package func sync(_ path: String) throws(StorageError) -> UInt64 {
        try check(.open, path)
        let failure = fault(.sync, path)
        let path = path == "/" ? "" : path
        guard path.isEmpty || folders.contains(path) else {
            guard let file = files[path] else { throw StorageError(.open, path, code: 2) }
            return try sync(file, path, failure)
        }
        if case .fail(let code) = failure { throw StorageError(.sync, path, code: code) }
        storedFolders = storedFolders.filter { SimulatedDisk.folder(of: $0) != path || folders.contains($0) }
        storedFolders.formUnion(folders.filter { SimulatedDisk.folder(of: $0) == path })
        for name in Set(files.keys).union(storedFiles.keys) where SimulatedDisk.folder(of: name) == path {
            storedFiles[name] = files[name]
        }
        renames.removeAll { SimulatedDisk.folder(of: $0.to) == path }
        syncedPaths.append(path)
        return 1_000_000
    }

    private func sync(_ file: File, _ path: String, _ failure: Fault?) throws(StorageError) -> UInt64 {
        if case .fail(let code) = failure {
            let same = zip(file.cached, file.stored).prefix { $0 == $1 }.count
            if same < file.cached.count { file.lost.append(same..<file.cached.count) }
            throw StorageError(.sync, path, code: code)
        }
        file.stored = file.cached
        for range in file.lost { for index in range { file.stored[index] = 0 } }
        syncedPaths.append(path)
        return 1_000_000
    }

    package func lock(_ path: String) throws(StorageError) {
        try check(.lock, path)
        if isLocked { throw StorageError(.lock, path, code: 11) }
        isLocked = true
        if files[path] == nil { files[path] = makeFile() }
    }

    package func unlock() {
        isLocked = false
    }

    package func bootIdentifier() -> String? { tellsBoot ? "boot-\(boots)" : nil }
}
