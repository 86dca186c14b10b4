import Platform
import Synchronization

/// The disk of the machine.
///
/// All calls to the kernel of this module are here and in `DiskThreads`. A `String` given to one of them becomes a C string
/// that lives as long as the call; buffers are lent for the call alone. That is the reason of every `unsafe` below that
/// has none of its own.
package final class FileStorage: Storage {
    /// What stands behind each open descriptor, for the errors.
    private let paths = Mutex<[Int32: String]>([:])
    private let lockFile = Mutex<Int32?>(nil)

    package init() {}

    deinit {
        for descriptor in paths.withLock({ Array($0.keys) }) { _ = FileStorage.close(descriptor) }
        unlock()
    }

    private func path(of file: OpenFile) -> String { paths.withLock { $0[file.number] ?? "" } }

    package func makeDirectory(_ path: String) throws(StorageError) -> Bool {
        if unsafe mkdir(path, 0o700) == 0 { return true }
        let code = errno
        var status = stat()
        if code == EEXIST, unsafe stat(path, &status) == 0, status.st_mode & S_IFMT == S_IFDIR { return false }
        throw StorageError(.makeDirectory, path, code: code == EEXIST ? ENOTDIR : code)
    }

    package func list(_ directory: String) throws(StorageError) -> [StorageEntry]? {
        guard let stream = unsafe opendir(directory) else {
            if errno == ENOENT { return nil }
            throw StorageError(.list, directory, code: errno)
        }
        defer { unsafe closedir(stream) }
        var entries: [StorageEntry] = []
        while true {
            errno = 0
            guard let entry = unsafe readdir(stream) else {
                if errno == 0 { return entries }
                throw StorageError(.list, directory, code: errno)
            }
            // d_name is a C array with an end mark, imported as a tuple; it lives until the next readdir.
            let name = unsafe withUnsafeBytes(of: &entry.pointee.d_name) { bytes in
                unsafe String(decoding: bytes.prefix { $0 != 0 }, as: UTF8.self)
            }
            var status = stat()
            // One that has vanished since, and one that is neither file nor folder, is as good as not there.
            guard unsafe fstatat(dirfd(stream), name, &status, AT_SYMLINK_NOFOLLOW) == 0 else { continue }
            let isFile = status.st_mode & S_IFMT == S_IFREG
            guard isFile || status.st_mode & S_IFMT == S_IFDIR, name != ".", name != ".." else { continue }
            entries.append(StorageEntry(name: name, size: Int64(status.st_size), isFile: isFile))
        }
    }

    package func open(_ path: String, _ mode: OpenMode) throws(StorageError) -> OpenFile {
        let flags =
            switch mode {
            case .read: O_RDONLY
            case .append: O_RDWR | O_APPEND
            case .appendOrCreate: O_RDWR | O_APPEND | O_CREAT
            case .create: O_RDWR | O_APPEND | O_CREAT | O_EXCL
            case .replace: O_RDWR | O_APPEND | O_CREAT | O_TRUNC
            }
        let descriptor = try FileStorage.open(path, flags | O_NOFOLLOW)
        paths.withLock { $0[descriptor] = path }
        return OpenFile(number: descriptor)
    }

    static func open(_ path: String, _ flags: Int32) throws(StorageError) -> Int32 {
        while true {
            // O_NONBLOCK means nothing to a file, and keeps a pipe that lies in its place from stopping the server.
            let descriptor = openFile(path, flags | O_CLOEXEC | O_NONBLOCK, 0o600)
            if descriptor >= 0 { return descriptor }
            if errno != EINTR { throw StorageError(.open, path, code: errno) }
        }
    }

    package func close(_ file: OpenFile) {
        guard paths.withLock({ $0.removeValue(forKey: file.number) }) != nil else { return }
        _ = FileStorage.close(file.number)
    }

    /// Not tried again after EINTR: the descriptor is gone by then, and its number may be another's.
    static func close(_ descriptor: Int32) -> Int32 {
        closeFile(descriptor)
    }

    package func size(of file: OpenFile) throws(StorageError) -> Int64 {
        var status = stat()
        _ = try call(.size, file) { Int(unsafe fstat(file.number, &status)) }
        return Int64(status.st_size)
    }

    package func identity(of file: OpenFile) throws(StorageError) -> FileIdentity {
        var status = stat()
        _ = try call(.size, file) { Int(unsafe fstat(file.number, &status)) }
        return FileStorage.identity(status)
    }

    package func identity(at path: String) throws(StorageError) -> FileIdentity? {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw StorageError(.size, path, code: errno)
        }
        return FileStorage.identity(status)
    }

    private static func identity(_ status: stat) -> FileIdentity {
        FileIdentity(
            device: UInt64(truncatingIfNeeded: status.st_dev), inode: UInt64(truncatingIfNeeded: status.st_ino))
    }

    package func freeBytes(at path: String) -> Int64? {
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0 else { return nil }
        return Int64(clamping: UInt64(status.f_bavail) * UInt64(status.f_frsize))
    }

    package func reservedBytes(at path: String) -> Int64 {
        var status = statvfs()
        guard unsafe statvfs(path, &status) == 0 else { return 0 }
        // As much as some thousand messages, and no more than a part of a small disk.
        let all = Int64(clamping: UInt64(status.f_blocks) * UInt64(status.f_frsize))
        return min(16 << 20, all / 16)
    }

    package func giveToOwner(of folder: String, _ path: String) throws(StorageError) {
        var status = stat()
        guard unsafe stat(folder, &status) == 0 else { throw StorageError(.size, folder, code: errno) }
        // Only root may, and only root needs to: what anyone else writes is its own.
        guard geteuid() == 0 else { return }
        guard unsafe lchown(path, status.st_uid, status.st_gid) == 0 else {
            throw StorageError(.changeOwner, path, code: errno)
        }
    }

    package func append(_ bytes: Span<UInt8>, to file: OpenFile) throws(StorageError) -> Int {
        try call(.append, file) {
            unsafe bytes.withUnsafeBytes { bytes in unsafe write(file.number, bytes.baseAddress, bytes.count) }
        }
    }

    package func read(
        _ file: OpenFile, at offset: Int64, into buffer: inout [UInt8], range: Range<Int>
    ) throws(StorageError) -> Int {
        guard range.lowerBound >= 0, range.upperBound <= buffer.count else {
            throw StorageError(.read, path(of: file), .misuse)
        }
        return try call(.read, file) {
            unsafe buffer.withUnsafeMutableBytes { bytes in
                // Within the buffer, as checked above.
                let part = unsafe UnsafeMutableRawBufferPointer(rebasing: bytes[range])
                return unsafe pread(file.number, part.baseAddress, part.count, off_t(offset))
            }
        }
    }

    package func truncate(_ file: OpenFile, to length: Int64) throws(StorageError) {
        _ = try call(.truncate, file) { Int(ftruncate(file.number, off_t(length))) }
    }

    package func rename(_ path: String, to target: String) throws(StorageError) {
        if renameFile(path, target) != 0 { throw StorageError(.rename, path, code: errno) }
    }

    package func remove(_ path: String) throws(StorageError) {
        if unsafe unlink(path) != 0 { throw StorageError(.remove, path, code: errno) }
    }

    /// Calls the kernel again as long as signals interrupt it, and makes its -1 an error.
    private func call(
        _ operation: StorageError.Operation, _ file: OpenFile, _ body: () -> Int
    ) throws(StorageError) -> Int {
        while true {
            let result = body()
            if result >= 0 { return result }
            if errno != EINTR { throw StorageError(operation, path(of: file), code: errno) }
        }
    }
}

