import Foundation
import Server
import Support
import Testing

/// A recording of the real server, and what `chatloop replay` makes of it.
@Suite(.ownThreads) struct ReplayTests {
    /// People who do everything there is, recorded.
    private func record(in folder: TemporaryFolder) throws -> String {
        let file = folder.path + "/recording"
        let server = try LiveServer("--data", folder.path + "/data", "--record", file, "--rename-rate", "0")
        let ada = try TestClient(server, as: "Ada")
        let bo = try TestClient(server, as: "Bo", deflate: true)
        try ada.say("one", id: "a1")
        try ada.say("two", id: "a2")
        try bo.send(["type": "typing"])
        try bo.send(["type": "rename", "username": "Bob"])
        _ = try ada.skip(to: "rename")
        try ada.send(["type": "history", "before": 4, "limit": 10])
        _ = try ada.expect("history")
        try bo.close(.normal)
        _ = try ada.skip(to: "leave")
        // A connection that is lost, and somebody who comes back with the session and says something again.
        ada.socket.reset()
        let again = try TestClient(server)
        #expect(try again.join("Ada", session: ada.session, since: 1)["username"] == "Ada")
        try again.say("two", id: "a2")
        _ = try again.skip(to: "message")
        #expect(try server.stop() == .exited(0))
        return file
    }

    private func replay(_ file: String) throws -> (ending: Child.Ending, output: String, errors: String) {
        let child = try Command.start(["replay", file])
        let output = try child.rest()
        return (try child.wait(), output, child.allErrors())
    }

    @Test func aRecordingComesOutTheSame() throws {
        let folder = try TemporaryFolder()
        let (ending, output, errors) = try replay(try record(in: folder))
        #expect(ending == .exited(0) && errors.isEmpty, "\(errors)")
        let ticks = try #require(Int(output.prefix { $0 != " " }), "\(output)")
        #expect(ticks >= 8 && output == "\(ticks) ticks replayed; all of them agree\n")
    }

    /// Of the newest outcome in the file one byte is changed: the one tick that ended with it is named.
    @Test func aTickThatCameOutDifferentlyIsNamed() throws {
        let folder = try TemporaryFolder()
        let file = try record(in: folder)
        guard case .agreed(let ticks, false) = try Replay.run(file: file) else {
            Issue.record("it does not come out the same to begin with")
            return
        }
        var bytes = [UInt8](try Data(contentsOf: URL(fileURLWithPath: file)))
        var lastOutcome = 0
        var at = 0
        while at + 5 <= bytes.count {
            if bytes[at] == 4 { lastOutcome = at }
            at += 5 + (0..<4).reduce(0) { $0 | Int(bytes[at + 1 + $1]) << (8 * $1) }
        }
        // The first byte of the digest.
        bytes[lastOutcome + 5] ^= 1
        try Data(bytes).write(to: URL(fileURLWithPath: file))
        let (ending, output, errors) = try replay(file)
        #expect(ending == .exited(1) && output.isEmpty)
        #expect(errors.contains("tick \(ticks), at ") && errors.contains("came out differently"), "\(errors)")
    }

    @Test func whatIsNoRecordingIsRefused() throws {
        let folder = try TemporaryFolder()
        try folder.write("text", "This is no recording.")
        #expect(try replay(folder.path + "/text").ending == .exited(65))
        #expect(try replay(folder.path + "/nothing").ending == .exited(66))
    }

    /// The crash is a trap within the run of a tick, as a bug's would be; which signal that is differs between machines.
    @Test func aTickThatCrashesIsNamed() async throws {
        let folder = try TemporaryFolder()
        let file = try record(in: folder)
        let result = await #expect(
            processExitsWith: .failure, observing: [\.standardErrorContent]
        ) { [file = file as String] in
            _ = try Replay.run(file: file) { tick in
                let none = [Int]()
                if tick == 3 { _ = none[tick] }
            }
        }
        try expectLastWords("the replay crashes in tick 3", result)
    }

    private func expectLastWords(_ text: String, _ result: ExitTest.Result?) throws {
        let errors = String(decoding: try #require(result).standardErrorContent, as: UTF8.self)
        // Numbers are padded.
        let words = errors.split(whereSeparator: \.isWhitespace).joined(separator: " ")
        #expect(words.contains(text), "\(errors.prefix(2000))")
    }
}
