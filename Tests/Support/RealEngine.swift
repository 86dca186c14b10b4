import Foundation

/// A Redis or Valkey of a test's own, on a Unix socket in a folder that is gone with it.
package final class RealEngine: @unchecked Sendable {
    package static let path = ["redis-server", "valkey-server"].compactMap { find($0) }.first
    package static var isInstalled: Bool { path != nil }
    package static let isMissing = "skipped: neither redis-server nor valkey-server is installed"

    /// Whether it was built with TLS. One that was not has no such setting; one that was has no port to listen on, and says so.
    package static let speaksTLS: Bool = {
        guard let path, let child = try? Child(path, ["--tls-auth-clients", "no", "--port", "0"]) else { return false }
        return (try? child.line(with: "not listen anywhere", within: 10)) != nil
    }()

    private static func find(_ name: String) -> String? {
        (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
    }

    private let folder: TemporaryFolder
    private var process: Child?
    private let options: [String]

    package var socketPath: String { "\(folder.path)/engine.sock" }
    package var processNumber: pid_t? { process?.process }

    /// - Parameter options: in place of, or beside, those that keep everything.
    package init(_ options: [String] = []) throws {
        folder = try TemporaryFolder()
        self.options = options
        try FileManager.default.createDirectory(atPath: "\(folder.path)/data", withIntermediateDirectories: false)
        try start()
    }

    private func start() throws {
        let process = try Child(
            Self.path ?? "",
            [
                "--port", "0", "--unixsocket", socketPath, "--dir", "\(folder.path)/data", "--save", "",
                "--appendonly", "yes", "--appendfsync", "always",
            ] + options)
        _ = try process.line(with: "ready to accept connections")
        self.process = process
    }

    /// How many values have a text in them, in all its keys.
    package func count(_ text: String) throws -> Int {
        let script = """
            local found = 0
            for _, key in ipairs(redis.call('KEYS', '*')) do
              local kind, values = redis.call('TYPE', key).ok, {}
              if kind == 'string' then values = {redis.call('GET', key)} end
              if kind == 'hash' then values = redis.call('HVALS', key) end
              if kind == 'stream' then
                for _, entry in ipairs(redis.call('XRANGE', key, '-', '+')) do values[#values + 1] = entry[2][2] end
              end
              for _, value in ipairs(values) do
                if string.find(value, ARGV[1], 1, true) then found = found + 1 end
              end
            end
            return found
            """
        let client = (Self.path ?? "").replacingOccurrences(of: "-server", with: "-cli")
        let answer = try Child(client, ["-s", socketPath, "EVAL", script, "0", text]).rest()
        guard let count = Int(answer.trimmingCharacters(in: .whitespacesAndNewlines)) else {
            throw Failure("the engine says \(answer)")
        }
        return count
    }

    package func kill() throws {
        process?.signal(SIGKILL)
        _ = try process?.wait()
        process = nil
    }

    package func restart() throws {
        try kill()
        try start()
    }

    // MARK: A tail that is lost

    /// Keeps what it has on the disk now.
    package func keepCopy() throws {
        try? FileManager.default.removeItem(atPath: "\(folder.path)/copy")
        try FileManager.default.copyItem(atPath: "\(folder.path)/data", toPath: "\(folder.path)/copy")
    }

    /// Starts again with what it had when the copy was made, as after a disk has lied, or on a replica that lagged behind.
    package func restartFromCopy() throws {
        try kill()
        try FileManager.default.removeItem(atPath: "\(folder.path)/data")
        try FileManager.default.moveItem(atPath: "\(folder.path)/copy", toPath: "\(folder.path)/data")
        try start()
    }
}
