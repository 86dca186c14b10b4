import Platform

/// Signals as something that a poller can wait for: the handler writes a byte into a pipe.
package enum Signals {
    /// The pipe's ends. The handler can use nothing but what is there before it is called.
    nonisolated(unsafe) private static var pipe: (read: Int32, write: Int32) = (-1, -1)

    /// Has SIGINT, SIGTERM and perhaps others make a descriptor readable, and SIGPIPE and SIGXFSZ do nothing.
    ///
    /// - Parameter respectsIgnored: whether a signal that is ignored from the start stays so, as `nohup` and shells without job
    ///   control mean it.
    /// - Returns: the descriptor, nonblocking; it gives a byte for each signal.
    package static func catchTermination(
        and others: [Int32] = [], respectsIgnored: Bool = false
    ) throws(SystemError) -> Int32 {
        // A write to a connection that is gone is told by the write itself, and so is one beyond the largest size of a file.
        _ = signal(SIGPIPE, SIG_IGN)
        _ = signal(SIGXFSZ, SIG_IGN)
        // All of this happens before the handlers are installed, on the one thread there is.
        if unsafe pipe.read < 0 {
            var ends: [Int32] = [-1, -1]
            let made = unsafe ends.withUnsafeMutableBufferPointer { unsafe makePipe($0.baseAddress) }
            guard made == 0 else { throw .last("make a pipe") }
            ends.forEach(setNonBlocking)
            unsafe pipe = (ends[0], ends[1])
        }
        for number in [SIGINT, SIGTERM] + others where !(respectsIgnored && isSignalIgnored(number)) {
            _ = signal(number) { number in
                var byte = UInt8(truncatingIfNeeded: number)
                // write(2) may be called in a handler. If the pipe is full there are signals enough in it.
                _ = uninterrupted { unsafe write(Signals.pipe.write, &byte, 1) }
            }
        }
        return unsafe pipe.read
    }

    /// Has signals do nothing.
    package static func ignore(_ numbers: [Int32]) {
        for number in numbers { _ = signal(number, SIG_IGN) }
    }

    /// The terminal is gone. Services are asked by it to read their files again.
    package static let hangUp = SIGHUP
    /// Whatever a program makes of them.
    package static let user = [SIGUSR1, SIGUSR2]
    /// ^\
    package static let quit = SIGQUIT
    /// ^Z
    package static let stop = SIGTSTP
    /// The terminal has another size now.
    package static let windowChange = SIGWINCH
    /// The process goes on after it was stopped.
    package static let continued = SIGCONT

    /// Takes a signal out of the pipe.
    ///
    /// - Returns: its number; nil if there is none.
    package static func next() -> Int32? {
        var byte: UInt8 = 0
        // One byte into a local variable.
        return uninterrupted { unsafe read(pipe.read, &byte, 1) } == 1 ? Int32(byte) : nil
    }

    /// Does nothing until the monotonic clock shows `time` (ns), or a signal is there to be taken, an earlier one included.
    package static func sleep(until time: Int64) {
        var entry = unsafe pollfd(fd: pipe.read, events: Int16(POLLIN), revents: 0)
        let milliseconds = Int32(clamping: (time - Clock.monotonic) / 1_000_000)
        // One element, a local variable. Before there is a pipe its number is below zero, and poll(2) looks at nothing.
        if milliseconds > 0, unsafe poll(&entry, 1, milliseconds) > 0 { return }
        Clock.sleep(nanoseconds: min(time - Clock.monotonic, 1_000_000))
    }

    /// Stops the process by SIGTSTP as if that had never been caught, until it is continued. Where nobody is there to continue
    /// it (its process group is orphaned), the system does not stop it at all.
    package static func stopProcess() {
        let handler = signal(stop, SIG_DFL)
        _ = raise(stop)
        _ = signal(stop, handler)
    }

    /// Ends the process by a signal as if it had never been caught.
    package static func dieOf(_ number: Int32) -> Never {
        _ = signal(number, SIG_DFL)
        _ = raise(number)
        exit(128 + number)
    }
}

private func makePipe(_ ends: UnsafeMutablePointer<Int32>?) -> Int32 {
    unsafe Platform.pipe(ends)
}
