/// Where OpenSSL finds what was received and leaves what is to be sent, while one of its functions runs: a BIO of our own in
/// place of memory BIOs, which would keep the largest size they have ever had for each connection.
///
/// All connections of a context share one, since they are served one after the other.
@safe final class Exchange {
    /// What OpenSSL has not taken yet of what was received: memory that is there for as long as the call that brings it.
    var input = unsafe UnsafeRawBufferPointer(start: nil, count: 0)
    /// What is to be sent.
    var output: [UInt8] = []

    // What OpenSSL's macros stand for.
    private static let sourceAndSink: Int32 = 0x400
    private static let flush: Int32 = 11
    private static let read: Int32 = 0x01
    private static let retryFlags: Int32 = 0x0F
    private static let shouldRetry: Int32 = 0x08

    /// Tells OpenSSL of the callbacks below, once.
    static func makeMethod(_ library: OpenSSL) throws(TLSError) -> OpaquePointer {
        // The method is never freed: it serves for as long as the library.
        guard let method = unsafe library.newMethod(sourceAndSink, "chatloop"),
            unsafe library.setMethodWrite(method, writeCallback) == 1,
            unsafe library.setMethodRead(method, readCallback) == 1,
            unsafe library.setMethodControl(method, controlCallback) == 1
        else { throw .setup(OpenSSLError.takeAll(library).reason) }
        return unsafe method
    }

    /// A BIO that reads and writes here. It does not keep this object alive: its connection does, by its context.
    func makeBIO(_ library: OpenSSL) -> OpaquePointer? {
        guard let bio = unsafe library.newBIO(library.exchangeMethod) else { return nil }
        unsafe library.setData(bio, Unmanaged.passUnretained(self).toOpaque())
        unsafe library.setInit(bio, 1)
        return unsafe bio
    }

    /// The exchange that `bio` was made for. Called back by OpenSSL within one of its functions, for which a connection has called:
    /// so the object is alive.
    @inline(__always)
    private static func of<Result>(_ bio: OpaquePointer?, _ body: (Exchange, OpenSSL) -> Result) -> Result? {
        guard case .success(let library) = OpenSSL.loaded, let data = unsafe library.data(bio) else { return nil }
        return unsafe Unmanaged<Exchange>.fromOpaque(data)._withUnsafeGuaranteedRef { body($0, library) }
    }

    private static let writeCallback: OpenSSL.WriteCallback = { bio, bytes, count in
        let written = unsafe Exchange.of(bio) { exchange, _ in
            // OpenSSL's own `count` bytes, for the length of this call.
            unsafe exchange.output.append(contentsOf: UnsafeBufferPointer(start: bytes, count: Int(count)))
            return count
        }
        return written ?? -1
    }

    private static let readCallback: OpenSSL.ReadCallback = { bio, buffer, count in
        let taken = unsafe Exchange.of(bio) { exchange, library -> Int32 in
            unsafe library.clearFlags(bio, retryFlags)
            let taken = unsafe min(Int(count), exchange.input.count)
            guard taken > 0, let buffer = unsafe buffer, let start = unsafe exchange.input.baseAddress else {
                // Nothing more yet: that is no end.
                unsafe library.setFlags(bio, read | shouldRetry)
                return -1
            }
            // OpenSSL's buffer has room for `count` bytes; `input` is held by the caller of `receive`.
            unsafe UnsafeMutableRawPointer(buffer).copyMemory(from: start, byteCount: taken)
            unsafe exchange.input = UnsafeRawBufferPointer(rebasing: exchange.input[taken...])
            return Int32(truncatingIfNeeded: taken)
        }
        return taken ?? -1
    }

    /// Flushing is done when it is asked for; nothing else is known here.
    private static let controlCallback: OpenSSL.ControlCallback = { _, command, _, _ in command == flush ? 1 : 0 }
}
