import Platform

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

    /// Of a write: that nobody reads any more, as the pipe is closed or the terminal is gone.
    package var isEndOfReader: Bool { code == EPIPE || code == EIO }
    package var isPermission: Bool { code == EACCES || code == EPERM }
    /// No such address here, or none of its family; for a connection from here, no port that is free.
    package var isAddressUnavailable: Bool { code == EADDRNOTAVAIL || code == EAFNOSUPPORT }
    package var isAddressInUse: Bool { code == EADDRINUSE }
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
