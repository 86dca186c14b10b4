import Platform

/// Standard error, written to without ever waiting for whoever reads it.
///
/// The descriptor is shared with other programs (a shell), so it is not made nonblocking, which would be theirs too. Before
/// each write poll(2) is asked: a pipe that is writable takes as much as PIPE_BUF at once. Lines for which there is no
/// room are dropped, and their number is told when there is.
package struct ErrorLog: Sendable {
    private static let standardError: Int32 = 2
    private static let longestLine = 4096  // PIPE_BUF on Linux; the lines are shorter
    /// Lines that were dropped since the last one that was written.
    private var dropped = 0
    /// Lines that were dropped since the beginning.
    package private(set) var droppedInAll = 0

    package init() {}

    /// Writes a line, or drops it where there is no room for it now.
    ///
    /// - Parameter line: without its line break.
    package mutating func write(_ line: String) {
        guard hasRoom else {
            dropped += 1
            droppedInAll += 1
            return
        }
        if dropped > 0 {
            put("time=\(Clock.iso8601(Clock.wall)) level=error event=log-lines-dropped count=\(dropped)")
            dropped = 0
            guard hasRoom else {
                dropped = 1
                droppedInAll += 1
                return
            }
        }
        put(line)
    }

    private var hasRoom: Bool {
        var descriptor = pollfd(fd: Self.standardError, events: Int16(POLLOUT), revents: 0)
        // One element, a local variable.
        return unsafe poll(&descriptor, 1, 0) == 1 && descriptor.revents & Int16(POLLOUT) != 0
    }

    private func put(_ line: String) {
        var bytes = Array(line.utf8.prefix(Self.longestLine - 1))
        bytes.append(0x0A)
        // Reads the array's own bytes. If it fails there is nobody to tell.
        _ = unsafe bytes.withUnsafeBytes { bytes in
            uninterrupted {
                unsafe Platform.write(Self.standardError, bytes.baseAddress, bytes.count)
            }
        }
    }
}
