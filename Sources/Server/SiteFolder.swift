import Platform
import Sockets

/// A folder whose files are served. What is asked for can never lead out of it: each step of a path is opened relative to the
/// one before, names no parent, and is not a symbolic link.
package struct SiteFolder: Sendable {
    package let path: String

    /// A file larger than this is not served: it would be held in memory, once for each who is slow to take it.
    private static let largestFile = 16 << 20

    package init(path: String) { self.path = path }

    /// Whether there is such a folder.
    package var exists: Bool {
        let descriptor = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor >= 0 { _ = close(descriptor) }
        return descriptor >= 0
    }

    /// Reads a file.
    ///
    /// - Parameter segments: its path below the folder.
    /// - Returns: nil where there is no such regular file, or it may not be read.
    func read(_ segments: [String]) -> [UInt8]? {
        // Names that begin with a dot are the owner's: .git, .env.
        guard !segments.isEmpty, segments.allSatisfy({ !$0.isEmpty && !$0.hasPrefix(".") && !$0.utf8.contains(0x2F) })
        else { return nil }
        var folder = unsafe open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        for segment in segments.dropLast() where folder >= 0 {
            let next = unsafe openat(folder, segment, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            _ = close(folder)
            folder = next
        }
        guard folder >= 0 else { return nil }
        defer { _ = close(folder) }
        // O_NONBLOCK, so that a named pipe cannot hold the server up.
        let file = unsafe openat(folder, segments[segments.count - 1], O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { return nil }
        defer { _ = close(file) }
        return Self.contents(of: file)
    }

    private static func contents(of file: Int32) -> [UInt8]? {
        var status = stat()
        guard unsafe fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG, status.st_size <= largestFile
        else { return nil }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var count = 0
        while count < bytes.count {
            // Reads into the rest of the array.
            let got = unsafe bytes.withUnsafeMutableBytes { buffer in
                unsafe pread(file, buffer.baseAddress.map { unsafe $0 + count }, buffer.count - count, off_t(count))
            }
            guard got > 0 else { break }
            count += got
        }
        bytes.removeLast(bytes.count - count)
        return bytes
    }

    /// A number that changes when a file in the folder, or below it, does.
    func fingerprint() -> UInt64 {
        var hash: UInt64 = 14_695_981_039_346_656_037
        walk(path, depth: 0, into: &hash)
        return hash
    }

    private func walk(_ folder: String, depth: Int, into hash: inout UInt64) {
        guard depth < 8, let handle = unsafe opendir(folder) else { return }
        defer { unsafe closedir(handle) }
        var sum: UInt64 = 0  // the order of the entries is of no account
        while let entry = unsafe readdir(handle) {
            let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
                unsafe pointer.withMemoryRebound(to: CChar.self, capacity: Int(NAME_MAX) + 1) {
                    unsafe String(cString: $0)
                }
            }
            if name.hasPrefix(".") { continue }
            let path = "\(folder)/\(name)"
            var status = stat()
            guard unsafe lstat(path, &status) == 0 else { continue }
            var one = Self.mix(14_695_981_039_346_656_037, Array(name.utf8))
            let time = status.modified
            for number in [Int64(status.st_size), Int64(time.tv_sec), Int64(time.tv_nsec), Int64(status.st_ino)] {
                one = (one ^ UInt64(bitPattern: number)) &* 1_099_511_628_211
            }
            if status.st_mode & S_IFMT == S_IFDIR { walk(path, depth: depth + 1, into: &one) }
            sum &+= one
        }
        hash = (hash ^ sum) &* 1_099_511_628_211
    }

    /// The FNV-1a hash, continued.
    private static func mix(_ hash: UInt64, _ bytes: [UInt8]) -> UInt64 {
        bytes.reduce(hash) { ($0 ^ UInt64($1)) &* 1_099_511_628_211 }
    }
}

/// Looks now and then whether the files of the page have changed.
struct FileWatcher {
    let folder: SiteFolder
    private var fingerprint: UInt64
    /// When to look next (ms).
    private(set) var next: Int64

    /// Four times a second: saving a file reloads the pages within a second.
    private static let interval: Int64 = 250

    init(folder: SiteFolder, now: Int64) {
        self.folder = folder
        fingerprint = folder.fingerprint()
        next = now + Self.interval
    }

    /// - Returns: whether something has changed since the last look.
    mutating func look(now: Int64) -> Bool {
        guard now >= next else { return false }
        next = now + Self.interval
        let present = folder.fingerprint()
        defer { fingerprint = present }
        return present != fingerprint
    }
}
