import Foundation
import Support
import Testing

/// An independent implementation at the other end: Python's `websockets`, where it is installed.
@Suite(.ownThreads) struct CrossCheckTests {
    /// Python, if it has the module; nil, and a word on it, if not.
    static func python(with modules: String) -> String? {
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        for folder in folders {
            let path = "\(folder)/python3"
            guard FileManager.default.isExecutableFile(atPath: path) else { continue }
            let child = try? Child(path, ["-c", "import \(modules)"])
            child?.closeInput()
            if (try? child?.wait()) == .exited(0) { return path }
        }
        print("skipped: there is no Python with \(modules) to check against")
        return nil
    }

    private static let python = python(with: "websockets.sync.client, websockets.sync.server")

    private func start(_ script: String, _ arguments: String...) throws -> Child? {
        guard let python = Self.python else { return nil }
        return try Child(python, ["-u", "-c", script] + arguments)
    }

    /// Two clients of another make, one with compression and one without, and one of ours.
    @Test(arguments: PollerChoice.allCases)
    func itsClientsChatWithOurs(poller: PollerChoice) throws {
        let server = try LiveServer("--message-rate", "0", poller: poller)
        let ada = try TestClient(server, as: "Ada", deflate: true)
        let script = """
            import json, sys
            from websockets.sync.client import connect
            url = sys.argv[1]
            def say(socket, **fields): socket.send(json.dumps(fields))
            def hear(socket, kind):
                while True:
                    message = json.loads(socket.recv(timeout=30))
                    if message["type"] == kind: return message
            plain = connect(url, compression=None, subprotocols=["chatloop.v1"])
            small = connect(url, compression="deflate")
            assert plain.subprotocol == "chatloop.v1" and small.subprotocol is None
            assert not plain.protocol.extensions and len(small.protocol.extensions) == 1
            say(plain, type="join", username="Plain")
            assert hear(plain, "welcome")["users"] == ["Plain", "Ada"]
            say(small, type="join", username="Small")
            hear(small, "welcome")
            long = "Ein langer Text mit Umlauten: äöü. " * 100
            say(plain, type="message", text=long, id="p")
            say(small, type="message", text=long + "!", id="s")
            for socket in (plain, small):
                texts = [hear(socket, "message")["text"] for _ in range(3)]
                assert sorted(texts) == sorted([long, long + "!", "from Ada"]), texts
            plain.ping().wait(30)
            small.close(1000, "bye")
            assert small.close_code == 1000, small.close_code
            plain.close(1001)
            assert plain.close_code == 1001, plain.close_code
            print("fine")
            """
        guard let child = try start(script, "ws://127.0.0.1:\(server.port)/chat") else { return }
        _ = try ada.expect("join", of: "Plain")
        _ = try ada.expect("join", of: "Small")
        try ada.say("from Ada")
        var texts: [String: String] = [:]
        while texts.count < 3 {
            let message = try ada.expect("message")
            texts[message["username"] ?? ""] = message.said
        }
        #expect(texts["Small"] == (texts["Plain"] ?? "") + "!" && texts["Ada"] == "from Ada")
        _ = try ada.expect("leave", of: "Small", within: 4)
        #expect(try child.rest() == "fine\n", "\(child.allErrors())")
    }

