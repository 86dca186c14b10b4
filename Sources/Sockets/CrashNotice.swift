import Platform

/// Last words: where the process is when it crashes.
///
/// To say it before every step would cost more than most steps. So the number is kept as text in memory, and a handler of the
/// signals that a crash raises writes it to standard error, with nothing but calls that a handler may make.
package enum CrashNotice {
    /// What Swift's traps, wrong addresses and aborts raise.
    private static let signals = [SIGILL, SIGTRAP, SIGSEGV, SIGBUS, SIGFPE, SIGABRT]
    private static let digits = 20

    /// The text; its last bytes are the number and a line break. The handler can use nothing but what is there before it is
    /// called, hence a place in memory of its own.
    nonisolated(unsafe) private static var text: UnsafeMutableBufferPointer<UInt8>?
    /// What was done about each signal before.
    nonisolated(unsafe) private static var earlier = UnsafeMutablePointer<sigaction>.allocate(capacity: 65)

    /// Has a crash write `text`, a number and a line break, until `remove`. For one at a time.
    package static func install(_ text: String) {
        remove()
        let bytes = Array(text.utf8) + [UInt8](repeating: UInt8(ascii: " "), count: digits) + [UInt8(ascii: "\n")]
        let copy = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: bytes.count)
        // Of the same length.
        _ = unsafe copy.initialize(from: bytes)
        unsafe self.text = copy
        name(0)
        for number in signals {
            // There is a place for each number below 65, and the kernel fills it.
            unsafe sigaction(number, nil, earlier + Int(number))
            _ = signal(number, crashed)
        }
    }

    /// Sets the number: some bytes are written, and no call is made.
    package static func name(_ value: UInt64) {
        guard let text = unsafe text else { return }
        var rest = value
        let end = text.count - 1
        for place in 0..<digits {
            let isDigit = rest > 0 || place == 0
            // The last bytes before the line break: `install` has made room for as many.
            unsafe text[end - 1 - place] = isDigit ? UInt8(ascii: "0") + UInt8(rest % 10) : UInt8(ascii: " ")
            rest /= 10
        }
    }

    /// What a crash does is what it did before.
    package static func remove() {
        guard let old = unsafe text else { return }
        for number in signals { unsafe sigaction(number, earlier + Int(number), nil) }
        unsafe text = nil
        unsafe old.deallocate()
    }

    /// The handler: says where, and lets the crash go on as if nobody had caught it.
    private static let crashed: @convention(c) (Int32) -> Void = { number in
        if let text = unsafe CrashNotice.text {
            // write(2) and sigaction(2) may be called in a handler, and what they are given was there before.
            _ = unsafe write(2, text.baseAddress, text.count)
        }
        unsafe sigaction(number, CrashNotice.earlier + Int(number), nil)
        _ = raise(number)
    }
}
