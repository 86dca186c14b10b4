#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What this process uses of the machine.
package struct ProcessUsage: Sendable {
    package var cpuNanoseconds: Int64 = 0
    package var residentBytes = 0
    package var openDescriptors = 0

    /// As it is now. What the system does not tell is 0.
    package static var now: ProcessUsage {
        var usage = ProcessUsage()
        usage.cpuNanoseconds = Clock.processor
        #if os(Linux)
            usage.residentBytes = residentPages() * Int(sysconf(Int32(_SC_PAGESIZE)))
            usage.openDescriptors = entries(in: "/proc/self/fd") - 1  // but for the one that counts
        #else
            var resources = rusage()
            // The pointer is to a local variable. It is the most there ever was; on Darwin in bytes.
            if unsafe getrusage(RUSAGE_SELF, &resources) == 0 { usage.residentBytes = resources.ru_maxrss }
            usage.openDescriptors = entries(in: "/dev/fd") - 1
        #endif
        return usage
    }

    #if os(Linux)
        /// The second number of /proc/self/statm.
        private static func residentPages() -> Int {
            let file = unsafe open("/proc/self/statm", O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { return 0 }
            defer { _ = close(file) }
            var bytes = [UInt8](repeating: 0, count: 128)
            let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
            guard count > 0 else { return 0 }
            let fields = String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: " ")
            return fields.count > 1 ? Int(fields[1]) ?? 0 : 0
        }
    #endif

    private static func entries(in folder: String) -> Int {
        // The handle is the C library's, and ours until closedir.
        guard let handle = unsafe opendir(folder) else { return 0 }
        defer { unsafe closedir(handle) }
        var count = 0
        while let entry = unsafe readdir(handle) {
            if unsafe entry.pointee.d_name.0 != CChar(UInt8(ascii: ".")) { count += 1 }
        }
        return count
    }
}
