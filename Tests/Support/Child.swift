import Foundation

/// Something that did not happen in time, or not as it should.
package struct Failure: Error, CustomStringConvertible {
    package let description: String
    package init(_ description: String) { self.description = description }
}

/// A point in time until which something is waited for: generously, as the machine may be busy with other things.
package struct Deadline {
    package static let standard: Double = 30
    private let end: Double

    package init(seconds: Double = Deadline.standard) { end = Self.now + seconds }

    package static var now: Double { ProcessInfo.processInfo.systemUptime }

    package var secondsLeft: Double { max(0, end - Self.now) }
    package var isOver: Bool { secondsLeft <= 0 }

    /// Waits until one of the descriptors has something to read, or room to be written to.
    ///
    /// - Returns: whether there is one.
    package func wait(for descriptor: Int32, _ events: Int32 = POLLIN) -> Bool {
        while true {
            var entry = pollfd(fd: descriptor, events: Int16(events), revents: 0)
            let count = poll(&entry, 1, Int32(min(secondsLeft * 1000, 1e6).rounded(.up)))
            if count > 0 { return true }
            if count == 0 || errno != EINTR { return false }
        }
    }
}

/// Has all of the body run on a thread of its own, so that a long wait keeps no other test from running.
package func onThread<Result: Sendable>(_ body: @escaping @Sendable () throws -> Result) async throws -> Result {
    try await withCheckedThrowingContinuation { continuation in
        Thread.detachNewThread { continuation.resume(with: Swift.Result { try body() }) }
    }
}

/// Writing to a process or a peer that is gone is to be an error, not the end of the tests.
package func ignoreBrokenPipes() { _ = signal(SIGPIPE, SIG_IGN) }

/// Held while a descriptor is made that no other program may inherit, and while one is started: in between it would.
package let descriptorLock = NSLock()

