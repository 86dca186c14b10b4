import Foundation
import Platform
import Support

/// A listening socket on a free port of this machine.
func listenAnywhere() throws -> (descriptor: Int32, port: UInt16) {
    let descriptor = descriptorLock.withLock {
        let descriptor = socket(AF_INET, streamSocket, 0)
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        return descriptor
    }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var length = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            bind(descriptor, $0, length) == 0 && listen(descriptor, 16) == 0
                && getsockname(descriptor, $0, &length) == 0
        }
    }
    guard isListening else { throw Failure("cannot listen: \(errno)") }
    return (descriptor, UInt16(bigEndian: address.sin_port))
}

/// The next connection; -1 when the listener has been shut down.
private func acceptNext(_ listener: Int32) -> Int32 {
    guard Deadline(seconds: 120).wait(for: listener) else { return -1 }
    return descriptorLock.withLock {
        let descriptor = accept(listener, nil, nil)
        if descriptor >= 0 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        return descriptor
    }
}

/// Someone who answers what comes first on every connection, and ends it.
final class Impostor {
    let port: UInt16
    private let listener: Int32

    /// Always the same.
    convenience init(answer: String) throws { try self.init(answer: { _ in answer }) }

    convenience init(answer: @escaping @Sendable (_ request: String) -> String) throws {
        try self.init(bytes: { Array(answer($0).utf8) })
    }

    init(bytes answer: @escaping @Sendable (_ request: String) -> [UInt8]) throws {
        let (listener, port) = try listenAnywhere()
        (self.listener, self.port) = (listener, port)
        ignoreBrokenPipes()
        Thread.detachNewThread {
            while true {
                let connection = acceptNext(listener)
                guard connection >= 0 else { break }
                var buffer = [UInt8](repeating: 0, count: 4096)
                let count = Deadline().wait(for: connection) ? read(connection, &buffer, buffer.count) : 0
                let bytes = answer(String(decoding: buffer[..<max(0, count)], as: UTF8.self))
                _ = write(connection, bytes, bytes.count)
                shutdown(connection, Int32(SHUT_WR))
                while Deadline(seconds: 5).wait(for: connection), read(connection, &buffer, buffer.count) > 0 {}
                close(connection)
            }
            close(listener)
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }
}

/// Carries connections on to a server, with the beginning of each request exchanged for another; and cuts them on demand.
final class Proxy: @unchecked Sendable {
    let port: UInt16
    private let listener: Int32
    private let lock = NSLock()
    private var open: [Int32] = []

    init(to target: UInt16, replacing old: String = "", with new: String = "") throws {
        (listener, port) = try listenAnywhere()
        ignoreBrokenPipes()
        let listener = listener
        Thread.detachNewThread { [weak self] in
            while true {
                let client = acceptNext(listener)
                guard client >= 0, let server = try? TestSocket(port: target) else { break }
                self?.lock.withLock { self?.open.append(client) }
                Thread.detachNewThread { Self.carry(client, server, old, new) }
            }
            close(listener)
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    /// Breaks off all connections that there are.
    func cut() {
        lock.withLock {
            for descriptor in open { shutdown(descriptor, Int32(SHUT_RDWR)) }
            open = []
        }
    }

    private static func carry(_ client: Int32, _ server: TestSocket, _ old: String, _ new: String) {
        defer { close(client) }
        var buffer = [UInt8](repeating: 0, count: 65536)
        var isFirst = true
        while true {
            var entries = [
                pollfd(fd: client, events: Int16(POLLIN), revents: 0),
                pollfd(fd: server.descriptor, events: Int16(POLLIN), revents: 0),
            ]
            guard poll(&entries, 2, 120_000) > 0 else { return }
            if entries[0].revents != 0 {
                let count = read(client, &buffer, buffer.count)
                guard count > 0 else { return }
                var bytes = Array(buffer[..<count])
                if isFirst, bytes.starts(with: old.utf8) { bytes = Array(new.utf8) + bytes.dropFirst(old.utf8.count) }
                isFirst = false
                guard (try? server.send(bytes)) != nil else { return }
            }
            if entries[1].revents != 0 {
                guard let bytes = try? server.receive() else { return }
                var rest = bytes[...]
                while !rest.isEmpty {
                    let count = rest.withUnsafeBytes { write(client, $0.baseAddress, $0.count) }
                    guard count > 0 else { return }
                    rest = rest.dropFirst(count)
                }
            }
        }
    }
}
