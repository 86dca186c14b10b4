import Foundation
import Platform
import Support
import WebSocket

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
func acceptNext(_ listener: Int32) -> Int32 {
    guard Deadline(seconds: 120).wait(for: listener) else { return -1 }
    return descriptorLock.withLock {
        let descriptor = accept(listener, nil, nil)
        if descriptor >= 0 { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        return descriptor
    }
}

/// A server of another kind: it answers what comes first on every connection, and ends it.
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

/// A chat server that says what a test wants: it does the handshake, reads the client's messages, and answers each as told.
final class ScriptedChat: @unchecked Sendable {
    enum Answer {
        case text(String)
        /// A close frame, and the end of the connection.
        case close(UInt16, String)
        /// The end of the connection without a word.
        case drop
    }

    let port: UInt16
    private let listener: Int32
    private let lock = NSLock()
    private var messages: [JSON] = []
    private var connections: [Int32] = []

    /// - Parameter answer: gets each message, and the number of its connection, from 0 on.
    init(_ answer: @escaping @Sendable (_ message: JSON, _ connection: Int) -> [Answer]) throws {
        (listener, port) = try listenAnywhere()
        ignoreBrokenPipes()
        let listener = listener
        Thread.detachNewThread { [weak self] in
            var count = 0
            while true {
                let descriptor = acceptNext(listener)
                guard descriptor >= 0 else { break }
                let number = count
                count += 1
                guard let chat = self else { break }
                chat.lock.withLock { chat.connections.append(descriptor) }
                Thread.detachNewThread { [weak chat] in chat?.serve(descriptor) { answer($0, number) } }
            }
            close(listener)
        }
    }

    deinit { shutdown(listener, Int32(SHUT_RDWR)) }

    var url: String { "http://127.0.0.1:\(port)/" }

    /// A welcome, with further members.
    static func welcome(_ username: String, seq: Int = 0, session: String = "5e55", more: String = "") -> Answer {
        .text(
            #"{"type":"welcome","username":"\#(username)","user":"user-of-own","room":"lobby","users":["\#(username)"],"#
                + #""userCount":1,"session":"\#(session)","seq":\#(seq)\#(more.contains("history") ? "" : ",\"history\":[]")\#(more)}"#
        )
    }

    /// Sends something on the newest connection.
    func say(_ text: String) {
        var bytes: [UInt8] = []
        Frame.append(to: &bytes, opcode: .text, payload: Array(text.utf8).span, compressed: false)
        lock.withLock { if let last = connections.last { _ = write(last, bytes, bytes.count) } }
    }

    /// Waits for the next message of a type, and takes it out with all before it.
    func next(_ type: String) throws -> JSON {
        let deadline = Deadline()
        while !deadline.isOver {
            let found: JSON? = lock.withLock {
                guard let index = messages.firstIndex(where: { $0.type == type }) else { return nil }
                defer { messages.removeFirst(index + 1) }
                return messages[index]
            }
            if let found { return found }
            usleep(2000)
        }
        throw Failure("no \(type) came, but \(lock.withLock { messages })")
    }

    private func serve(_ descriptor: Int32, _ answer: (JSON) -> [Answer]) {
        defer {
            lock.withLock { connections.removeAll { $0 == descriptor } }
            close(descriptor)
        }
        guard let inflater = Inflater(), var input = shakeHands(descriptor) else { return }
        var reader = MessageReader(role: .server, deflate: false)
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            var (arena, offset): ([UInt8], Int) = ([], 0)
            while let event = reader.next(
                in: input.span, at: &offset, into: &arena, maxMessage: 1 << 20, inflater: inflater)
            {
                guard case .text(let range) = event else { return }
                let message = JSON(Array(arena[range]))
                lock.withLock { messages.append(message) }
                for answer in answer(message) { if !send(answer, descriptor) { return } }
            }
            guard Deadline(seconds: 120).wait(for: descriptor) else { return }
            let count = read(descriptor, &buffer, buffer.count)
            guard count > 0 else { return }
            input = Array(buffer[..<count])
        }
    }

    /// - Returns: what came after the request; nil where no request came.
    private func shakeHands(_ descriptor: Int32) -> [UInt8]? {
        var head: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while true {
            let text = String(decoding: head, as: UTF8.self)
            if let end = text.range(of: "\r\n\r\n"),
                let key = text.firstMatch(of: #/Sec-WebSocket-Key: (\S+)/#).map({ Array($0.1.utf8) })
            {
                let accept = String(decoding: Handshake.acceptKey(for: key.span) ?? [], as: UTF8.self)
                let answer =
                    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                    + "Sec-WebSocket-Accept: \(accept)\r\n\r\n"
                _ = write(descriptor, answer, answer.utf8.count)
                return Array(text[end.upperBound...].utf8)
            }
            let count = Deadline().wait(for: descriptor) ? read(descriptor, &buffer, buffer.count) : 0
            guard count > 0 else { return nil }
            head += buffer[..<count]
        }
    }

    /// - Returns: false at the end.
    private func send(_ answer: Answer, _ descriptor: Int32) -> Bool {
        var bytes: [UInt8] = []
        switch answer {
        case .text(let text):
            Frame.append(to: &bytes, opcode: .text, payload: Array(text.utf8).span, compressed: false)
            return write(descriptor, bytes, bytes.count) == bytes.count
        case .close(let code, let reason):
            Frame.appendClose(to: &bytes, code: CloseCode(rawValue: code), reason: reason)
            _ = write(descriptor, bytes, bytes.count)
            return false
        case .drop: return false
        }
    }
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
