import Platform

/// What came of an attempt to accept a connection.
package enum Acceptance: Sendable {
    /// A connection, nonblocking, and where it comes from.
    case accepted(Int32, SocketAddress)
    /// Nobody waits.
    case wouldBlock
    /// Somebody waited and has given up; there may be others.
    case aborted
    /// There are no descriptors or no memory for it. It stays in the queue.
    case exhausted(SystemError)
    /// The socket accepts nothing any more, and never will.
    case impossible(SystemError)
}

/// A socket that waits for connections. It is closed with its owner.
package final class Listener {
    package let descriptor: Int32
    /// Where it listens; the port is the real one.
    package let address: SocketAddress

    /// How many connections may wait to be accepted. The system cuts it to its own limit (on Linux
    /// /proc/sys/net/core/somaxconn, 4096).
    private static let backlog: Int32 = 4096

    /// Binds and listens.
    ///
    /// - Parameter sharesPort: whether other processes of this user may listen there, too, where all want it so. Each connection then
    ///   comes to one of them.
    package init(address: SocketAddress, sharesPort: Bool = false) throws(SystemError) {
        let family = address.address.isV4 ? AF_INET : AF_INET6
        let opened = socket(family, streamSocket, 0)
        guard opened >= 0 else { throw .last("open a socket") }
        setNonBlocking(opened)
        // So that a restart can take the port although connections of the old process are still winding down.
        setOption(opened, SOL_SOCKET, SO_REUSEADDR, 1)
        if sharesPort { setOption(opened, SOL_SOCKET, SO_REUSEPORT, 1) }
        // `::` takes IPv4 as well, whatever the system's own default is; any other IPv6 address has no use for it.
        if family == AF_INET6 { setOption(opened, Int32(IPPROTO_IPV6), IPV6_V6ONLY, address.address.isAny ? 0 : 1) }
        let bound = unsafe address.withSockaddr { unsafe bind(opened, $0, $1) }
        guard bound == 0, listen(opened, Self.backlog) == 0 else {
            let error = SystemError.last("listen on \(address)")
            _ = close(opened)
            throw error
        }
        descriptor = opened
        self.address = Self.localAddress(of: opened) ?? address
    }

    /// Listens on all addresses, with one port. A family that this machine does not have (::1 in many a container) is left out,
    /// as long as there is another.
    package static func open(_ addresses: [SocketAddress], sharesPort: Bool = false) throws(SystemError) -> [Listener] {
        var attempts = 0
        while true {
            attempts += 1
            var listeners: [Listener] = []
            var missing: SystemError?
            do throws(SystemError) {
                for var address in addresses {
                    // Where the system has chosen a port for the first, the others have it, too.
                    if let first = listeners.first { address.port = first.address.port }
                    do throws(SystemError) {
                        listeners.append(try Listener(address: address, sharesPort: sharesPort))
                    } catch {
                        guard error.isAddressUnavailable else { throw error }
                        missing = missing ?? error
                    }
                }
                if !listeners.isEmpty { return listeners }
                throw missing ?? SystemError(code: EADDRNOTAVAIL, operation: "listen")
            } catch {
                // The port that was free for the first address may be taken for the second: another is asked for.
                guard error.isAddressInUse, !listeners.isEmpty, addresses.first?.port == 0, attempts < 16 else {
                    throw error
                }
            }
        }
    }

    /// Takes over a socket that someone else has bound and listens on (systemd's socket activation). Throws where it is none
    /// that takes TCP connections.
    package init(inherited descriptor: Int32) throws(SystemError) {
        func refusal(_ reason: String) -> SystemError {
            SystemError(code: 0, operation: "use descriptor \(descriptor), which was handed over: \(reason)")
        }
        guard let kind = Self.option(descriptor, SO_TYPE) else { throw refusal(SystemError.text(of: errno)) }
        guard kind == streamSocket else { throw refusal("it is no stream socket") }
        guard Self.isListening(descriptor) else { throw refusal("it is a socket that does not listen") }
        guard let address = Self.localAddress(of: descriptor) else {
            throw refusal("it listens in another place than on TCP")
        }
        setNonBlocking(descriptor)
        self.descriptor = descriptor
        self.address = address
    }

    deinit { _ = close(descriptor) }

    /// Accepts one of the connections that wait.
    package func accept() -> Acceptance {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        var peer: SocketAddress?
        // The kernel writes at most `length` bytes into the local variable, whose family then says what it is.
        let accepted = unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                let accepted = unsafe acceptNonBlocking(descriptor, pointer, &length)
                if accepted >= 0 { unsafe peer = SocketAddress(pointer) }
                return accepted
            }
        }
        if accepted >= 0 {
            // A tick's output is one write: there is nothing that waiting for more could improve (RFC 896, RFC 9293).
            setOption(accepted, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
            return .accepted(accepted, peer ?? SocketAddress(address: IPAddress(v4: 0), port: 0))
        }
        let error = SystemError.last("accept a connection")
        switch error.code {
        case EAGAIN, EWOULDBLOCK: return .wouldBlock
        case EMFILE, ENFILE, ENOBUFS, ENOMEM: return .exhausted(error)
        // EINTR, ECONNABORTED, and the network errors that Linux hands over with a new connection.
        default: return Self.isListening(descriptor) ? .aborted : .impossible(error)
        }
    }

    private static func isListening(_ descriptor: Int32) -> Bool {
        option(descriptor, SO_ACCEPTCONN).map { $0 != 0 } ?? false
    }

    /// A number that the system keeps of a socket; nil with the reason in `errno` where that is none.
    private static func option(_ descriptor: Int32, _ name: Int32) -> Int32? {
        var value: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        // Both pointers are to local variables of the size that is told.
        return unsafe getsockopt(descriptor, SOL_SOCKET, name, &value, &length) == 0 ? value : nil
    }

    private static func localAddress(of descriptor: Int32) -> SocketAddress? {
        var storage = sockaddr_storage()
        var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
        return unsafe withUnsafeMutablePointer(to: &storage) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe getsockname(descriptor, pointer, &length) == 0 ? SocketAddress(pointer) : nil
            }
        }
    }
}

func setOption(_ descriptor: Int32, _ level: Int32, _ name: Int32, _ value: Int32) {
    var value = value
    // The pointer is to a local variable, and its size goes along.
    _ = unsafe setsockopt(descriptor, level, name, &value, socklen_t(MemoryLayout<Int32>.size))
}
