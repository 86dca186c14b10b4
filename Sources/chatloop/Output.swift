import Sockets

/// Writes to the standard streams at once, without a buffer that would have to be flushed. Where nobody reads there is nobody
/// to tell.
enum Output {
    static func standard(_ text: String) { _ = SharedStream.write(SharedStream.output, text) }
    static func error(_ text: String) { _ = SharedStream.write(SharedStream.error, text) }
}
