#if canImport(Darwin)
    import Darwin
#elseif canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// What a process uses of the machine.
package struct ProcessUsage: Sendable {
    package var cpuNanoseconds: Int64 = 0
    package var residentBytes = 0
    package var openDescriptors = 0

    /// As it is now. What the system does not tell is 0.
    package static var now: ProcessUsage {
        var usage = ProcessUsage()
        usage.cpuNanoseconds = Clock.processor
        #if os(Linux)
            usage.residentBytes = residentBytes("self") ?? 0
            usage.openDescriptors = entries(in: "/proc/self/fd") - 1  // but for the one that counts
        #else
            var resources = rusage()
            // The pointer is to a local variable. It is the most there ever was; on Darwin in bytes.
            if unsafe getrusage(RUSAGE_SELF, &resources) == 0 { usage.residentBytes = resources.ru_maxrss }
            usage.openDescriptors = entries(in: "/dev/fd") - 1
        #endif
        return usage
    }

    /// Another process's processor time and memory, as they are now; nil if there is no such process, or the system does not
    /// tell.
    package static func of(process: Int32) -> ProcessUsage? {
        #if os(Linux)
            var clock = clockid_t()
            var time = timespec()
            // The pointers are to local variables. The clock is in nanoseconds, where /proc/PID/stat has hundredths.
            guard process > 0, unsafe clock_getcpuclockid(process, &clock) == 0,
                unsafe clock_gettime(clock, &time) == 0,
                let residentBytes = residentBytes("\(process)")
            else { return nil }
            var usage = ProcessUsage()
            usage.cpuNanoseconds = Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
            usage.residentBytes = residentBytes
            return usage
        #else
            return nil
        #endif
    }

    #if os(Linux)
        /// The second number of /proc/PID/statm, which is in pages; nil if there is no such process.
        private static func residentBytes(_ process: String) -> Int? {
            let file = unsafe open("/proc/\(process)/statm", O_RDONLY | O_CLOEXEC)
            guard file >= 0 else { return nil }
            defer { _ = close(file) }
            var bytes = [UInt8](repeating: 0, count: 128)
            let count = unsafe bytes.withUnsafeMutableBytes { unsafe read(file, $0.baseAddress, $0.count) }
            guard count > 0 else { return nil }
            let fields = String(decoding: bytes.prefix(count), as: UTF8.self).split(separator: " ")
            guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
            return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
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
