import Foundation
import Platform
import TLS

/// A TCP connection to this machine that waits for what it wants, up to a deadline. For one thread at a time.
package final class TestSocket: @unchecked Sendable {
    package private(set) var descriptor: Int32
    private var received: [UInt8] = []
    private var hasEnded = false
    /// Our end of TLS, where it is spoken.
    private var secure: TLSConnection?

    /// - Parameter receiveBuffer: the size of the kernel's buffer, for a reader that is slow; nil leaves it alone.
    package init(port: UInt16, receiveBuffer: Int32? = nil) throws {
        descriptor = descriptorLock.withLock {
            let descriptor = socket(AF_INET, streamSocket, 0)
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            return descriptor
        }
        if var receiveBuffer {
            setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &receiveBuffer, socklen_t(MemoryLayout<Int32>.size))
        }
        var one: Int32 = 1
        setsockopt(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, &one, socklen_t(MemoryLayout<Int32>.size))
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_port = port.bigEndian
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        let result = withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
            }
        }
        guard result == 0 else {
            let error = errno
            close(descriptor)
            descriptor = -1
            throw Failure("cannot connect: \(String(cString: strerror(error)))")
        }
        ignoreBrokenPipes()
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
    }

    deinit { if descriptor >= 0 { close(descriptor) } }

    /// Does the handshake; all that is sent and received then is encrypted.
    ///
    /// - Parameter hello: whether it is still to be begun.
    package func open(_ connection: TLSConnection, hello: Bool = true) throws {
        var bytes: [UInt8] = []
        if hello { try connection.start(sending: &bytes) }
        try send(bytes)
        secure = connection
        let deadline = Deadline()
        while connection.state == .handshaking {
            guard let plain = try receive(deadline, what: "the handshake") else { throw Failure("no handshake") }
            received += plain
        }
    }

    /// What TLS makes of received bytes.
    private func decrypt(_ bytes: ArraySlice<UInt8>, _ secure: TLSConnection) throws -> [UInt8] {
        var plain = [UInt8](repeating: 0, count: TLSConnection.room(for: bytes.count))
        var reply: [UInt8] = []
        var span = plain.mutableSpan
        defer { if !reply.isEmpty { try? sendRaw(reply) } }
        let count = try secure.receive(bytes.span, into: &span, sending: &reply)
        if secure.state == .ended { hasEnded = true }
        return Array(plain.prefix(count))
    }

    // MARK: Sending

    package func send(_ text: String) throws { try send(Array(text.utf8)) }

    package func send(_ bytes: [UInt8]) throws {
        guard let secure else { return try sendRaw(bytes) }
        var ciphertext: [UInt8] = []
        try secure.send(bytes.span, into: &ciphertext)
        try sendRaw(ciphertext)
    }

    private func sendRaw(_ bytes: [UInt8]) throws {
        let deadline = Deadline()
        var rest = bytes[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
            if count > 0 {
                rest = rest.dropFirst(count)
            } else if errno == EAGAIN {
                guard deadline.wait(for: descriptor, POLLOUT) else { throw Failure("nobody takes what is sent") }
            } else if errno != EINTR {
                throw Failure("cannot send: \(String(cString: strerror(errno)))")
            }
        }
    }

    /// As much as the kernel takes at once.
    ///
    /// - Returns: how much that was.
    package func sendSome(_ bytes: ArraySlice<UInt8>) -> Int {
        max(0, bytes.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) })
    }

    // MARK: Ending

    /// FIN: nothing more will be sent.
    package func finish() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// RST: the connection is broken off.
    package func reset() {
        var linger = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &linger, socklen_t(MemoryLayout<linger>.size))
        close(descriptor)
        descriptor = -1
    }

    // MARK: Receiving

    /// The next bytes, whatever they are; nil at the end.
    package func receive(_ deadline: Deadline = Deadline(), what: String = "something") throws -> [UInt8]? {
        if !received.isEmpty {
            defer { received = [] }
            return received
        }
        var buffer = [UInt8](repeating: 0, count: 65536)
        while !hasEnded {
            let count = read(descriptor, &buffer, buffer.count)
            if count > 0 {
                guard let secure else { return Array(buffer[..<count]) }
                let wasOpen = secure.state == .open
                let plain = try decrypt(buffer[..<count], secure)
                // The end of the handshake is something, too.
                if !plain.isEmpty || (!wasOpen && secure.state == .open) { return plain }
                continue
            }
            if count == 0 || errno == ECONNRESET { hasEnded = true }
            if count < 0, errno == EAGAIN, !deadline.wait(for: descriptor) {
                throw Failure("waited in vain for \(what)")
            }
        }
        return nil
    }

    /// Puts bytes back that belong to what comes next.
    private func giveBack(_ bytes: some Sequence<UInt8>) { received = Array(bytes) + received }

    /// Everything up to the end of the connection.
    package func everything(_ deadline: Deadline = Deadline()) throws -> [UInt8] {
        var all: [UInt8] = []
        while let more = try receive(deadline, what: "the end") { all += more }
        return all
    }

    /// The next response.
    package func answer(to method: String = "GET", _ deadline: Deadline = Deadline()) throws -> HTTPAnswer {
        var bytes: [UInt8] = []
        func need(_ isEnough: () -> Bool) throws {
            while !isEnough() {
                guard let more = try receive(deadline, what: "a response") else {
                    throw Failure("the connection ended within a response: \(String(decoding: bytes, as: UTF8.self))")
                }
                bytes += more
            }
        }
        var headEnd = 0
        try need {
            guard let end = bytes.firstRange(of: Array("\r\n\r\n".utf8)) else { return false }
            headEnd = end.upperBound
            return true
        }
        let lines = String(decoding: bytes[..<headEnd], as: UTF8.self).components(separatedBy: "\r\n")
        let words = lines[0].split(separator: " ")
        guard words.count >= 2, words[0] == "HTTP/1.1", let status = Int(words[1]) else {
            throw Failure("odd: \(lines[0])")
        }
        var fields: [String: String] = [:]
        for line in lines.dropFirst() where !line.isEmpty {
            guard let colon = line.firstIndex(of: ":") else { throw Failure("odd: \(line)") }
            let value = line[colon...].dropFirst().trimmingCharacters(in: .whitespaces)
            fields[line[..<colon].lowercased()] = value
        }
        let hasBody = method != "HEAD" && status >= 200 && status != 204 && status != 304
        let length = hasBody ? Int(fields["content-length"] ?? "") ?? 0 : 0
        try need { bytes.count >= headEnd + length }
        giveBack(bytes[(headEnd + length)...])
        return HTTPAnswer(status: status, fields: fields, body: Array(bytes[headEnd..<headEnd + length]))
    }
}