/// A program that was started. It is killed with its owner's end, if it still runs.
package final class Child {
    package enum Ending: Equatable {
        case exited(Int32)
        case killed(by: Int32)
    }

    package let process: pid_t
    /// Where its standard input comes from; -1 once that is closed.
    package private(set) var input: Int32
    private var output: Int32
    private let errors: Int32
    /// What it has written and nobody has taken yet.
    private var outputBytes: [UInt8] = []
    private var errorBytes: [UInt8] = []
    private var ending: Ending?
    /// What it has used of a processor by itself, once its end was waited for: however busy the machine is.
    package private(set) var processorSeconds = 0.0

    /// - Parameters:
    ///   - terminal: a descriptor to use for all three standard streams in place of pipes.
    ///   - environment: all there is of it.
    ///   - inherited: a descriptor that it gets, under `number` if that is given, else under the same.
    package init(
        _ path: String, _ arguments: [String], environment: [String: String] = [:], terminal: Int32? = nil,
        inheriting inherited: Int32? = nil, as number: Int32? = nil
    ) throws {
        descriptorLock.lock()
        defer { descriptorLock.unlock() }
        var pipes: [Int32] = []
        for _ in 0..<3 {
            var ends: [Int32] = [-1, -1]
            guard pipe(&ends) == 0 else { throw Failure("no pipe: \(errno)") }
            for end in ends { _ = fcntl(end, F_SETFD, FD_CLOEXEC) }
            pipes += ends
        }
        #if canImport(Darwin)
            var actions: posix_spawn_file_actions_t?
            var attributes: posix_spawnattr_t?
        #else
            var actions = posix_spawn_file_actions_t()
            var attributes = posix_spawnattr_t()
        #endif
        posix_spawn_file_actions_init(&actions)
        posix_spawnattr_init(&attributes)
        defer {
            posix_spawn_file_actions_destroy(&actions)
            posix_spawnattr_destroy(&attributes)
        }
        // Threads of a pool have signals blocked, and this process ignores SIGPIPE: neither is to be inherited.
        var signals = sigset_t()
        sigemptyset(&signals)
        posix_spawnattr_setsigmask(&attributes, &signals)
        sigaddset(&signals, SIGPIPE)
        posix_spawnattr_setsigdefault(&attributes, &signals)
        var flags = Int16(POSIX_SPAWN_SETSIGMASK) | Int16(POSIX_SPAWN_SETSIGDEF)
        // As a shell does it: with a process group of its own that has somebody to continue it, it can be stopped.
        if terminal != nil { flags |= Int16(POSIX_SPAWN_SETPGROUP) }
        posix_spawnattr_setflags(&attributes, flags)
        for (end, target) in [(pipes[0], 0), (pipes[3], 1), (pipes[5], 2)] as [(Int32, Int32)] {
            posix_spawn_file_actions_adddup2(&actions, terminal ?? end, target)
        }
        // A descriptor that is put in its own place stays open.
        if let inherited { posix_spawn_file_actions_adddup2(&actions, inherited, number ?? inherited) }
        let all = ["PATH": ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin"]
            .merging(environment) { $1 }
        var argv: [UnsafeMutablePointer<CChar>?] = ([path] + arguments).map { strdup($0) } + [nil]
        var envp: [UnsafeMutablePointer<CChar>?] = all.map { strdup("\($0)=\($1)") } + [nil]
        defer { (argv + envp).forEach { free($0) } }
        var process: pid_t = 0
        let result = posix_spawn(&process, path, &actions, &attributes, &argv, &envp)
        for end in [pipes[0], pipes[3], pipes[5]] { close(end) }
        (self.process, input, output, errors) = (process, pipes[1], pipes[2], pipes[4])
        guard result == 0 else {
            ending = .exited(127)
            throw Failure("cannot start \(path): \(String(cString: strerror(result)))")
        }
        ignoreBrokenPipes()
        for end in [output, errors] { _ = fcntl(end, F_SETFL, O_NONBLOCK) }
    }

    deinit {
        if ending == nil {
            kill(process, SIGKILL)
            var status: Int32 = 0
            waitpid(process, &status, 0)
        }
        for descriptor in [input, output, errors] where descriptor >= 0 { close(descriptor) }
    }

    // MARK: What it reads and writes

    package func write(_ text: String) {
        var bytes = Array(text.utf8)[...]
        while !bytes.isEmpty {
            let count = bytes.withUnsafeBytes { Foundation.write(input, $0.baseAddress, $0.count) }
            guard count > 0 else { return }
            bytes = bytes.dropFirst(count)
        }
    }

    package func closeInput() {
        if input >= 0 { close(input) }
        input = -1
    }

    /// Reads nothing of its standard output any more, as a program that has ended.
    package func closeOutput() {
        if output >= 0 { close(output) }
        output = -1
    }

    /// The next line of its standard output, without the line break.
    package func line(within seconds: Double = Deadline.standard) throws -> String {
        let deadline = Deadline(seconds: seconds)
        while true {
            if let end = outputBytes.firstIndex(of: 10) {
                defer { outputBytes.removeFirst(end + 1) }
                return String(decoding: outputBytes[..<end], as: UTF8.self)
            }
            guard deadline.wait(for: output) else { throw Failure("no line in time, but \(text(outputBytes))") }
            guard Self.read(output, into: &outputBytes) else {
                throw Failure("its output ended, after \(text(outputBytes)) and errors \(allErrors())")
            }
        }
    }

    /// The next line of its standard output that holds `part`; others are passed over.
    package func line(with part: String, within seconds: Double = Deadline.standard) throws -> String {
        let deadline = Deadline(seconds: seconds)
        while true {
            let line = try line(within: deadline.secondsLeft)
            if line.contains(part) { return line }
        }
    }

    /// The next line on standard error that holds `part`; others are passed over.
    package func errorLine(with part: String, within seconds: Double = Deadline.standard) throws -> String {
        let deadline = Deadline(seconds: seconds)
        while true {
            while let end = errorBytes.firstIndex(of: 10) {
                let line = String(decoding: errorBytes[..<end], as: UTF8.self)
                errorBytes.removeFirst(end + 1)
                if line.contains(part) { return line }
            }
            guard deadline.wait(for: errors), Self.read(errors, into: &errorBytes) else {
                throw Failure("no error line with \(part)")
            }
        }
    }

    /// Everything else on standard output, after it has ended.
    package func rest(within seconds: Double = Deadline.standard) throws -> String {
        let deadline = Deadline(seconds: seconds)
        repeat {
            guard deadline.wait(for: output) else { throw Failure("still running, with output \(text(outputBytes))") }
        } while Self.read(output, into: &outputBytes)
        defer { outputBytes = [] }
        return text(outputBytes)
    }

    /// What it has written to standard error so far.
    package func allErrors() -> String {
        while Deadline(seconds: 0).wait(for: errors), Self.read(errors, into: &errorBytes) {}
        return text(errorBytes)
    }

    /// Reads what it writes to standard error, and forgets it, until that ends.
    package func drainErrors() {
        repeat {
            errorBytes = []
            _ = Deadline().wait(for: errors)
        } while Self.read(errors, into: &errorBytes)
    }

    private func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }

    /// - Returns: false at the end.
    private static func read(_ descriptor: Int32, into bytes: inout [UInt8]) -> Bool {
        var buffer = [UInt8](repeating: 0, count: 65536)
        let count = Foundation.read(descriptor, &buffer, buffer.count)
        if count > 0 { bytes += buffer[..<count] }
        return count > 0 || (count < 0 && errno == EAGAIN)
    }

    // MARK: Its end

    package func signal(_ number: Int32) { kill(process, number) }

    /// Waits for its end, which closes its standard output.
    package func wait(within seconds: Double = Deadline.standard) throws -> Ending {
        if let ending { return ending }
        outputBytes += Array(try rest(within: seconds).utf8)
        return takeEnding(0) ?? .exited(-1)
    }

    /// The same for one that has no pipe for its output: asks now and then.
    package func waitForProcess(within seconds: Double = Deadline.standard) throws -> Ending {
        let deadline = Deadline(seconds: seconds)
        while !deadline.isOver {
            if let ending = ending ?? takeEnding(WNOHANG) { return ending }
            usleep(2000)
        }
        throw Failure("still running")
    }

    /// Waits until it is stopped by a signal: asks now and then.
    package func waitForStop(within seconds: Double = Deadline.standard) throws {
        let deadline = Deadline(seconds: seconds)
        var status: Int32 = 0
        while !deadline.isOver {
            if waitpid(process, &status, WNOHANG | WUNTRACED) == process {
                guard status & 0xFF == 0x7F else { throw Failure("it has ended with status \(status)") }
                return
            }
            usleep(2000)
        }
        throw Failure("not stopped")
    }

    private func takeEnding(_ options: Int32) -> Ending? {
        var status: Int32 = 0
        var usage = rusage()
        guard wait4(process, &status, options, &usage) == process else { return nil }
        processorSeconds = Double(usage.ru_utime.tv_sec) + Double(usage.ru_utime.tv_usec) / 1e6
        let isExit = status & 0x7F == 0
        let ending = isExit ? Ending.exited(status >> 8 & 0xFF) : .killed(by: status & 0x7F)
        self.ending = ending
        return ending
    }
}

