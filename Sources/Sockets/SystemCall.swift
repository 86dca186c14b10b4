#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A system call that has failed: `errno` (0 where there is none), and what was tried.
package struct SystemError: Error, CustomStringConvertible {
    package let code: Int32
    package let operation: String

    package init(code: Int32, operation: String) {
        self.code = code
        self.operation = operation
    }

    /// The error of the call that has just failed.
    static func last(_ operation: String) -> SystemError { SystemError(code: errno, operation: operation) }

    package var description: String { code == 0 ? operation : "\(operation): \(Self.text(of: code))" }

    /// What the system says about an error number.
    package static func text(of code: Int32) -> String {
        // strerror answers with a string of the C library's own for every number.
        guard let text = unsafe strerror(code) else { return "error \(code)" }
        return unsafe String(cString: text)
    }

    package var isPermission: Bool { code == EACCES || code == EPERM }
    /// No such address here or, for one who connects, no port that is free.
    package var isAddressUnavailable: Bool { code == EADDRNOTAVAIL }
}

/// Calls again for as long as a signal has interrupted the call.
@inline(__always)
func uninterrupted(_ call: () -> Int) -> Int {
    while true {
        let result = call()
        if result >= 0 || errno != EINTR { return result }
    }
}

/// Waits once; where a signal has ended the wait, looks what is ready without waiting: the signal itself is, in its pipe.
@inline(__always)
func untilSignal(_ milliseconds: Int32, wait: (_ milliseconds: Int32) -> Int32) -> Int32 {
    let count = wait(milliseconds)
    return count < 0 && errno == EINTR ? wait(0) : count
}

/// Sets O_NONBLOCK, and closes the descriptor in programs that this one might start.
func setNonBlocking(_ descriptor: Int32) {
    _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
}

/// The process's limit on open descriptors.
package enum DescriptorLimit {
    /// Sets the soft limit to the hard one; on Darwin to OPEN_MAX where that is less, which may be less than it was: there
    /// both may be infinite, and the system opens no more than that all the same.
    ///
    /// - Returns: how many descriptors may be open then.
    package static func raise() -> Int {
        var limit = rlimit()
        // Linux wants the resource as an enum of its own, Darwin as a number.
        #if canImport(Glibc)
            let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
        #else
            let files = RLIMIT_NOFILE
        #endif
        // The pointers are to a local variable, for the length of the call.
        guard unsafe getrlimit(files, &limit) == 0 else { return 256 }
        var wanted = limit
        wanted.rlim_cur = limit.rlim_max
        #if canImport(Darwin)
            wanted.rlim_cur = min(limit.rlim_max, rlim_t(OPEN_MAX))
        #endif
        if unsafe setrlimit(files, &wanted) == 0 { limit = wanted }
        return Int(clamping: limit.rlim_cur)
    }
}
