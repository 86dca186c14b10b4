import Foundation
import Support
import Testing

#if os(Linux)
    /// The whole server on a disk that is full: refused is refused for everyone, and it goes on by itself.
    @Suite struct FullDiskTests {
        @Test(.enabled(if: mayMount, "skipped: only root may mount a small file system, and not everywhere"))
        func whatCannotBeWrittenIsRefusedAndSeenByNobody() async throws {
            try await onThread {
                let folder = try TemporaryFolder()
                guard mount("tmpfs", folder.path, "tmpfs", 0, "size=512k") == 0 else {
                    throw Failure("no small file system: \(errno)")
                }
                defer { umount(folder.path) }
                try folder.write("ballast", String(repeating: "x", count: 128 << 10))
                var server = try LiveServer("--data", folder.path + "/data", "--message-rate", "0", "--fsync", "always")
                let ada = try TestClient(server, as: "Ada")
                let bo = try TestClient(server, as: "Bo")
                _ = try ada.expect("join", of: "Bo")

                var (told, refused) = ([String](), [String]())
                var newest = 0
                for index in 0..<1000 where refused.count < 5 {
                    let id = "m\(index)"
                    try ada.say(String(repeating: "a", count: 4000), id: id)
                    var answer = try ada.next()
                    if answer.type == "state" {
                        #expect(answer["keeping"] == false)
                        answer = try ada.next()
                    }
                    if answer.type == "error" {
                        #expect(answer["code"] == "storage_failed" && answer["id"] == id)
                        refused.append(id)
                    } else {
                        newest = answer.seq
                        told.append(id)
                    }
                }
                #expect(refused.count == 5)
                // The page, and talk that is not kept, go on.
                #expect(try server.request("GET", "/").status == 200)
                let health = try server.request("GET", "/healthz")
                #expect(health.status == 200 && health.text == "not keeping: disk")
                #expect(try server.request("GET", "/healthz?ready").status == 503)

                // Space is freed: what was refused may be said again, under its own id and the next seq.
                try FileManager.default.removeItem(atPath: folder.path + "/ballast")
                for id in refused {
                    try ada.say(String(repeating: "b", count: 4000), id: id)
                    newest += 1
                    #expect(try ada.skip(to: "message").seq == newest)
                }
                #expect(try server.request("GET", "/healthz?ready").text == "ok")
                for id in told + refused { #expect(try bo.skip(to: "message")["id"] == id) }
                try bo.expectNothingElse()

                // And it is all there after a kill.
                try server.crash()
                server = try LiveServer("--data", folder.path + "/data")
                let cy = try TestClient(server)
                let history: [JSON] = try cy.join("Cy")["history"]
                #expect(history.map { $0["id"] ?? "" } == Array((told + refused).suffix(100)))
                #expect(history.last?.seq == newest)
            }
        }
    }

    /// Root in a container may be without the right to mount: one try tells.
    private let mayMount: Bool = {
        guard geteuid() == 0, let folder = try? TemporaryFolder() else { return false }
        guard mount("tmpfs", folder.path, "tmpfs", 0, "size=64k") == 0 else { return false }
        return umount(folder.path) == 0
    }()
#endif
