import Platform

/// A terminal, as far as a program needs one that edits a line on it.
package enum Terminal {
    /// Whether the descriptor is a terminal's.
    package static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

    /// Reads a line that somebody types at the terminal: at standard input if that is one, else at the process's own.
    ///
    /// - Returns: the line without its end; nil where there is no terminal, or its end comes first.
    package static func readLine() -> String? {
        let isInput = isTerminal(SharedStream.input)
        let descriptor = isInput ? SharedStream.input : unsafe open("/dev/tty", O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return nil }
        defer { if !isInput { Stream.close(descriptor) } }
        // A terminal hands over one line with each read, and no line that is longer than this.
        var buffer = [UInt8](repeating: 0, count: 4096)
        guard case .received(let count) = SharedStream.read(descriptor, into: &buffer) else { return nil }
        return String(decoding: buffer[..<count].prefix { $0 != UInt8(ascii: "\n") }, as: UTF8.self)
    }

    /// Whether `readLine` has somebody to ask.
    package static var isThere: Bool {
        if isTerminal(SharedStream.input) { return true }
        let descriptor = unsafe open("/dev/tty", O_RDWR | O_CLOEXEC)
        guard descriptor >= 0 else { return false }
        Stream.close(descriptor)
        return true
    }

    /// How many columns there are; nil if that is no terminal, or it does not know.
    package static func columns(of descriptor: Int32) -> Int? {
        var size = winsize()
        // The kernel fills the local variable, which is what this request takes.
        let result = unsafe withUnsafeMutablePointer(to: &size) { unsafe ioctl(descriptor, UInt(TIOCGWINSZ), $0) }
        return result == 0 && size.ws_col > 0 ? Int(size.ws_col) : nil
    }
}

/// A terminal that hands over each key at once, and shows none by itself. It is as it was before with its owner's end.
///
/// The keys for stopping and quitting raise their signals as always. Control-C does not: it is a key like others, so that
/// it can be told from a SIGINT that comes from elsewhere.
package final class RawMode {
    private let descriptor: Int32
    private let original: termios

    /// Nil if that is no terminal.
    package init?(_ descriptor: Int32) {
        var mode = termios()
        // The pointer is to a local variable.
        guard unsafe tcgetattr(descriptor, &mode) == 0 else { return nil }
        self.descriptor = descriptor
        original = mode
        enter()
    }

    deinit { leave() }

    /// Begins, or begins again after others have used the terminal (the process was stopped and continued).
    package func enter() {
        var mode = original
        // No lines (ICANON), no echo, no quoting and discarding keys (IEXTEN), no stopping of output by ^S (IXON); and CR stays CR
        // (ICRNL), or a pasted CR LF would be two line breaks.
        mode.c_lflag &= ~tcflag_t(ICANON | ECHO | IEXTEN)
        mode.c_iflag &= ~tcflag_t(IXON | ICRNL)
        // A read returns with the first byte. The array of keys is a tuple in Swift, of bytes side by side.
        unsafe withUnsafeMutableBytes(of: &mode.c_cc) { keys in
            unsafe keys[Int(VMIN)] = 1
            unsafe keys[Int(VTIME)] = 0
            unsafe keys[Int(VINTR)] = noControlCharacter
        }
        set(&mode)
    }

    /// Has it as it was before.
    package func leave() {
        var mode = original
        set(&mode)
    }

    private func set(_ mode: inout termios) {
        // At once: how output looks does not change, and nobody may be there to take what has not been shown.
        _ = unsafe tcsetattr(descriptor, TCSANOW, &mode)
    }
}