/// The command that is tested: the executable that was built along with the tests.
package enum Command {
    package static func path() throws -> String {
        if let path = ProcessInfo.processInfo.environment["CHATLOOP"] { return path }
        // Beside the test bundle, which is the program itself on Linux, and an argument of it on macOS.
        for argument in CommandLine.arguments {
            var folder = URL(fileURLWithPath: argument)
            for _ in 0..<5 {
                folder.deleteLastPathComponent()
                let candidate = folder.appendingPathComponent("chatloop").path
                var isFolder: ObjCBool = false
                if FileManager.default.fileExists(atPath: candidate, isDirectory: &isFolder), !isFolder.boolValue,
                    FileManager.default.isExecutableFile(atPath: candidate)
                {
                    return candidate
                }
            }
        }
        throw Failure("there is no executable chatloop beside \(CommandLine.arguments)")
    }

    package static func start(
        _ arguments: [String], environment: [String: String] = [:], terminal: Int32? = nil
    ) throws -> Child {
        try Child(path(), arguments, environment: environment, terminal: terminal)
    }
}

/// A folder that is gone with its owner.
package final class TemporaryFolder {
    package let path: String

    package init() throws {
        var template = Array("\(NSTemporaryDirectory())/chatloop-XXXXXX".utf8CString)
        guard mkdtemp(&template) != nil else { throw Failure("no temporary folder: \(errno)") }
        path = String(decoding: template.dropLast().map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    deinit { try? FileManager.default.removeItem(atPath: path) }

    package func write(_ name: String, _ text: String) throws {
        let file = URL(fileURLWithPath: path).appendingPathComponent(name)
        try FileManager.default.createDirectory(at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: file)
    }
}
