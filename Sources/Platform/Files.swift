// Where systems differ in files.

/// Has everything that was written to a file or folder reach the medium itself.
///
/// fsync and not fdatasync: folders need it, and for a file that grew both cost the same. Not called again after EINTR.
///
/// - Returns: 0, or -1 with the reason in `errno`.
package func syncToMedium(_ descriptor: Int32) -> Int32 {
    #if canImport(Darwin)
        // Darwin's fsync stops at the drive's own cache. Some file systems know no F_FULLFSYNC; fsync must do there. Any
        // other failure stands: a sync that comes after it may succeed without the bytes.
        if fcntl(descriptor, F_FULLFSYNC) == 0 { return 0 }
        guard errno == ENOTSUP || errno == ENOTTY || errno == EINVAL else { return -1 }
    #endif
    return fsync(descriptor)
}

extension stat {
    /// When the file was last changed.
    package var modified: timespec {
        #if canImport(Darwin)
            st_mtimespec
        #else
            st_mtim
        #endif
    }
}

/// What is another after each start of the machine; nil where the system does not tell.
package func readBootIdentifier() -> String? {
    var text = [UInt8](repeating: 0, count: 64)
    var count = text.count
    #if canImport(Darwin)
        // The system writes at most `count` bytes into the array, and says how many.
        guard unsafe sysctlbyname("kern.bootsessionuuid", &text, &count, nil, 0) == 0 else { return nil }
    #else
        count = readFile("/proc/sys/kernel/random/boot_id", into: &text)
    #endif
    let identifier = text.prefix(count).prefix { $0 > 0x20 }
    return identifier.isEmpty ? nil : String(decoding: identifier, as: UTF8.self)
}

/// A path from the root on; it need not exist.
package func absolutePath(_ path: String) -> String {
    if path.hasPrefix("/") { return path }
    // The C library allocates as much as it needs, and it is ours to free.
    guard let folder = unsafe getcwd(nil, 0) else { return path }
    defer { unsafe free(folder) }
    return unsafe "\(String(cString: folder))/\(path)"
}

/// Bytes that may still be written to a folder's file system by programs without privileges; nil where it cannot be told.
package func freeSpace(_ folder: String) -> Int? {
    var status = statvfs()
    // The pointer is to a local variable.
    guard unsafe statvfs(folder, &status) == 0 else { return nil }
    return Int(clamping: UInt64(status.f_bavail) &* UInt64(status.f_frsize))
}

/// Reads the beginning of a small file of the system's.
///
/// - Returns: how many bytes; 0 where it cannot be read.
func readFile(_ path: String, into buffer: inout [UInt8]) -> Int {
    let file = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard file >= 0 else { return 0 }
    defer { _ = close(file) }
    // The kernel writes at most `count` bytes into the array.
    return max(0, unsafe buffer.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) })
}
