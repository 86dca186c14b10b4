import Foundation
import Support
import Testing

/// Whoever has an IPv6 address has all of its network of 64 bits: the limits per address take that for one. (The addresses
/// are what a trusted proxy says; the same counts take those that connect themselves.)
@Suite(.ownThreads) struct NetworkTests {
    /// Ways to say the third address of one network.
    @Test(arguments: [
        ("X-Forwarded-For", "2001:db8:1:1::3"), ("X-Forwarded-For", "[2001:DB8:1:1:ffff:ffff:ffff:ffff]:4711"),
        ("X-Forwarded-For", "2001:0db8:0001:0001::"),
    ])
    func itHasOnlyItsShareOfConnections(field: String, address: String) throws {
        let server = try LiveServer("--max-connections-per-address", "2", "--trust-proxy", "127.0.0.1")
        let ada = try client(server, "2001:db8:1:1::1")
        try ada.join("Ada")
        let bo = try client(server, "2001:db8:1:1:ffff::2")
        try bo.join("Bo")
        let refused = try TestClient(server, fields: [(field, address)]).expectClose()
        #expect(refused.code == 1013)
        // The networks beside it are somebody else's.
        try client(server, "2001:db8:1:0:ffff::1").join("Cy")
        let di = try client(server, "2001:db8:1:2::1")
        try di.join("Di")
        // Who leaves gives the place back to the network, not to the address.
        try bo.close(.normal)
        _ = try bo.expectClose()
        _ = try di.skip(to: "leave", of: "Bo")
        try TestClient(server, fields: [(field, address)]).join("Eve")
    }

    /// IPv4 addresses that are written as IPv6 ones are all in one such network, and yet each is somebody else's.
    @Test func addressesOfTheOldKindAreNoNetwork() throws {
        let server = try LiveServer("--max-connections-per-address", "1", "--trust-proxy", "127.0.0.1")
        let people = try (1...3).map { try client(server, "::ffff:192.0.2.\($0)") }
        for (person, name) in zip(people, ["Ada", "Bo", "Cy"]) { try person.join(name) }
        #expect(try client(server, "192.0.2.2").expectClose().code == 1013)
    }

    /// Nobody knows who is behind a proxy's connection that has not asked for anything yet, so it counts for no address.
    @Test func aProxyMayHaveManyThatHaveNotAskedForAnything() throws {
        let server = try LiveServer(
            "--max-connections-per-address", "2", "--trust-proxy", "127.0.0.1", "--request-timeout", "60")
        let silent = try (0..<30).map { _ in try TestSocket(port: server.port) }
        for (index, socket) in silent.enumerated() {
            try socket.send(server.head("GET", "/healthz", ["X-Forwarded-For: 2001:db8:1:\(index)::1"]))
            #expect(try socket.answer().text == "ok")
        }
    }

    private func client(_ server: LiveServer, _ address: String) throws -> TestClient {
        try TestClient(server, fields: [("X-Forwarded-For", address)])
    }
}
