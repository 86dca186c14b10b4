import Bytes
import CSystem

/// Compresses messages for every connection that negotiated it (RFC 7692, section 7.2.1), one at a time.
///
/// It keeps nothing from one message to the next, so that one message can be compressed once and sent to many. Not to be
/// used by several threads.
@safe  // unsafe inside: zlib's state lies at one address from init to deinit, and only the methods below use it
package final class Deflater {
    private let stream: UnsafeMutablePointer<z_stream>

    /// Fast, and with little memory (18 KB) to clear before each message. The best level and the largest window would make
    /// a text of 15 KB a tenth smaller in twice the time, one of 1 KB no smaller.
    private static let level: Int32 = 3
    private static let memoryLevel: Int32 = 5

    /// Nil where there is no memory for it.
    package init?() {
        unsafe stream = .allocate(capacity: 1)
        unsafe stream.initialize(to: z_stream())
        // unsafe: the version and size that zlib checks are those of the header this is compiled with. The window is negative
        // for raw deflate.
        let status = unsafe deflateInit2_(
            stream, Self.level, Z_DEFLATED, -Int32(PermessageDeflate.windowBits), Self.memoryLevel,
            Z_DEFAULT_STRATEGY, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
        if status != Z_OK { return nil }
    }

    deinit {
        unsafe deflateEnd(stream)  // harmless where init failed: zlib checks
        unsafe stream.deallocate()
    }

    /// Appends the compressed form of a message to `out`: the payload of a frame with RSV1 set.
    package func compress(_ payload: Span<UInt8>, into out: inout [UInt8]) {
        _ = unsafe deflateReset(stream)
        // unsafe: zlib reads no more than `avail_in` bytes, during this call only, and does not write to them.
        unsafe payload.withUnsafeBufferPointer { source in
            unsafe stream.pointee.next_in = UnsafeMutablePointer(mutating: source.baseAddress)
            unsafe stream.pointee.avail_in = UInt32(truncatingIfNeeded: payload.count)
            // Room for all of it at once, the tail included, as far as zlib can tell.
            let room = unsafe Int(deflateBound(stream, UInt(payload.count))) + 8
            repeat {
                step(room: room, into: &out)
            } while unsafe stream.pointee.avail_out == 0
        }
        out.removeLast(4)
    }

    private func step(room: Int, into out: inout [UInt8]) {
        out.append(addingCapacity: room) { output in
            // unsafe: zlib writes no more than `avail_out` bytes, during this call only, and says how many it did not.
            unsafe output.withUnsafeMutableBufferPointer { target, initializedCount in
                unsafe stream.pointee.next_out = target.baseAddress
                unsafe stream.pointee.avail_out = UInt32(truncatingIfNeeded: room)
                _ = unsafe deflate(stream, Z_SYNC_FLUSH)
                initializedCount = room - Int(unsafe stream.pointee.avail_out)
            }
        }
    }
}
