import Platform

/// The disk of the machine.
///
/// All calls to the kernel of this module are here and in `SyncThread`. A `String` given to one of them becomes a C string
/// that lives as long as the call; buffers are lent for the call alone. That is the reason of every `unsafe` below that
/// has none of its own.
package final class FileStorage: Storage {
    /// What stands behind each open descriptor, for the errors.
    private var paths: [Int32: String] = [:]
    private var lockFile: Int32?
    private var thread: SyncThread?

    package init() {}

    deinit {
        _ = waitForSync()
        for descriptor in paths.keys { _ = FileStorage.close(descriptor) }
        unlock()
    }

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
            case .create: O_RDWR | O_APPEND | O_CREAT | O_EXCL
            case .replace: O_RDWR | O_APPEND | O_CREAT | O_TRUNC
            }
        let descriptor = try FileStorage.open(path, flags | O_NOFOLLOW)
        paths[descriptor] = path
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
        guard paths.removeValue(forKey: file.number) != nil else { return }
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

    package func append(_ bytes: Span<UInt8>, to file: OpenFile) throws(StorageError) -> Int {
        try call(.append, file) {
            unsafe bytes.withUnsafeBytes { bytes in unsafe write(file.number, bytes.baseAddress, bytes.count) }
        }
    }

    package func read(
        _ file: OpenFile, at offset: Int64, into buffer: inout [UInt8], range: Range<Int>
    ) throws(StorageError) -> Int {
        guard range.lowerBound >= 0, range.upperBound <= buffer.count else {
            throw StorageError(.read, paths[file.number] ?? "", .misuse)
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
            if errno != EINTR { throw StorageError(operation, paths[file.number] ?? "", code: errno) }
        }
    }
}

// MARK: - Sync

extension FileStorage {
    package func sync(_ path: String) throws(StorageError) -> UInt64 {
        let result = SyncThread.sync(path)
        if let error = result.error { throw error }
        return result.nanoseconds
    }

    package func beginSync(_ paths: [String]) {
        thread = SyncThread(paths)
    }

    package func finishedSync() -> [SyncResult]? {
        guard let results = thread?.results() else { return nil }
        thread = nil
        return results
    }

    package func waitForSync() -> [SyncResult] {
        defer { thread = nil }
        return thread?.wait() ?? []
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
        lockFile = descriptor
    }

    package func unlock() {
        guard let descriptor = lockFile else { return }
        lockFile = nil
        _ = FileStorage.close(descriptor)
    }

    package func bootIdentifier() -> String? {
        readBootIdentifier()
    }
}

// The C functions whose names the storage's own methods hide.

@safe private func openFile(_ path: String, _ flags: Int32, _ mode: mode_t) -> Int32 { unsafe open(path, flags, mode) }
private func closeFile(_ descriptor: Int32) -> Int32 { close(descriptor) }
@safe private func renameFile(_ path: String, _ target: String) -> Int32 { unsafe rename(path, target) }
