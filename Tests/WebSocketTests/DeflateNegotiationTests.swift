import Testing
import WebSocket

/// RFC 7692, sections 5 and 7.1; RFC 6455, section 9.1.
@Suite struct DeflateNegotiationTests {
    private let plain = "permessage-deflate; server_no_context_takeover; client_no_context_takeover"

    private func negotiate(_ offer: String) -> PermessageDeflate.Negotiation {
        PermessageDeflate.negotiate(bytes(offer))
    }

    @Test(
        "Every legal offer is accepted",
        arguments: [
            "permessage-deflate",
            "permessage-deflate; client_max_window_bits",  // Chromium's
            "permessage-deflate; client_max_window_bits=8",
            "permessage-deflate; client_max_window_bits=\"15\"",
            "permessage-deflate; server_no_context_takeover",
            "permessage-deflate;client_no_context_takeover;server_no_context_takeover",
            "permessage-deflate ;\tclient_no_context_takeover ; client_max_window_bits = 10 ",
            "permessage-deflate; client_max_window_bits=\"1\\0\"",
            ", permessage-deflate,,",
            "x-webkit-deflate-frame, permessage-deflate",
            "foo; bar=\"baz\"; qux, permessage-deflate",
        ])
    func accepted(offer: String) {
        #expect(negotiate(offer) == .accepted(header: plain, compress: true))
    }

    @Test(
        "A smaller window is promised as asked; ours is 12 bits, so below that nothing goes compressed",
        arguments: 8...15)
    func windowBits(bits: Int) {
        let header = "\(plain); server_max_window_bits=\(bits)"
        for value in ["\(bits)", "\"\(bits)\""] {
            #expect(
                negotiate("permessage-deflate; server_max_window_bits=\(value)")
                    == .accepted(header: header, compress: bits >= PermessageDeflate.windowBits))
        }
    }

    @Test(
        "An offer with anything unknown, illegal or said twice is declined",
        arguments: [
            "", "foo", "permessage-deflate2", "PERMESSAGE-DEFLATE-X", "x-webkit-deflate-frame",
            "permessage-deflate; unknown", "permessage-deflate; unknown=1",
            "permessage-deflate; server_no_context_takeover=1", "permessage-deflate; client_no_context_takeover=true",
            "permessage-deflate; server_max_window_bits", "permessage-deflate; server_max_window_bits=7",
            "permessage-deflate; server_max_window_bits=16", "permessage-deflate; server_max_window_bits=08",
            "permessage-deflate; server_max_window_bits=+8", "permessage-deflate; server_max_window_bits=1e1",
            "permessage-deflate; client_max_window_bits=7", "permessage-deflate; client_max_window_bits=16",
            "permessage-deflate; client_max_window_bits=x",
            "permessage-deflate; client_max_window_bits=99999999999999999999",
            "permessage-deflate; client_max_window_bits; client_max_window_bits",
            "permessage-deflate; server_no_context_takeover; server_no_context_takeover",
            "permessage-deflate; server_max_window_bits=10; server_max_window_bits=10",
        ])
    func declined(offer: String) {
        #expect(negotiate(offer) == .declined)
        // The next offer is looked at then.
        #expect(negotiate("\(offer), permessage-deflate") == .accepted(header: plain, compress: true))
    }

    @Test("Of several offers the first that will do is accepted")
    func order() {
        #expect(
            negotiate("permessage-deflate; server_max_window_bits=10, permessage-deflate")
                == .accepted(header: plain + "; server_max_window_bits=10", compress: false))
        #expect(
            negotiate("permessage-deflate, permessage-deflate; server_max_window_bits=10")
                == .accepted(header: plain, compress: true))
        #expect(
            negotiate("permessage-deflate; server_max_window_bits=7, permessage-deflate; server_max_window_bits=13")
                == .accepted(header: plain + "; server_max_window_bits=13", compress: true))
    }

    @Test(
        "What is no list of extensions is malformed",
        arguments: [
            ";", "=", "permessage-deflate;", "permessage-deflate; ;", "permessage-deflate; =1",
            "permessage-deflate; a=", "permessage-deflate; a=\"", "permessage-deflate; a=\"b", "permessage-deflate a",
            "permessage-deflate; a b", "permessage-deflate; a=\"b c\"", "permessage-deflate; a=\"\"",
            "permessage-deflate; a=\"b\\", "permessage-deflate; a=b=c", "permessage-deflate/1", "perméssage-deflate",
            "permessage-deflate, a;b=\"c\"d",
        ])
    func malformed(value: String) {
        #expect(negotiate(value) == .malformed)
    }

    @Test("A client takes the answers that fit its offer")
    func verified() {
        func verify(_ answer: String, offered: Bool = true) -> Result<Bool, PermessageDeflate.AnswerFault> {
            PermessageDeflate.verify(bytes(answer), offered: offered)
        }
        let name = "permessage-deflate"
        #expect(verify("") == .success(false))
        #expect(verify("", offered: false) == .success(false))
        #expect(verify("\(name); server_no_context_takeover") == .success(true))
        #expect(verify(PermessageDeflate.offer) == .success(true))
        #expect(verify("\(name); server_no_context_takeover; server_max_window_bits=\"10\"") == .success(true))

        #expect(verify(name) == .failure(.contextTakeover))
        #expect(verify("\(name); client_no_context_takeover") == .failure(.contextTakeover))
        #expect(verify(PermessageDeflate.offer, offered: false) == .failure(.notOffered(name)))
        #expect(verify("foo") == .failure(.notOffered("foo")))
        #expect(verify("\(PermessageDeflate.offer), foo") == .failure(.notOffered("foo")))
        #expect(verify("\(PermessageDeflate.offer), \(PermessageDeflate.offer)") == .failure(.repeated))
        #expect(verify("\(name);") == .failure(.malformed))
        for illegal in [
            "server_no_context_takeover; server_no_context_takeover", "server_no_context_takeover=1", "unknown",
            "server_max_window_bits", "server_max_window_bits=16", "client_max_window_bits",
            "client_max_window_bits=10",  // nobody offered to take it
        ] {
            #expect(verify("\(name); server_no_context_takeover; \(illegal)") == .failure(.illegalParameters))
        }
    }
}
