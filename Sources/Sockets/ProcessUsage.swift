import Platform

/// What a process uses of the machine.
package struct ProcessUsage: Sendable {
    package var cpuNanoseconds: Int64 = 0
    package var residentBytes = 0
    package var openDescriptors = 0

    /// As it is now. What the system does not tell is 0.
    package static var now: ProcessUsage {
        // But for the descriptor that counts.
        ProcessUsage(
            cpuNanoseconds: Clock.processor, residentBytes: residentMemory() ?? 0,
            openDescriptors: entries(in: descriptorFolder) - 1)
    }

    /// Another process's processor time and memory, as they are now; nil if there is no such process, or the system does not
    /// tell.
    package static func of(process: Int32) -> ProcessUsage? {
        guard let time = processorTime(of: process), let bytes = residentMemory(of: process) else { return nil }
        return ProcessUsage(cpuNanoseconds: time, residentBytes: bytes)
    }

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
