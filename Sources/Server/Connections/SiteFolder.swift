import Platform
import Sockets

/// A folder whose files are served. What is asked for can never lead out of it: each step of a path is opened relative to the
/// one before, names no parent, and is not a symbolic link.
package struct SiteFolder: Sendable {
    package let path: String

    package init(path: String) { self.path = path }

    /// Whether there is such a folder.
    package var exists: Bool {
        let descriptor = unsafe Platform.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        if descriptor >= 0 { _ = close(descriptor) }
        return descriptor >= 0
    }

    /// Opens a file.
    ///
    /// - Parameter segments: its path below the folder; none is empty, and none holds a slash.
    func open(_ segments: [String]) -> Opening {
        var folder = unsafe Platform.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        for segment in segments.dropLast() where folder >= 0 {
            let next = unsafe openat(folder, segment, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)
            _ = close(folder)
            folder = next
        }
        guard folder >= 0, let name = segments.last else { return .failed }
        defer { _ = close(folder) }
        // O_NONBLOCK, so that a named pipe cannot hold the reader up.
        let file = unsafe openat(folder, name, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC)
        guard file >= 0 else { return .failed }
        var status = stat()
        // The structure is a local variable.
        guard unsafe fstat(file, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            _ = close(file)
            return .missing
        }
        return .file(file, FileStamp(status))
    }

    /// What has come of opening a file.
    enum Opening {
        /// The descriptor is the caller's to close.
        case file(Int32, FileStamp)
        /// There is no such regular file, or it may not be read.
        case missing
        /// No descriptor is free.
        case exhausted

        /// After a call that has just failed.
        fileprivate static var failed: Opening { errno == EMFILE || errno == ENFILE ? .exhausted : .missing }
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

/// What the file system says of a file: another file, or another content, has another stamp.
struct FileStamp: Sendable, Equatable {
    let size: Int
    /// Seconds since the Unix epoch.
    let changed: Int64
    private let nanoseconds: Int64
    private let inode: UInt64
    private let device: UInt64

    init(_ status: stat) {
        size = Int(status.st_size)
        changed = Int64(status.modified.tv_sec)
        nanoseconds = Int64(status.modified.tv_nsec)
        inode = UInt64(status.st_ino)
        device = UInt64(truncatingIfNeeded: status.st_dev)
    }

    /// An entity tag, with its quotation marks.
    var etag: String {
        let numbers = [
            UInt64(clamping: size), UInt64(bitPattern: changed), UInt64(bitPattern: nanoseconds), inode, device,
        ]
        return "\"\(numbers.map { String($0, radix: 36) }.joined(separator: "-"))\""
    }
}

/// Whether the files of the page have changed, asked now and then.
struct FileWatcher {
    /// Of the last look; nil before the first.
    private var fingerprint: UInt64?
    /// When to ask next (ms); nil while the answer is awaited.
    private(set) var next: Int64?

    /// Four times a second: saving a file reloads the pages within a second.
    private static let interval: Int64 = 250

    init(now: Int64) { next = now }

    /// Whether it is time to ask.
    mutating func isDue(now: Int64) -> Bool {
        guard let time = next, now >= time else { return false }
        next = nil
        return true
    }

    /// - Returns: whether something has changed since the last look.
    mutating func take(_ present: UInt64, now: Int64) -> Bool {
        defer { fingerprint = present }
        next = now + Self.interval
        return fingerprint.map { $0 != present } ?? false
    }
}
