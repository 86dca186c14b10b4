import Chat
import HTTP
import Platform
import Sockets
import Synchronization

/// Reads the files of a public folder, on a thread of its own: a slow disk is the wait of those who ask for files, and of nobody
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
        /// The bytes; fewer than were asked for where the file has become shorter.
        case piece([UInt8], of: ConnectionID)
        case fingerprint(UInt64)
    }

    /// A file larger than this is sent in pieces (bytes).
    static let largestKept = 1 << 20
    /// A piece, in bytes: what a connection that takes a large file slowly holds in memory.
    static let pieceSize = 256 << 10
    /// What may be kept in memory of all files together, in bytes.
    private static let mostKept = 64 << 20
    /// Large files that may be open at once: the descriptors that are not for connections are few.
    private static let mostOpen = 48
    /// A file that has changed a moment ago may change again without getting another time: it is read anew next time (s).
    private static let settled: Int64 = 2

    private let folder: SiteFolder
    private let kept = Mutex(Kept())
    private let openFiles = LargeFile.Count()

    /// What is remembered of the files.
    private struct Kept: Sendable {
        var assets: [String: (stamp: FileStamp, asset: Asset)] = [:]
        var bytes = 0
        /// The large files that are being sent: those who take the same one share it.
        var large: [String: Weak] = [:]

        struct Weak: Sendable {
            var stamp: FileStamp
            weak var file: LargeFile?
        }
    }

    init(folder: SiteFolder) { self.folder = folder }

    /// Does a request; waits for the disk.
    func perform(_ request: Request) -> Answer {
        switch request {
        case .find(let request, let id): .found(find(request), of: id)
        case .read(let file, let offset, let count, let id): .piece(file.read(at: offset, count: count), of: id)
        case .fingerprint: .fingerprint(folder.fingerprint())
        }
    }

    private func find(_ request: SiteRequest) -> Response {
        guard let (descriptor, stamp) = folder.open(request.path) else { return Site.notFound }
        let name = request.path.joined(separator: "/")
        guard stamp.size > Self.largestKept else {
            defer { _ = close(descriptor) }
            return asset(request.isOneDeeper ? "r/" + name : name, descriptor, stamp, request).response(to: request)
        }
        return large(name, descriptor, stamp, request)
    }

    /// A small file, read anew if it has changed.
    private func asset(_ key: String, _ descriptor: Int32, _ stamp: FileStamp, _ request: SiteRequest) -> Asset {
        if let (known, asset) = kept.withLock({ $0.assets[key] }), known == stamp { return asset }
        let content = LargeFile.read(descriptor, at: 0, count: stamp.size)
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

    private func large(
        _ name: String, _ descriptor: Int32, _ stamp: FileStamp, _ request: SiteRequest
    ) -> Response {
        let fields = [("ETag", stamp.etag), ("Cache-Control", "no-cache")]
        if request.isKnown(etag: stamp.etag) {
            _ = close(descriptor)
            return Response(status: .notModified, fields: fields)
        }
        let type = ContentType.of(fileName: name)
        let file = kept.withLock { kept -> LargeFile? in
            if let open = kept.large[name], open.stamp == stamp, let file = open.file {
                _ = close(descriptor)
                return file
            }
            kept.large = kept.large.filter { $0.value.file != nil }
            guard openFiles.value < Self.mostOpen else {
                _ = close(descriptor)
                return nil
            }
            let file = LargeFile(descriptor, size: stamp.size, countedBy: openFiles)
            kept.large[name] = Kept.Weak(stamp: stamp, file: file)
            return file
        }
        guard let file else { return .plain(.serviceUnavailable, "There are too many large files on their way.") }
        return Response(status: .ok, type: type, fields: fields, content: .file(file))
    }
}

/// A large file while it is being sent.
final class LargeFile: Sendable {
    let size: Int
    private let descriptor: Int32
    private let count: Count

    /// How many there are.
    final class Count: Sendable {
        private let number = Atomic(0)
        var value: Int { number.load(ordering: .relaxed) }
        fileprivate func change(by difference: Int) { number.add(difference, ordering: .relaxed) }
    }

    /// Takes the descriptor over.
    fileprivate init(_ descriptor: Int32, size: Int, countedBy count: Count) {
        (self.descriptor, self.size, self.count) = (descriptor, size, count)
        count.change(by: 1)
    }

    deinit {
        _ = close(descriptor)
        count.change(by: -1)
    }

    /// Reads a piece; fewer bytes than that where the file ends, or cannot be read.
    fileprivate func read(at offset: Int, count: Int) -> [UInt8] { Self.read(descriptor, at: offset, count: count) }

    fileprivate static func read(_ descriptor: Int32, at offset: Int, count: Int) -> [UInt8] {
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
