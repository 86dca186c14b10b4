import Bytes
import Foundation
import Support

/// A program on a terminal of its own: what is typed and what is shown go through a pseudo-terminal.
final class TerminalChild {
    let child: Child
    private let primary: Int32
    private let secondary: Int32
    private var shown = ""

    init(_ arguments: [String], environment: [String: String] = [:], columns: UInt16 = 80) throws {
        let (primary, secondary) = try descriptorLock.withLock { try Self.openPair() }
        var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = withUnsafeMutablePointer(to: &size) { ioctl(primary, UInt(TIOCSWINSZ), $0) }
        self.primary = primary
        self.secondary = secondary
        let environment = ["TERM": "xterm-256color"].merging(environment) { $1 }
        child = try Command.start(arguments, environment: environment, terminal: secondary)
        _ = fcntl(primary, F_SETFL, O_NONBLOCK)
    }

    private static func openPair() throws -> (Int32, Int32) {
        #if canImport(Darwin)
            let primary = posix_openpt(O_RDWR | O_NOCTTY)
            guard primary >= 0, grantpt(primary) == 0, unlockpt(primary) == 0, let name = ptsname(primary) else {
                throw Failure("there are no pseudo-terminals here")
            }
            let secondary = open(name, O_RDWR | O_NOCTTY)
        #else
            // What those functions do, which the module lacks, like the numbers of TIOCSPTLCK and TIOCGPTN.
            let (unlock, getNumber): (UInt, UInt) = (0x4004_5431, 0x8004_5430)
            let primary = open("/dev/ptmx", O_RDWR | O_NOCTTY)
            var (lock, number): (Int32, Int32) = (0, 0)
            guard primary >= 0, ioctl(primary, unlock, &lock) == 0, ioctl(primary, getNumber, &number) == 0
            else { throw Failure("there are no pseudo-terminals here") }
            let secondary = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY)
        #endif
        guard secondary >= 0 else { throw Failure("there are no pseudo-terminals here") }
        for descriptor in [primary, secondary] { _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC) }
        return (primary, secondary)
    }

    deinit {
        close(primary)
        close(secondary)
    }

    /// How the terminal handles keys: whether by lines, and whether it echoes them.
    var mode: (lines: Bool, echo: Bool) {
        var mode = termios()
        tcgetattr(secondary, &mode)
        return (mode.c_lflag & tcflag_t(ICANON) != 0, mode.c_lflag & tcflag_t(ECHO) != 0)
    }

    func type(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { write(primary, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }

    func resize(columns: UInt16) {
        var size = winsize(ws_row: 24, ws_col: columns, ws_xpixel: 0, ws_ypixel: 0)
        _ = withUnsafeMutablePointer(to: &size) { ioctl(primary, UInt(TIOCSWINSZ), $0) }
        child.signal(SIGWINCH)
    }

    /// Waits until something is shown, and takes everything up to its end out.
    @discardableResult
    func wait(for part: String, within seconds: Double = Deadline.standard) throws -> String {
        let deadline = Deadline(seconds: seconds)
        var buffer = [UInt8](repeating: 0, count: 65536)
        while true {
            if let range = shown.range(of: part) {
                defer { shown.removeSubrange(..<range.upperBound) }
                return String(shown[..<range.upperBound])
            }
            guard deadline.wait(for: primary) else {
                throw Failure("waited in vain for \(part); there is \(shown.debugDescription)")
            }
            let count = read(primary, &buffer, buffer.count)
            if count > 0 { shown += String(decoding: buffer[..<count], as: UTF8.self) }
        }
    }

    /// Waits for its end, and takes what it has shown until then.
    func waitForEnd(within seconds: Double = Deadline.standard) throws -> (ending: Child.Ending, shown: String) {
        let ending = try child.waitForProcess(within: seconds)
        var buffer = [UInt8](repeating: 0, count: 65536)
        while Deadline(seconds: 0).wait(for: primary) {
            let count = read(primary, &buffer, buffer.count)
            guard count > 0 else { break }
            shown += String(decoding: buffer[..<count], as: UTF8.self)
        }
        return (ending, shown)
    }
}

/// What a terminal shows after all that was written to it: enough of one to follow a chat.
struct ScreenModel {
    private(set) var rows: [[Character]] = [[]]
    private var row = 0
    private var column = 0
    private var saved = (row: 0, column: 0)
    /// Whether what is too long for a row goes on in the next.
    private var wraps = true
    let columns: Int
    /// The columns that a character takes, in which terminals differ.
    private let width: (Unicode.Scalar) -> Int

    init(columns: Int = 80, width: @escaping (Unicode.Scalar) -> Int = { _ in 1 }) {
        self.columns = columns
        self.width = width
    }

    /// The cursor's place in its row.
    var cursor: Int { column }

    /// The rows without the spaces at their ends, and without the empty ones at the end.
    var text: [String] {
        var lines = rows.map { row in String(row.reversed().drop { $0 == " " }.reversed()) }
        while lines.last == "" { lines.removeLast() }
        return lines
    }

    mutating func write(_ text: String) {
        var scalars = Array(text.unicodeScalars)[...]
        while let scalar = scalars.popFirst() {
            switch scalar {
            case "\r": column = 0
            case "\n":
                row += 1
                while rows.count <= row { rows.append([]) }
            case "\u{1B}": obey(&scalars)
            case _ where scalar.value < 0x20: break
            default: put(scalar)
            }
        }
    }

    private mutating func put(_ scalar: Unicode.Scalar) {
        let width = width(scalar)
        if column + width > columns {
            guard wraps else { return }
            column = 0
            row += 1
            while rows.count <= row { rows.append([]) }
        }
        while rows[row].count < column + width { rows[row].append(" ") }
        if width > 0 { rows[row][column] = Character(scalar) }
        column += width
    }

    /// `ESC [ parameters letter`
    private mutating func obey(_ scalars: inout ArraySlice<Unicode.Scalar>) {
        switch scalars.popFirst() {
        case "[": break
        case "7": return saved = (row, column)
        case "8": return (row, column) = saved
        default: return
        }
        var parameters = ""
        while let scalar = scalars.popFirst() {
            guard scalar.value >= 0x40 else {
                parameters.unicodeScalars.append(scalar)
                continue
            }
            let number = Int(parameters) ?? 1
            switch scalar {
            case "A": row = max(0, row - number)
            case "D": column = max(0, column - number)
            case "l" where parameters == "?7": wraps = false
            case "h" where parameters == "?7": wraps = true
            case "J" where parameters.isEmpty:
                rows[row] = Array(rows[row].prefix(column))
                rows.removeSubrange((row + 1)...)
            default: break  // colours, and modes of the terminal
            }
            return
        }
    }
}
