import Foundation
import Support
import Testing

/// What `chatloop deploy` prints, run by the programs that it is for. (The proxies' part is in `ReverseProxyTests`.)
@Suite(.ownThreads) struct DeployTests {
    private func printed(_ way: String) throws -> String {
        let child = try Command.start(["deploy", way])
        let output = try child.rest()
        #expect(try child.wait() == .exited(0) && child.allErrors().isEmpty)
        return output
    }

    private static func find(_ name: String) -> String? {
        let path = ["/usr/bin", "/usr/sbin", "/usr/local/bin"].map { "\($0)/\(name)" }
            .first { FileManager.default.isExecutableFile(atPath: $0) }
        if path == nil { print("skipped: there is no \(name) here to judge what is printed") }
        return path
    }

    @Test(arguments: [[], ["dance"], ["systemd", "caddy"], ["--dance"]])
    func badCommandLine_isToldInOneLine(arguments: [String]) throws {
        let child = try Command.start(["deploy"] + arguments)
        #expect(try child.wait() == .exited(64))
        #expect(child.allErrors().split(separator: "\n").count == 1)
    }

    /// The command that is printed above the files puts them in place; systemd takes all, and rates the services.
    @Test func systemd_verifiesTheUnitsAndRatesThemBelow3() throws {
        guard let analyze = Self.find("systemd-analyze") else { return }
        let folder = try TemporaryFolder()
        let text = try printed("systemd")
        let place = try #require(text.firstMatch(of: #/\| sudo (awk '.*')\n/#)?.1)
        // In a folder of the test's, with the command that was built.
        let moved = text.replacing("/etc/systemd/system/", with: "\(folder.path)/")
            .replacing("/usr/local/bin/chatloop", with: try Command.path())
        // The folder takes the place of /etc/systemd/system in the command, too.
        let writer = try Child(
            "/bin/sh", ["-c", String(place).replacing(#"\/etc\/"#, with: folder.path.replacing("/", with: #"\/"#))])
        writer.write(moved)
        writer.closeInput()
        #expect(try writer.wait() == .exited(0), "\(writer.allErrors())")
        let units = ["chatloop.socket", "chatloop.service", "chatloop@.service"].map { "\(folder.path)/\($0)" }
        for unit in units { #expect(FileManager.default.fileExists(atPath: unit)) }
        let verify = try Child(analyze, ["verify", "--man=no"] + units)
        #expect(try verify.wait() == .exited(0))
        // It complains of other units of the machine, too.
        let complaints = verify.allErrors().split(separator: "\n").filter { $0.contains("chatloop") }
        #expect(complaints.isEmpty, "\(complaints)")
        let security = try Child(
            analyze, ["security", "--offline=yes", "--no-pager", "--threshold=30"] + units.dropFirst())
        let ending = try security.wait()
        guard !security.allErrors().contains("unrecognized option") else {
            return print("skipped: this systemd-analyze does not rate units in files")
        }
        #expect(ending == .exited(0), "the exposure is 3 or more: \(security.allErrors())")
    }

    /// The service starts with the very command line that is printed, and is reached over the socket that it is handed.
    @Test func systemd_startsWhatItPrints() throws {
        let text = try printed("systemd")
        let folder = try TemporaryFolder()
        let line = try #require(text.firstMatch(of: #/\nExecStart=(.*)\n/#)?.1)
            .replacing("/usr/local/bin/chatloop", with: try Command.path())
            .replacing("/var/lib/chatloop", with: "\(folder.path)/data")
        let (descriptor, port) = try listenAnywhere()
        defer { close(descriptor) }
        let manager = try NotifySocket(.file)
        let child = try Child(
            "/bin/sh", ["-c", "export LISTEN_PID=$$ LISTEN_FDS=1; exec \(line)"],
            environment: ["NOTIFY_SOCKET": manager.name], inheriting: descriptor, as: 3)
        #expect(manager.heard() == "READY=1")
        #expect(try child.line().hasSuffix(":\(port)/"))
        child.signal(SIGTERM)
        #expect(try child.wait() == .exited(0))
    }

    /// What the container's file has run, without a container: its command line, in the order and with the folder it says.
    @Test func container_runsWhatItPrints() throws {
        let text = try printed("container")
        let folder = try TemporaryFolder()
        let words = try #require(text.firstMatch(of: #/\nENTRYPOINT (\[.*\])\n/#)?.1)
        var command = try JSONDecoder().decode([String].self, from: Data(words.utf8))
        #expect(command.removeFirst() == "/usr/local/bin/chatloop")
        #expect(command.last == "/data" && text.contains("\nVOLUME /data\n") && text.contains("\nSTOPSIGNAL SIGTERM\n"))
        command[command.count - 1] = "\(folder.path)/data"
        let child = try Command.start(command + ["--port", "0"])
        #expect(try child.line().hasPrefix("Chatloop is listening on http://0.0.0.0:"))
        child.signal(SIGTERM)
        #expect(try child.wait() == .exited(0))
    }

    /// A binary with Swift's own libraries in it runs where there is nothing beside the C library and zlib.
    @Test func staticBinary_runsInAFolderWithTheCLibraryAlone() throws {
        guard let binary = ProcessInfo.processInfo.environment["CHATLOOP_STATIC"] else {
            return print("skipped: CHATLOOP_STATIC names no binary of a static build")
        }
        guard geteuid() == 0, let chroot = Self.find("chroot"), let ldd = Self.find("ldd") else {
            return print("skipped: only root may run a program in a folder of its own")
        }
        let folder = try TemporaryFolder()
        try FileManager.default.copyItem(atPath: binary, toPath: "\(folder.path)/chatloop")
        let allowed: Set<String> = [
            "libc.so.6", "libm.so.6", "libz.so.1", "ld-linux-x86-64.so.2", "ld-linux-aarch64.so.1",
        ]
        for line in try Child(ldd, [binary]).rest().split(separator: "\n") {
            guard let path = line.firstMatch(of: #/\s(\/\S+)/#)?.1 else { continue }
            guard let name = path.split(separator: "/").last.map(String.init), allowed.contains(name) else {
                Issue.record("it needs \(path)")
                continue
            }
            // The loader is looked for in a place of its own, the others in the standard folders.
            let target = "\(folder.path)\(name.hasPrefix("ld-") ? String(path) : "/lib/\(name)")"
            try FileManager.default.createDirectory(
                atPath: (target as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
            try FileManager.default.copyItem(
                atPath: URL(fileURLWithPath: String(path)).resolvingSymlinksInPath().path, toPath: target)
        }
        let child = try Child(chroot, [folder.path, "/chatloop", "--port", "0", "--data", "/data"])
        let port = try #require(child.line().split(separator: ":").last.flatMap { UInt16($0.dropLast()) })
        let socket = try TestSocket(port: port)
        try socket.send("GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n")
        #expect(try socket.answer().text == "ok")
        child.signal(SIGTERM)
        #expect(try child.wait() == .exited(0))
    }
}
