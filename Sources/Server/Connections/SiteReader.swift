import Chat
import HTTP
import Platform
import Sockets
import Synchronization

/// Reads the files of a public folder, on a thread of its own: a slow disk delays requests for files, and nothing
/// else.
///
/// Small files are kept in memory, with their digest, for as long as the file system says that they have not changed. Large ones
/// are sent in pieces, each read when the one before it has been sent, and their tag is made of what the file system says: so
/// neither a HEAD nor an answer that nothing has changed reads anything.
final class SiteReader: Sendable {
    enum Request: Sendable {
        /// Somebody asks for a file.
        case find(SiteRequest, of: ConnectionID)
        /// A large file's answer goes on.
        case read(LargeFile, at: Int, count: Int, of: ConnectionID)
        /// Whether something in the folder has changed.
        case fingerprint
    }

    enum Answer: Sendable {
        case found(Response, of: ConnectionID)
        /// The bytes; fewer than were asked for where the file has become another.
        case piece([UInt8], of: ConnectionID)
        case fingerprint(UInt64)
    }

    /// A file larger than this is sent in pieces (bytes).
    static let largestKept = 1 << 20
    /// A piece, in bytes: what a connection that takes a large file slowly holds in memory.
    static let pieceSize = 256 << 10
    /// What may be kept in memory of all files together, in bytes.
    private static let mostKept = 64 << 20
    /// A file that has changed a moment ago may change again without getting another time: it is read anew next time (s).
    private static let settled: Int64 = 2

    private let folder: SiteFolder
    private let kept = Mutex(Kept())

    /// What is remembered of the files.
    private struct Kept: Sendable {
        var assets: [String: (stamp: FileStamp, asset: Asset)] = [:]
        var bytes = 0
    }

    init(folder: SiteFolder) { self.folder = folder }

    /// Does a request; waits for the disk.
    func perform(_ request: Request) -> Answer {
        switch request {
        case .find(let request, let id): .found(find(request), of: id)
        case .read(let file, let offset, let count, let id): .piece(read(file, at: offset, count: count), of: id)
        case .fingerprint: .fingerprint(folder.fingerprint())
        }
    }

    private func find(_ request: SiteRequest) -> Response {
        let (descriptor, stamp): (Int32, FileStamp)
        switch folder.open(request.path) {
        case .file(let found, let itsStamp): (descriptor, stamp) = (found, itsStamp)
        case .missing: return Site.notFound
        case .exhausted: return .plain(.serviceUnavailable, "The server has too many files open. Try again.")
        }
        defer { _ = close(descriptor) }
        let name = request.path.joined(separator: "/")
        guard stamp.size > Self.largestKept else {
            return asset(request.isOneDeeper ? "r/" + name : name, descriptor, stamp, request).response(to: request)
        }
        let fields = [("ETag", stamp.etag), ("Cache-Control", "no-cache")]
        if request.isKnown(etag: stamp.etag) { return Response(status: .notModified, fields: fields) }
        let file = LargeFile(path: request.path, stamp: stamp)
        return Response(
            status: .ok, type: ContentType.of(fileName: name), fields: fields, content: .file(file))
    }

    /// A piece of a large file; fewer bytes where it has become another meanwhile.
    private func read(_ file: LargeFile, at offset: Int, count: Int) -> [UInt8] {
        // Opened for each piece: descriptors are few, and slow readers may be many.
        guard case .file(let descriptor, let stamp) = folder.open(file.path) else { return [] }
        defer { _ = close(descriptor) }
        return stamp == file.stamp ? Self.read(descriptor, at: offset, count: count) : []
    }

    /// A small file, read anew if it has changed.
    private func asset(_ key: String, _ descriptor: Int32, _ stamp: FileStamp, _ request: SiteRequest) -> Asset {
        if let (known, asset) = kept.withLock({ $0.assets[key] }), known == stamp { return asset }
        let content = Self.read(descriptor, at: 0, count: stamp.size)
        let asset = Asset(
            name: request.path.last ?? "", content: request.isOneDeeper ? Asset.oneDeeper(content) : content)
        if content.count == stamp.size, Clock.wall / 1000 - stamp.changed >= Self.settled {
            kept.withLock { kept in
                // Seldom enough for something cleverer to be worth it.
                if kept.bytes > Self.mostKept { (kept.assets, kept.bytes) = ([:], 0) }
                kept.assets[key] = (stamp, asset)
                kept.bytes += content.count + (asset.compressed?.count ?? 0)
            }
        }
        return asset
    }

    private static func read(_ descriptor: Int32, at offset: Int, count: Int) -> [UInt8] {
        // The kernel writes no more than there is room for, and says how much.
        unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, done in
            while done < count {
                let got = unsafe pread(
                    descriptor, buffer.baseAddress.map { unsafe $0 + done }, count - done, off_t(offset + done))
                if got < 0, errno == EINTR { continue }
                guard got > 0 else { break }
                done += got
            }
        }
    }
}

/// A large file while it is being sent: if it becomes another one meanwhile, the rest is not sent.
struct LargeFile: Sendable {
    let path: [String]
    let stamp: FileStamp
    var size: Int { stamp.size }
}
