import Foundation
import Platform

/// The socket on which a service manager hears what its services say of themselves (sd_notify(3)).
package final class NotifySocket {
    /// What the service finds in `NOTIFY_SOCKET`.
    package let name: String
    private let descriptor: Int32

    package enum Place: CaseIterable, Sendable {
        /// A file in the folder for temporary ones.
        case file
        #if os(Linux)
            /// A name that is no file, and begins with `@`.
            case name
        #endif
    }

    package init(_ place: Place) throws {
        let number = UInt64.random(in: 0 ... .max)
        let path: [UInt8]
        switch place {
        case .file:
            name = "\(NSTemporaryDirectory())/chatloop-notify-\(number)"
            path = Array(name.utf8) + [0]
        #if os(Linux)
            case .name:
                name = "@chatloop-notify-\(number)"
                path = [0] + Array(name.utf8.dropFirst())
        #endif
        }
        descriptor = Self.open()
        guard call(descriptor, path, bind) == 0 else { throw Failure("no socket at \(name): \(errno)") }
    }

    private static func open() -> Int32 {
        let descriptor = descriptorLock.withLock {
            let descriptor = socket(AF_UNIX, datagramSocket, 0)
            _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
            return descriptor
        }
        _ = fcntl(descriptor, F_SETFL, O_NONBLOCK)
        return descriptor
    }

    deinit {
        close(descriptor)
        if !name.hasPrefix("@") { unlink(name) }
    }

    /// What is said next; nil if nothing is in time.
    package func heard(within seconds: Double = Deadline.standard) -> String? {
        guard Deadline(seconds: seconds).wait(for: descriptor) else { return nil }
        var bytes = [UInt8](repeating: 0, count: 100)
        let count = read(descriptor, &bytes, bytes.count)
        return String(decoding: bytes[..<max(0, count)], as: UTF8.self)
    }

    /// Has so much waiting here, which nobody reads, that nothing more can be said.
    package func fill() {
        let talker = Self.open()
        defer { close(talker) }
        guard call(talker, Array(name.utf8) + [0], connect) == 0 else { return }
        while write(talker, "x", 1) == 1 {}
    }

    private func call(
        _ descriptor: Int32, _ path: [UInt8], _ function: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Int32
    ) -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + path.count)
        return withUnsafePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { function(descriptor, $0, length) }
        }
    }
}
