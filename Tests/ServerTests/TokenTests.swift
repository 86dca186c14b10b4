import Foundation
import Support
import Testing

/// `chatloop token`, and a server that takes up what it does.
@Suite(.ownThreads) struct TokenTests {
    @Test func token_worksAtOnce_andOlderOnesOfItsNameEnd() throws {
        let world = try ProgramServer("--message-rate", "0")
        let first = try world.token("builds")
        #expect(first.utf8.count == 32)
        #expect(try world.post("x", first).status == 201)
        let second = try world.token("Builds")
        #expect(try world.post("x", first).status == 401)
        #expect(JSON(try world.post("x", second).body)["username"] == "Builds")
        let other = try world.token("news")
        #expect(try world.post("x", second).status == 201)
        #expect(try world.command("builds", "--remove").ending == .exited(0))
        #expect(try world.post("x", second).status == 401)
        #expect(try world.post("x", other).status == 201)
        try world.restart()
        #expect(try world.post("x", second).status == 401)
        #expect(try world.post("x", other).status == 201)
    }

    @Test func folder_holdsDigestsAlone() throws {
        let world = try ProgramServer()
        let token = try world.token()
        #expect(try world.post("x", token).status == 201)
        #expect(try world.server.stop() == .exited(0))
        let files = try #require(FileManager.default.enumerator(atPath: world.data))
        var names: Set<String> = []
        for case let name as String in files {
            names.insert(name)
            guard let bytes = FileManager.default.contents(atPath: world.data + "/" + name) else { continue }
            #expect(bytes.firstRange(of: Data(token.utf8)) == nil, "\(name)")
        }
        #expect(names.contains("tokens.jsonl"))
        #expect(!names.contains { $0.hasSuffix(".new") })
        let attributes = try FileManager.default.attributesOfItem(atPath: world.data + "/tokens.jsonl")
        #expect((attributes[.posixPermissions] as? NSNumber)?.intValue == 0o600)
        #expect(!world.server.child.allErrors().contains(token))
    }

    @Test func list_tellsNamesAndWhen() throws {
        let world = try ProgramServer()
        #expect(try world.command("--list").output == "")
        let tokens = try [world.token("builds"), world.token("ünews")]
        let (ending, output, _) = try world.command("--list")
        #expect(ending == .exited(0))
        let lines = output.split(separator: "\n")
        #expect(lines.map { $0.split(separator: " ").last } == ["builds", "ünews"])
        for line in lines { #expect(line.contains(#/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z  /#)) }
        for token in tokens { #expect(!output.contains(token)) }
    }

    @Test func name_isNobodyElses() throws {
        let world = try ProgramServer()
        let ada = try TestClient(world.server, as: "Ada")
        _ = try world.token("builds")
        // Whoever comes after it was made, whether it has been used or not.
        let bo = try TestClient(world.server)
        for name in ["builds", "BUILDS", "bui1ds"] {
            try bo.send(["type": "join", "username": name])
            _ = try bo.expectError("username_invalid")
        }
        try ada.send(["type": "rename", "username": "Builds"])
        _ = try ada.expectError("username_invalid")
        _ = try world.command("builds", "--remove")
        let cy = try TestClient(world.server)
        #expect(try cy.join("builds")["username"] == "builds")
    }

    @Test func commandLine_isRefusedWhereItMakesNoSense() throws {
        let world = try ProgramServer()
        for arguments in [
            [], ["a", "b"], ["--remove"], ["--list", "a"], ["--list", "--remove"], ["a", "--no"], [""], ["\u{7}"],
            ["Server"], [String(repeating: "x", count: 33)], ["nobody", "--remove"], ["a", "--data", ""],
        ] {
            let child = try Command.start(
                ["token"] + arguments + (arguments.contains("--data") ? [] : ["--data", world.data]))
            #expect(try child.wait() == .exited(64), "\(arguments)")
            #expect(try child.rest().isEmpty)
            #expect(child.allErrors().split(separator: "\n").count == 1)
        }
        _ = try world.token("builds")
        let (ending, _, errors) = try world.command("bui1ds")
        #expect(ending == .exited(64))
        #expect(errors.contains("looks like \"builds\""))
    }

    @Test func folder_isMadeWhereItIsMissing_andSaidWhereItCannotBe() throws {
        let folder = try TemporaryFolder()
        let child = try Command.start(["token", "builds", "--data", folder.path + "/new/folder"])
        #expect(try child.wait() == .exited(0))
        #expect(FileManager.default.fileExists(atPath: folder.path + "/new/folder/tokens.jsonl"))
        try folder.write("file", "x")
        let refused = try Command.start(["token", "builds", "--data", folder.path + "/file"])
        #expect(try refused.wait() == .exited(73))
        #expect(refused.allErrors().split(separator: "\n").count == 1)
    }

    /// Root makes tokens for the server of another user.
    @Test func file_belongsToTheFoldersOwner() throws {
        guard getuid() == 0 else { return print("skipped: only root can give files away") }
        let folder = try TemporaryFolder()
        #expect(chown(folder.path, 12345, 23456) == 0)
        let child = try Command.start(["token", "builds", "--data", folder.path])
        #expect(try child.wait() == .exited(0))
        var status = stat()
        #expect(stat(folder.path + "/tokens.jsonl", &status) == 0)
        #expect(status.st_uid == 12345)
        #expect(status.st_gid == 23456)
    }

    @Test func linesThatMakeNoSense_areLeftOut() throws {
        let world = try ProgramServer()
        let token = try world.token()
        let line = try String(contentsOfFile: world.data + "/tokens.jsonl", encoding: .utf8)
        try world.folder.write(
            "data/tokens.jsonl", "nonsense\n{\"name\":7}\n{\"name\":\"x\",\"digest\":\"0\"}\n\n\(line){\"na")
        #expect(try world.post("x", token).status == 201)
        // A link is not followed: nobody is let in by a file that somebody else may write.
        let child = try Child("/bin/sh", ["-c", "cd \(world.data) && mv tokens.jsonl t && ln -s t tokens.jsonl"])
        #expect(try child.wait() == .exited(0))
        #expect(try world.post("x", token).status == 401)
        #expect(try world.server.child.errorLine(with: "tokens-unreadable").contains("tokens.jsonl"))
    }

    /// Twenty commands at once: each token works.
    @Test func commandsAtOnce_loseNothing() throws {
        let world = try ProgramServer("--message-rate", "0")
        let children = try (0..<20).map { try Command.start(["token", "program \($0)", "--data", world.data]) }
        for child in children {
            let token = try child.line()
            #expect(try world.post("x", token).status == 201)
        }
        #expect(try world.command("--list").output.split(separator: "\n").count == 20)
    }
}
