import Platform

/// What came of an attempt to receive.
package enum Reception: Sendable {
    /// So many bytes, at least one.
    case received(Int)
    case wouldBlock
    /// The peer will send nothing more.
    case end
    /// The connection is broken.
    case failed(Int32)
}

/// What came of an attempt to send.
package enum Transmission: Sendable {
    /// So many bytes were taken; fewer than there were means that the kernel's buffer is full.
    case sent(Int)
    case wouldBlock
    /// The system has no memory to send with (ENOBUFS, ENOMEM). That passes, but no poller tells when: unlike a full buffer
    /// it leaves the socket writable all the time.
    case exhausted
    /// The connection is broken.
    case failed(Int32)
}

/// A piece of memory for `sendmsg`.
package typealias Piece = iovec

/// What can be done with a connected nonblocking socket. The descriptor is the caller's to close, once.
package enum Stream {
    /// Receives into `buffer`, once.
    package static func receive(_ descriptor: Int32, into buffer: inout MutableSpan<UInt8>) -> Reception {
        // The kernel writes at most `count` bytes into the span's memory.
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            uninterrupted { unsafe recv(descriptor, bytes.baseAddress, bytes.count, 0) }
        }
        if count > 0 { return .received(count) }
        if count == 0 { return .end }
        return errno == EAGAIN || errno == EWOULDBLOCK ? .wouldBlock : .failed(errno)
    }

    /// Sends `bytes`, once.
    package static func send(_ descriptor: Int32, _ bytes: Span<UInt8>) -> Transmission {
        // The kernel reads `count` bytes of the span's memory.
        let count = unsafe bytes.withUnsafeBytes { bytes in
            uninterrupted {
                unsafe Platform.send(descriptor, bytes.baseAddress, bytes.count, sendFlags)
            }
        }
        return outcome(count)
    }

    /// Sends several pieces of memory one after the other, with one call.
    package static func send(_ descriptor: Int32, gathering pieces: inout [Piece]) -> Transmission {
        // The pieces are alive while they are sent: the caller holds what they point into.
        let count = unsafe pieces.withUnsafeMutableBufferPointer { pieces in
            var message = unsafe msghdr()
            unsafe message.msg_iov = pieces.baseAddress
            unsafe message.msg_iovlen = .init(pieces.count)
            return uninterrupted { unsafe sendmsg(descriptor, &message, sendFlags) }
        }
        return outcome(count)
    }

    private static func outcome(_ count: Int) -> Transmission {
        if count >= 0 { return .sent(count) }
        switch errno {
        case EAGAIN, EWOULDBLOCK: return .wouldBlock
        case ENOBUFS, ENOMEM: return .exhausted
        default: return .failed(errno)
        }
    }

    /// Tells the peer that nothing more will come (FIN). What was sent before still arrives.
    package static func finishSending(_ descriptor: Int32) { _ = shutdown(descriptor, Int32(SHUT_WR)) }

    /// Closes the descriptor.
    package static func close(_ descriptor: Int32) {
        _ = Platform.close(descriptor)
    }

    // MARK: Connecting

    /// Begins to connect; the socket becomes writable when that has come to an end.
    package static func connect(to address: SocketAddress) throws(SystemError) -> Int32 {
        let descriptor = socket(address.address.isV4 ? AF_INET : AF_INET6, streamSocket, 0)
        guard descriptor >= 0 else { throw .last("open a socket") }
        setNonBlocking(descriptor)
        setOption(descriptor, Int32(IPPROTO_TCP), TCP_NODELAY, 1)
        silenceBrokenPipe(descriptor)
        let result = unsafe address.withSockaddr { pointer, length in
            unsafe Platform.connect(descriptor, pointer, length)
        }
        if result != 0, errno != EINPROGRESS, errno != EINTR {
            let error = SystemError.last("connect to \(address)")
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// The same to a Unix socket.
    ///
    /// - Parameter path: as long as the system allows (some hundred bytes).
    package static func connect(toPath path: String) throws(SystemError) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let bytes = Array(path.utf8)
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path), !bytes.contains(0) else {
            throw SystemError(code: ENAMETOOLONG, operation: "connect to \(path)")
        }
        // The path fits, as was just checked; the rest stays zero.
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let descriptor = socket(AF_UNIX, streamSocket, 0)
        guard descriptor >= 0 else { throw .last("open a socket") }
        setNonBlocking(descriptor)
        silenceBrokenPipe(descriptor)
        // Every socket address begins like a sockaddr; its length goes along.
        let result = unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                unsafe Platform.connect(descriptor, pointer, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        if result != 0, errno != EINPROGRESS, errno != EINTR {
            let error = SystemError.last("connect to \(path)")
            close(descriptor)
            throw error
        }
        return descriptor
    }

    /// How an attempt to connect has ended: nil if well.
    package static func connectError(_ descriptor: Int32) -> SystemError? {
        var error: Int32 = 0
        var length = socklen_t(MemoryLayout<Int32>.size)
        // Both pointers are to local variables of the size that is told.
        let result = unsafe getsockopt(descriptor, SOL_SOCKET, SO_ERROR, &error, &length)
        if result != 0 { return .last("connect") }
        return error == 0 ? nil : SystemError(code: error, operation: "connect")
    }
}