    /// `talk` with a server of another make, which plays the chat's part, cuts the connection, and is come back to.
    @Test(arguments: ["deflate", "None"])
    func talkSpeaksWithItsServer(compression: String) throws {
        let script = """
            import json, sys
            from websockets.sync.server import serve
            from websockets.exceptions import ConnectionClosed
            compression = None if sys.argv[1] == "None" else sys.argv[1]
            history, codes = [], []
            def event(kind, **fields):
                history.append(dict(type=kind, seq=len(history) + 1, time=1700000000000, **fields))
                return history[-1]
            def handle(socket):
                assert (len(socket.protocol.extensions) == 1) == (compression is not None)
                assert socket.subprotocol == "chatloop.v1"
                try:
                    join = json.loads(socket.recv())
                    since = join.get("since", 0)
                    assert ("session" in join) == (since > 0)
                    socket.send(json.dumps(dict(type="welcome", username=join["username"], room="lobby", users=["bot"],
                        userCount=1, session="5e55", seq=len(history), gap=False,
                        history=[e for e in history if e["seq"] > since])))
                    if not since: socket.send(json.dumps(event("join", username="bot")))
                    for text in socket:
                        message = json.loads(text)
                        assert message["type"] == "message"
                        said = [e for e in history if e.get("id") == message["id"]]
                        if not said:
                            said = [event("message", username="bot", text=message["text"], id=message["id"])]
                            if message["text"] == "cut": return socket.socket.close()
                        # In two fragments, with a ping in their midst.
                        text = json.dumps(said[0])
                        socket.ping()
                        socket.send([text[:10], text[10:]])
                    codes.append(socket.close_code)
                except ConnectionClosed as closed:
                    codes.append(closed.rcvd.code if closed.rcvd else None)
                finally:
                    if codes and codes[-1] == 1000:
                        print([e["text"] for e in history if e["type"] == "message"], flush=True)
                        server.shutdown()
            server = serve(handle, "127.0.0.1", 0, compression=compression, subprotocols=["chatloop.v1"])
            print(server.socket.getsockname()[1], flush=True)
            server.serve_forever()
            """
        guard let child = try start(script, compression) else { return }
        let port = try child.line()
        let talk = try Command.start(["talk", "127.0.0.1:\(port)", "--username", "bot"])
        let long = String(repeating: "lang ", count: 500)
        talk.write("one\ncut\n\(long)\n")
        talk.closeInput()
        let lines = try talk.rest().split(separator: "\n").map { $0.dropFirst("2023-11-14 22:13 ".count) }
        #expect(try talk.wait() == .exited(0), "\(talk.allErrors())")
        #expect(lines == ["* bot joined", "bot: one", "bot: cut", "bot: \(long)"])
        #expect(try child.line() == "['one', 'cut', '\(long)']", "\(child.allErrors())")
    }

    /// `bench` with a chat of another make, which is correct, or loses, doubles or reorders one message for one client.
    @Test(arguments: ["none", "lost", "doubled", "out of order"])
    func benchSeesWhatItsChatDoesWrong(fault: String) throws {
        let script = """
            import asyncio, json, sys
            from websockets.asyncio.server import serve
            fault, members, said = sys.argv[1], [], []
            def text(**fields): return json.dumps(fields, separators=(",", ":"))
            async def handle(socket):
                async for request in socket:
                    request = json.loads(request)
                    if request["type"] == "join":
                        await socket.send(text(type="welcome", username=request["username"]))
                        members.append(socket)
                        for member in members: await member.send(text(type="join", username=request["username"]))
                        continue
                    said.append(text(type="message", username="someone", text=request["text"]))
                    for member in list(members):
                        news = said[-1:]
                        if member is members[1] and len(said) in (20, 21):
                            if fault == "lost" and len(said) == 20: news = []
                            if fault == "doubled": news = said[-1:] * (2 if len(said) == 20 else 1)
                            if fault == "out of order": news = [] if len(said) == 20 else [said[-1], said[-2]]
                        for each in news: await member.send(each)
            async def main():
                async with serve(handle, "127.0.0.1", 0, compression=None) as server:
                    print(list(server.sockets)[0].getsockname()[1], flush=True)
                    await asyncio.Future()
            asyncio.run(main())
            """
        guard let child = try start(script, fault) else { return }
        let bench = try Command.start([
            "bench", "paced", "127.0.0.1:\(try child.line())", "--clients", "4", "--rate", "100", "--duration", "0.5",
            "--warm-up", "0",
        ])
        let output = try bench.rest()
        guard fault != "none" else {
            #expect(try bench.wait() == .exited(0), "\(output)\(bench.allErrors())")
            return
        }
        #expect(try bench.wait() == .exited(1))
        let counts = ["lost", "doubled", "out of order"].map { "\($0 == fault ? 1 : 0) \($0)" }.joined(separator: ", ")
        #expect(bench.allErrors() == "chatloop: \(counts)\n")
    }
}
