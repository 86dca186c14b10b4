import Platform

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
                unsafe Platform.read(descriptor, bytes.baseAddress, bytes.count)
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
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            let count = writeOnce(descriptor, rest)
            if count < 0, errno == EAGAIN || errno == EWOULDBLOCK {
                // Somebody else has made it nonblocking: wait until there is room.
                var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
                _ = unsafe poll(&entry, 1, -1)
                continue
            }
            guard count > 0 else { return false }
            rest = rest.dropFirst(count)
        }
        return true
    }

    /// Writes as much of the beginning of `bytes` as a pipe with any room takes without waiting, or a little less.
    package static func writeSome(_ descriptor: Int32, _ bytes: ArraySlice<UInt8>) -> Transmission {
        var entry = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
        // One element, a local variable.
        guard unsafe poll(&entry, 1, 0) > 0 else { return .wouldBlock }
        let count = writeOnce(descriptor, bytes.prefix(Int(PIPE_BUF)))
        if count >= 0 { return .sent(count) }
        return errno == EAGAIN || errno == EWOULDBLOCK ? .wouldBlock : .failed(errno)
    }

    /// Waits until there is room for `writeSome`.
    ///
    /// - Returns: false, at once, if `other` is readable.
    package static func waitForRoom(_ descriptor: Int32, unlessReadable other: Int32) -> Bool {
        var entries = [
            pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0),
            pollfd(fd: other, events: Int16(POLLIN), revents: 0),
        ]
        // The kernel writes into as many elements as the array has. Where a signal ends the wait, `other` may tell of it.
        _ = unsafe entries.withUnsafeMutableBufferPointer { buffer in
            untilSignal(-1) { unsafe poll(buffer.baseAddress, nfds_t(buffer.count), $0) }
        }
        return entries[1].revents == 0
    }

    private static func writeOnce(_ descriptor: Int32, _ bytes: ArraySlice<UInt8>) -> Int {
        // Reads the slice's own bytes.
        unsafe bytes.withUnsafeBytes { bytes in
            uninterrupted {
                unsafe Platform.write(descriptor, bytes.baseAddress, bytes.count)
            }
        }
    }
}
