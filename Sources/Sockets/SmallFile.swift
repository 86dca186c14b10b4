import Platform

/// Files of a few lines that are read and written as a whole.
package enum SmallFile {
    /// Nothing that is kept here is longer (bytes).
    private static let most = 1 << 20

    /// The file's bytes; nil where there is no file.
    package static func read(_ path: String) throws(SystemError) -> [UInt8]? {
        let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw SystemError(code: errno, operation: "read \(path)")
        }
        defer { Stream.close(descriptor) }
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 64 * 1024)
        while true {
            switch SharedStream.read(descriptor, into: &buffer) {
            case .received(let count): bytes += buffer[..<count]
            case .end: return bytes
            case .wouldBlock: throw SystemError(code: EAGAIN, operation: "read \(path)")
            case .failed(let code): throw SystemError(code: code, operation: "read \(path)")
            }
            guard bytes.count <= most else { throw SystemError(code: EFBIG, operation: "read \(path)") }
        }
    }

    /// Puts a file in the place of one that may be there: at any moment there is the old one or the new one, whole. Only its
    /// owner can read it.
    package static func replace(_ path: String, _ bytes: [UInt8]) throws(SystemError) {
        let next = path + ".new"
        // Left behind by a run that was killed, and perhaps readable for others.
        _ = unsafe unlink(next)
        let descriptor = unsafe open(next, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw SystemError(code: errno, operation: "write \(path)") }
        var failure: Int32?
        var rest = bytes[...]
        while !rest.isEmpty, failure == nil {
            switch SharedStream.writeSome(descriptor, rest) {
            case .sent(let count): rest = rest.dropFirst(count)
            case .wouldBlock, .exhausted: break
            case .failed(let code): failure = code
            }
        }
        // The new name must not reach the disk before the bytes do.
        if failure == nil, syncToMedium(descriptor) != 0 { failure = errno }
        Stream.close(descriptor)
        if failure == nil, unsafe rename(next, path) != 0 { failure = errno }
        guard let failure else { return }
        _ = unsafe unlink(next)
        throw SystemError(code: failure, operation: "write \(path)")
    }
}
