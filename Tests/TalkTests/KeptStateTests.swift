import Client
import Foundation
import Support
import Testing

@testable import Talk

/// The file of `--state`.
@Suite struct KeptStateTests {
    private let key = String(repeating: "k", count: 20)

    @Test func state_isKeptForItsOwnerAlone_andReplacedAsAWhole() throws {
        let folder = try TemporaryFolder()
        let path = folder.path + "/state"
        try folder.write("state.new", "left behind by a run that was killed")
        var kept = try KeptState(path)
        #expect(kept.state == nil)
        var state = ClientState(key: key)
        #expect(kept.deadline(for: state) != nil)
        try kept.save(state, now: 5_000)
        #expect(kept.deadline(for: state) == nil)
        state.seq = 7
        #expect(kept.deadline(for: state) == 5_000 + TalkTimeouts.betweenSaves)
        let first = open(path, O_RDONLY)
        defer { close(first) }
        try kept.save(state, now: 6_000)
        let again = try KeptState(path)
        #expect(again.state == state)
        let attributes = try FileManager.default.attributesOfItem(atPath: path)
        #expect(attributes[.posixPermissions] as? Int == 0o600)
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder.path) == ["state"])
        // Whoever has opened the old file still has the old file: it was not written over.
        var buffer = [UInt8](repeating: 0, count: 1000)
        let count = read(first, &buffer, buffer.count)
        #expect(ClientState(Array(buffer[..<max(0, count)]).span)?.seq == 0)
    }

    @Test func aFileOfSomethingElse_isLeftAsItIs() throws {
        let folder = try TemporaryFolder()
        try folder.write("notes", "my notes\n")
        #expect(throws: KeptState.Fault.foreign) { try KeptState(folder.path + "/notes") }
        #expect(try String(contentsOfFile: folder.path + "/notes", encoding: .utf8) == "my notes\n")
        try folder.write("empty", "")
        #expect(try KeptState(folder.path + "/empty").state == nil)
        #expect(throws: KeptState.Fault.self) { try KeptState(folder.path) }
    }

    @Test func aFileThatCannotBeWritten_isToldAsThat() throws {
        let folder = try TemporaryFolder()
        var kept = try KeptState(folder.path + "/none/state")
        #expect(throws: (any Error).self) { try kept.save(ClientState(key: key), now: 0) }
        #expect(kept.state == nil)
    }
}
