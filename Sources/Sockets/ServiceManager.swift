import Platform

/// What systemd and a service tell each other: sockets that are open already (sd_listen_fds(3)), and that the service is
/// ready (sd_notify(3)). Where no service manager is, nothing happens.
package enum ServiceManager {
    /// The sockets that the service manager has opened for this process. While the process is started anew they stay open, and
    /// whoever connects waits instead of being refused.
    ///
    /// - Parameters:
    ///   - firstDescriptor: the first descriptor that is handed over, SD_LISTEN_FDS_START; the others follow it.
    ///   - environment: looks a variable of the environment up.
    package static func inheritedListeners(
        firstDescriptor: Int32 = 3, environment: (String) -> String? = Self.environment
    ) throws(SystemError) -> [Listener] {
        guard let process = environment("LISTEN_PID").flatMap(Int32.init), process == getpid(),
            let count = environment("LISTEN_FDS").flatMap(Int32.init), (1...64).contains(count)
        else { return [] }
        var listeners: [Listener] = []
        for descriptor in firstDescriptor..<firstDescriptor + count {
            listeners.append(try Listener(inherited: descriptor))
        }
        return listeners
    }

    /// Tells the service manager something, such as `READY=1`.
    package static func notify(_ state: String, environment: (String) -> String? = Self.environment) {
        guard let path = environment("NOTIFY_SOCKET"), let first = path.utf8.first else { return }
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        var bytes = Array(path.utf8)
        if first == UInt8(ascii: "@") { bytes[0] = 0 }  // Linux: a name that is no file
        guard bytes.count < MemoryLayout.size(ofValue: address.sun_path) else { return }
        // The path fits, as was just checked; the rest stays zero.
        unsafe withUnsafeMutableBytes(of: &address.sun_path) { unsafe $0.copyBytes(from: bytes) }
        let length = socklen_t(MemoryLayout<sa_family_t>.size + bytes.count + (first == UInt8(ascii: "/") ? 1 : 0))
        let descriptor = socket(AF_UNIX, datagramSocket, 0)
        guard descriptor >= 0 else { return }
        setNonBlocking(descriptor)
        let message = Array(state.utf8)
        // Both pointers are to local variables, whose sizes go along.
        unsafe withUnsafePointer(to: &address) { pointer in
            unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { pointer in
                _ = unsafe sendto(descriptor, message, message.count, 0, pointer, length)
            }
        }
        Stream.close(descriptor)
    }

    /// A variable of this process's environment.
    package static func environment(_ name: String) -> String? {
        // The C library's string is copied at once.
        guard let value = unsafe getenv(name) else { return nil }
        return unsafe String(cString: value)
    }
}

/// The addresses under which this machine is reached from its network.
package enum NetworkInterfaces {
    package static var addresses: [IPAddress] {
        var list: UnsafeMutablePointer<ifaddrs>?
        guard unsafe getifaddrs(&list) == 0 else { return [] }
        defer { unsafe freeifaddrs(list) }
        var found: [IPAddress] = []
        var next = unsafe list
        // The list is the C library's, and ours until freeifaddrs.
        while let entry = unsafe next {
            if let address = unsafe SocketAddress(entry.pointee.ifa_addr)?.address, !address.isLoopback,
                !address.isLinkLocal, !found.contains(address)
            {
                found.append(address)
            }
            unsafe next = entry.pointee.ifa_next
        }
        return found
    }
}

extension IPAddress {
    /// 169.254.0.0/16 or fe80::/10: of use only with the name of an interface.
    package var isLinkLocal: Bool { isV4 ? v4 >> 16 == 0xA9FE : high >> 54 == 0x3FA }
}