// MARK: - Sync

extension FileStorage {
    package func sync(_ file: OpenFile) throws(StorageError) -> UInt64 {
        try sync(descriptor: file.number, path(of: file))
    }

    package func sync(_ path: String) throws(StorageError) -> UInt64 {
        let descriptor = try openToSync(path)
        defer { _ = FileStorage.close(descriptor) }
        return try sync(descriptor: descriptor, path)
    }

    private func sync(descriptor: Int32, _ path: String) throws(StorageError) -> UInt64 {
        let start = ContinuousClock.now
        if let code = FileStorage.flush(descriptor) {
            let error = StorageError(.sync, path, code: code)
            // Some file systems know no syncs of folders; names are theirs to keep.
            if !(error.isUnsupported && FileStorage.isFolder(descriptor)) { throw error }
        }
        let time = (ContinuousClock.now - start).components
        return UInt64(max(0, time.seconds * 1_000_000_000 + time.attoseconds / 1_000_000_000))
    }

    /// Follows links to folders alone: a data folder may well be one.
    private func openToSync(_ path: String) throws(StorageError) -> Int32 {
        do throws(StorageError) {
            return try FileStorage.open(path, O_RDONLY | O_NOFOLLOW)
        } catch {
            guard error.code == ELOOP, let folder = try? FileStorage.open(path, O_RDONLY | O_DIRECTORY) else {
                throw error
            }
            return folder
        }
    }

    private static func isFolder(_ descriptor: Int32) -> Bool {
        var status = stat()
        // The structure is a local variable.
        return unsafe fstat(descriptor, &status) == 0 && status.st_mode & S_IFMT == S_IFDIR
    }

    private static func flush(_ descriptor: Int32) -> Int32? {
        while syncToMedium(descriptor) != 0 {
            if errno != EINTR { return errno }
        }
        return nil
    }
}

// MARK: - Lock and boot

extension FileStorage {
    package func lock(_ path: String) throws(StorageError) {
        let descriptor = try FileStorage.open(path, O_RDWR | O_CREAT | O_NOFOLLOW)
        while flock(descriptor, LOCK_EX | LOCK_NB) != 0 {
            let code = errno
            if code == EINTR { continue }
            _ = FileStorage.close(descriptor)
            throw StorageError(.lock, path, code: code)
        }
        unlock()
        lockFile.withLock { $0 = descriptor }
    }

    package func unlock() {
        let descriptor = lockFile.withLock { file in
            defer { file = nil }
            return file
        }
        if let descriptor { _ = FileStorage.close(descriptor) }
    }

    package func bootIdentifier() -> String? {
        readBootIdentifier()
    }
}

// The C functions whose names the storage's own methods hide.

@safe private func openFile(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 { unsafe open(path, flags, mode) }
private func closeFile(_ descriptor: Int32) -> Int32 { close(descriptor) }
@safe private func renameFile(_ path: String, _ target: String) -> Int32 { unsafe rename(path, target) }
