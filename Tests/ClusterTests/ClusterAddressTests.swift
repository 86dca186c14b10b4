import Cluster
import Testing

/// Where a cluster's engine is, as people write it.
@Suite struct ClusterAddressTests {
    @Test func tcp_hasStandardPortAndDatabase() {
        let address = ClusterAddress("redis://cache.example")
        #expect(address?.place == .tcp(host: "cache.example", port: 6379, isSecure: false))
        #expect(address?.user == nil && address?.password == nil && address?.database == 0)
    }

    @Test func userAndPassword_arePercentDecoded() {
        let address = ClusterAddress("rediss://ad%C3%A4:p%40s:%2Fw@[2001:db8::1]:7000/5")
        #expect(address?.place == .tcp(host: "2001:db8::1", port: 7000, isSecure: true))
        #expect(address?.user == "adä" && address?.password == "p@s:/w" && address?.database == 5)
        #expect(ClusterAddress("redis://:secret@h")?.user == nil)
        #expect(ClusterAddress("redis://:secret@h/")?.password == "secret")
    }

    @Test func unixSocket_isItsPath() {
        #expect(ClusterAddress("unix:/run/valkey/valkey.sock")?.place == .unix(path: "/run/valkey/valkey.sock"))
    }

    @Test(arguments: [
        "", "redis:", "redis://", "redis:///5", "redis://user@h", "redis://:p%4@h", "redis://:p%FF@h", "redis://h:0",
        "redis://h:65536", "redis://h:x", "redis://h:", "redis://h/-1", "redis://h/a", "redis://h/1/2", "redis://[::1",
        "redis://[::1]x", "redis://a b", "http://h", "unix:", "h:6379", "redis://h?x=1",
    ])
    func anythingElse_isNone(text: String) {
        #expect(ClusterAddress(text) == nil)
    }
}
