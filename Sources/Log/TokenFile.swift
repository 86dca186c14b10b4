import Bytes
import Chat
import Platform

/// The tokens of programs, as a file in the data folder: a JSON object a line, with a digest in place of each token.
///
///     {"name":"builds","digest":"0f3a…","made":1790000000000}
package struct TokenFile: Sendable {
    package struct Token: Sendable {
        package let username: Username
        package let digest: UInt128
        /// When it was made (ms since the Unix epoch).
        package let made: Int64

        package init(username: Username, digest: UInt128, made: Int64) {
            (self.username, self.digest, self.made) = (username, digest, made)
        }
    }

    package var tokens: [Token] = []

    package init() {}

    package static func path(in folder: String) -> String { FolderPath.trimmed(folder) + "/tokens.jsonl" }

    /// A token has 128 random bits, so that its digest gives nothing away, and is compared as it is.
    package static func digest(of token: UInt128) -> UInt128 {
        var text: [UInt8] = []
        text.append(hexadecimal: token)
        return UInt128(leading: SHA1.digest(of: text.span))
    }

    // MARK: The text

    /// Lines that make no sense are left out.
    init(_ bytes: [UInt8]) {
        EventLine.forEachLine(in: bytes.span) { range in
            if let token = Token(bytes.span.extracting(range)) { tokens.append(token) }
        }
    }

    var bytes: [UInt8] {
        var text: [UInt8] = []
        for token in tokens {
            text.append(token)
            text.append("\n")
        }
        return text
    }

    // MARK: The file

    /// Nothing where there is no file.
    package static func read(_ path: String, _ disk: FileStorage) throws(StorageError) -> TokenFile {
        guard let file = try disk.openExisting(path, .read) else { return TokenFile() }
        defer { disk.close(file) }
        var bytes = [UInt8](repeating: 0, count: Int(clamping: try disk.size(of: file)))
        let count = try disk.readAll(file, at: 0, into: &bytes, range: 0..<bytes.count)
        return TokenFile(Array(bytes[..<count]))
    }

    /// Changes the file of a data folder, one at a time; the folder is made where it is missing. Whoever reads meanwhile sees
    /// the old file or the new one, whole. It belongs to whom the folder belongs, so that a server of that user can read it.
    ///
    /// - Parameter change: false from it leaves all as it is.
    /// - Returns: what `change` has returned.
    package static func change(
        in folder: String, _ change: (inout TokenFile) -> Bool
    ) throws(StorageError) -> Bool {
        let disk = FileStorage()
        let folder = FolderPath.trimmed(folder)
        try disk.makeDirectories(folder) { (_: String) throws(StorageError) in }
        let lock = try FolderLock(folder)
        defer { lock.unlock() }
        var file = try read(path(in: folder), disk)
        guard change(&file) else { return false }
        try file.write(in: folder, disk)
        return true
    }

    private func write(in folder: String, _ disk: FileStorage) throws(StorageError) {
        let path = TokenFile.path(in: folder)
        let new = path + ".new"
        // Left behind by a command that was killed.
        if try disk.identity(at: new) != nil { try disk.remove(new) }
        let file = try disk.open(new, .create)
        defer { disk.close(file) }
        do throws(StorageError) {
            try FolderLock.giveToOwner(of: folder, file, path)
            try disk.appendAll(bytes.span, to: file, path: new)
            _ = try disk.sync(file)
            try disk.rename(new, to: path)
        } catch {
            try? disk.remove(new)
            throw error
        }
        _ = try disk.sync(folder)
    }
}

extension TokenFile.Token {
    /// Reads what `[UInt8].append` has written; nil where the line is something else.
    package init?(_ line: Span<UInt8>) {
        guard let fields = JSONFields(line), fields["name"].kind == .string,
            let digest = UInt128(hexadecimal: line.extracting(fields["digest"].range))
        else { return nil }
        self.init(
            username: Username(kept: String(unescaping: fields["name"], of: line)), digest: digest,
            made: Int64(clamping: JSONScanner.whole(line, fields["made"]) ?? 0))
    }
}

extension [UInt8] {
    /// Appends a token as a JSON object.
    package mutating func append(_ token: TokenFile.Token) {
        append("{\"name\":")
        append(quoting: token.username.text)
        append(",\"digest\":\"")
        append(hexadecimal: token.digest)
        append("\",\"made\":")
        append(decimal: UInt64(clamping: token.made))
        append("}")
    }
}

/// Which file has a name, and in what state: it is another after each change by `TokenFile.change`.
package struct FileVersion: Equatable, Sendable {
    private let identity: FileIdentity
    private let size: Int64
    private let seconds: Int
    private let nanoseconds: Int

    /// Nil where there is no such file.
    package init?(at path: String) throws(StorageError) {
        var status = stat()
        guard unsafe lstat(path, &status) == 0 else {
            if errno == ENOENT || errno == ENOTDIR { return nil }
            throw StorageError(.size, path, code: errno)
        }
        identity = FileIdentity(
            device: UInt64(truncatingIfNeeded: status.st_dev), inode: UInt64(truncatingIfNeeded: status.st_ino))
        size = Int64(status.st_size)
        seconds = Int(status.modified.tv_sec)
        nanoseconds = Int(status.modified.tv_nsec)
    }
}

/// A folder that commands change one at a time. (A server that uses it has a lock of its own.)
private struct FolderLock {
    private let descriptor: Int32

    /// Waits for the other one, if there is one.
    init(_ folder: String) throws(StorageError) {
        descriptor = try FileStorage.open(folder, O_RDONLY | O_DIRECTORY)
        while flock(descriptor, LOCK_EX) != 0 {
            let code = errno
            if code == EINTR { continue }
            _ = FileStorage.close(descriptor)
            throw StorageError(.lock, folder, code: code)
        }
    }

    func unlock() { _ = FileStorage.close(descriptor) }

    /// Makes a new file belong to whom its folder belongs.
    static func giveToOwner(of folder: String, _ file: OpenFile, _ path: String) throws(StorageError) {
        var (status, own) = (stat(), stat())
        guard unsafe stat(folder, &status) == 0, unsafe fstat(file.number, &own) == 0 else {
            throw StorageError(.open, folder, code: errno)
        }
        guard status.st_uid != own.st_uid || status.st_gid != own.st_gid else { return }
        if fchown(file.number, status.st_uid, status.st_gid) != 0, status.st_uid != own.st_uid {
            throw StorageError(.append, path, code: errno)
        }
    }
}
