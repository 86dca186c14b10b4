import Foundation
import Support
import Testing

/// A server to which the system allows little: files that may not be large, few descriptors.
@Suite(.ownThreads) struct ProcessLimitTests {
    /// - Parameter limits: arguments of the shell's `ulimit`.
    private func start(_ limits: String, _ options: String...) throws -> LiveServer {
        try LiveServer(
            options: options, environment: [:], under: ["/bin/sh", "-c", "ulimit \(limits); exec \"$0\" \"$@\""])
    }

    /// A file may not grow any more: the write fails, and nobody is killed by SIGXFSZ.
    @Test func fileSizeLimit_refusesMessagesAndServesOn() throws {
        let folder = try TemporaryFolder()
        // In blocks of 512 or 1024 bytes, as the shell has it.
        let server = try start("-f 16", "--data", folder.path, "--message-rate", "0")
        let ada = try TestClient(server, as: "Ada")
        let text = String(repeating: "x", count: 1000)
        var refusal: String?
        for index in 0..<40 where refusal == nil {
            try ada.say("\(index) \(text)")
            let answer = try ada.next()
            if answer.type == "error" { refusal = answer["code"] } else { #expect(answer.type == "message") }
        }
        #expect(refusal == "storage_failed")
        #expect(try server.request("GET", "/healthz").status == 200)
        #expect(try server.stop() == .exited(0))
    }

    /// More rooms than there are descriptors: their files take turns.
    @Test(arguments: [64, 128])
    func fewDescriptors_serveManyRooms(limit: Int) throws {
        let folder = try TemporaryFolder()
        let server = try start("-n \(limit)", "--data", folder.path, "--message-rate", "0", "--max-connections", "1000")
        for index in 0..<100 {
            let guest = try TestClient(server, as: "Guest", room: "room-\(index)")
            try guest.say("hello \(index)")
            #expect(try guest.expect("message").said == "hello \(index)")
            try guest.close(.normal)
            _ = try guest.expectClose()
        }
        for index in 0..<100 {
            let guest = try TestClient(server, room: "room-\(index)")
            let welcome = try guest.join("Guest")
            #expect("\(welcome)".contains("hello \(index)"), "room-\(index)")
            try guest.close(.normal)
            _ = try guest.expectClose()
        }
        #expect(try server.stop() == .exited(0))
        let errors = server.child.allErrors()
        #expect(errors.contains("event=max-connections-lowered asked=1000 possible="))
        #expect(!errors.contains("storage-failed"))
    }

    @Test func tooFewDescriptors_isUnavailableWithTheReason() throws {
        let command = try Command.path()
        let child = try Child("/bin/sh", ["-c", "ulimit -n 40; exec '\(command)' --ephemeral --port 0"])
        #expect(try child.wait() == .exited(69))
        #expect(child.allErrors().contains("ulimit -n"))
    }
}
