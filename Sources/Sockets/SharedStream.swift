#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// Standard input and output: descriptors that other programs have, too. They are not made nonblocking, which would be
/// theirs as well. Reading does not wait after a poller has said that there is something.
package enum SharedStream {
    package static let input: Int32 = 0
    package static let output: Int32 = 1
    package static let error: Int32 = 2

    /// Puts the null device in the place of those that whoever started this program has closed. The first files that are
    /// opened would get their numbers, and a line for people would end up in one of them.
    package static func openMissing() {
        for descriptor in input...error where fcntl(descriptor, F_GETFD) < 0 {
            // The lowest number that is free: this one.
            _ = unsafe open("/dev/null", O_RDWR)
        }
    }

    /// Reads into the beginning of `buffer`, once. Waits if there is nothing.
    package static func read(_ descriptor: Int32, into buffer: inout [UInt8]) -> Reception {
        // The kernel writes at most `count` bytes into the array.
        let count = unsafe buffer.withUnsafeMutableBytes { bytes in
            uninterrupted {
                #if canImport(Darwin)
                    unsafe Darwin.read(descriptor, bytes.baseAddress, bytes.count)
                #elseif canImport(Glibc)
                    unsafe Glibc.read(descriptor, bytes.baseAddress, bytes.count)
                #else
                    unsafe Musl.read(descriptor, bytes.baseAddress, bytes.count)
                #endif
            }
        }
        if count > 0 { return .received(count) }
        if count == 0 { return .end }
        return errno == EAGAIN || errno == EWOULDBLOCK ? .wouldBlock : .failed(errno)
    }

    /// Writes all of `text`, however long whoever reads it takes.
    ///
    /// - Returns: false if nobody reads it any more.
    package static func write(_ descriptor: Int32, _ text: String) -> Bool {
        let bytes = Array(text.utf8)
        var written = 0
        while written < bytes.count {
            // Reads the rest of the array's own bytes.
            let count = unsafe bytes.withUnsafeBytes { bytes in
                let rest = unsafe UnsafeRawBufferPointer(rebasing: bytes[written...])
                return uninterrupted {
                    #if canImport(Darwin)
                        unsafe Darwin.write(descriptor, rest.baseAddress, rest.count)
                    #elseif canImport(Glibc)
                        unsafe Glibc.write(descriptor, rest.baseAddress, rest.count)
                    #else
                        unsafe Musl.write(descriptor, rest.baseAddress, rest.count)
                    #endif
                }
            }
            if count < 0, errno == EAGAIN || errno == EWOULDBLOCK {
                // Somebody else has made it nonblocking: wait until there is room.
                var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&entry, 1, -1)
                continue
            }
            guard count > 0 else { return false }
            written += count
        }
        return true
    }
}
