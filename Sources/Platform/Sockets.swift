// Where systems differ in sockets. `-DPORTABLE` compiles what needs POSIX alone on Linux, too, so that it can be tested there.

#if canImport(Darwin)
    package let streamSocket = SOCK_STREAM
    package let datagramSocket = SOCK_DGRAM
#elseif canImport(Musl)
    package let streamSocket = Int32(SOCK_STREAM)
    package let datagramSocket = Int32(SOCK_DGRAM)
    private let acceptFlags = Int32(SOCK_NONBLOCK | SOCK_CLOEXEC)
#else
    package let streamSocket = Int32(SOCK_STREAM.rawValue)
    package let datagramSocket = Int32(SOCK_DGRAM.rawValue)
    private let acceptFlags = Int32(SOCK_NONBLOCK.rawValue | SOCK_CLOEXEC.rawValue)
#endif

/// Whether there is epoll(7).
#if os(Linux) && !PORTABLE
    package let hasEpoll = true
#else
    package let hasEpoll = false
#endif

/// Flags of send(2) that keep a send to a connection that is gone from raising SIGPIPE; where there are none, see
/// `silenceBrokenPipe`.
#if canImport(Darwin)
    package let sendFlags: Int32 = 0
#else
    package let sendFlags = Int32(truncatingIfNeeded: MSG_NOSIGNAL)
#endif

/// Sets the option that does what `sendFlags` do elsewhere.
@inline(__always)
package func silenceBrokenPipe(_ descriptor: Int32) {
    #if canImport(Darwin)
        var on: Int32 = 1
        // The pointer is to a local variable, and its size goes along.
        _ = unsafe setsockopt(descriptor, SOL_SOCKET, SO_NOSIGPIPE, &on, socklen_t(MemoryLayout<Int32>.size))
    #endif
}

/// Bytes that a TCP socket was given to send and that the peer's system has not acknowledged; 0 where the system does not tell.
package func unacknowledgedBytes(_ descriptor: Int32) -> Int {
    var count: Int32 = 0
    #if canImport(Darwin)
        var length = socklen_t(MemoryLayout<Int32>.size)
        // Both pointers are to local variables of the size that is told.
        let result = unsafe getsockopt(descriptor, SOL_SOCKET, SO_NWRITE, &count, &length)
    #else
        // The kernel fills the local variable, which is what this request takes.
        let result = unsafe withUnsafeMutablePointer(to: &count) { unsafe ioctl(descriptor, UInt(TIOCOUTQ), $0) }
    #endif
    return result == 0 ? Int(count) : 0
}

/// Sets O_NONBLOCK, and closes the descriptor in programs that this one might start.
package func setNonBlocking(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
}

/// accept(2), with a descriptor that is nonblocking and closed in other programs.
///
/// - Parameters:
///   - address: room for `length` bytes, into which the kernel writes the peer's address.
///   - length: how many there are; the kernel sets it to how many it has written.
/// - Returns: -1 where it has failed, with the reason in `errno`.
@unsafe
package func acceptNonBlocking(
    _ listener: Int32, _ address: UnsafeMutablePointer<sockaddr>, _ length: UnsafeMutablePointer<socklen_t>
) -> Int32 {
    #if os(Linux) && !PORTABLE
        return unsafe accept4(listener, address, length, acceptFlags)
    #else
        let accepted = unsafe accept(listener, address, length)
        if accepted >= 0 {
            setNonBlocking(accepted)
            silenceBrokenPipe(accepted)
        }
        return accepted
    #endif
}
