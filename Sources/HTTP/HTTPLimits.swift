/// How much of a message head is read before the peer is refused: the one place for these numbers.
///
/// They bound what a connection that is still speaking HTTP can make this process remember, a few times 16 KiB at most.
package enum HTTPLimits {
    /// The longest request line in bytes, without its CRLF. RFC 9112, 3 asks for 8,000 at least; a longer one is 414.
    package static let requestLine = 8 * 1024

    /// The longest head in bytes, from the first byte of the start line to the end of the empty line; a longer one is
    /// 431. Browsers with many cookies for one host stay below 8 KiB.
    package static let head = 16 * 1024

    /// The most field lines in a head; more are 431. A browser behind two proxies sends about thirty.
    package static let fields = 100

    /// The most interim responses (1xx) that a client skips while it waits for the final one.
    package static let interimResponses = 8
}
