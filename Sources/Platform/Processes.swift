// Where systems differ in processes, threads and memory.

/// Starts a thread that takes no signals: those are the loop's.
///
/// - Parameter body: what it does; the thread ends with it.
/// - Returns: what `pthread_join` takes; nil where the system gives no thread.
package func startThread(_ body: @escaping @Sendable () -> Void) -> pthread_t? {
    var all = sigset_t()
    var before = sigset_t()
    #if canImport(Darwin)
        var thread: pthread_t?
    #else
        var thread = pthread_t()
    #endif
    // Retained for the thread, which takes this reference over; released here where there is no thread.
    let argument = unsafe Unmanaged.passRetained(ThreadBody(run: body))
    // The sets live on this stack for the calls alone. A new thread inherits the mask.
    unsafe sigfillset(&all)
    _ = unsafe pthread_sigmask(SIG_BLOCK, &all, &before)
    let code = unsafe pthread_create(&thread, nil, runThread, argument.toOpaque())
    _ = unsafe pthread_sigmask(SIG_SETMASK, &before, nil)
    guard code == 0 else {
        unsafe argument.release()
        return nil
    }
    return thread
}

private final class ThreadBody: Sendable {
    let run: @Sendable () -> Void
    init(run: @escaping @Sendable () -> Void) { self.run = run }
}

#if canImport(Darwin)
    private typealias ThreadArgument = UnsafeMutableRawPointer
#else
    private typealias ThreadArgument = UnsafeMutableRawPointer?
#endif

private let runThread: @convention(c) (ThreadArgument) -> UnsafeMutableRawPointer? = { argument in
    // The reference that `startThread` retained for this thread.
    if let argument = unsafe argument as UnsafeMutableRawPointer? {
        unsafe Unmanaged<ThreadBody>.fromOpaque(argument).takeRetainedValue().run()
    }
    return nil
}

/// Whether a signal does nothing: from the start, where the program that has started this one wants it so.
package func isSignalIgnored(_ number: Int32) -> Bool {
    var action = sigaction()
    // The kernel fills the local variable.
    guard unsafe sigaction(number, nil, &action) == 0 else { return false }
    #if canImport(Darwin)
        let handler = unsafe action.__sigaction_u.__sa_handler
    #elseif canImport(Glibc)
        let handler = unsafe action.__sigaction_handler.sa_handler
    #else
        let handler = unsafe action.__sa_handler.sa_handler
    #endif
    // SIG_IGN is the address 1 on all systems, which is not imported as something that could be compared.
    return unsafe unsafeBitCast(handler, to: Int.self) == 1
}

/// What stands in a terminal's list of keys for no key at all: `_POSIX_VDISABLE`, a macro that is not imported.
#if canImport(Darwin)
    package let noControlCharacter: UInt8 = 0xFF
#else
    package let noControlCharacter: UInt8 = 0
#endif

/// The process's limit on open descriptors, raised from the soft to the hard one: on Darwin to OPEN_MAX where that is less,
/// which may be less than it was; there both may be infinite, and the system opens no more than that all the same.
///
/// - Returns: how many descriptors may be open then.
package func raiseDescriptorLimit() -> Int {
    var limit = rlimit()
    #if canImport(Glibc)
        let files = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    #else
        let files = RLIMIT_NOFILE
    #endif
    // The pointers are to local variables, for the length of the call.
    guard unsafe getrlimit(files, &limit) == 0 else { return 256 }
    var wanted = limit
    wanted.rlim_cur = limit.rlim_max
    #if canImport(Darwin)
        wanted.rlim_cur = min(limit.rlim_max, rlim_t(OPEN_MAX))
    #endif
    if unsafe setrlimit(files, &wanted) == 0 { limit = wanted }
    return Int(clamping: limit.rlim_cur)
}

/// Has the C library give larger blocks back to the system when they are freed.
///
/// glibc begins that way, but learns from the first large block that is freed to keep blocks of that size, and then a
/// burst (ten thousand people who join within a second) leaves its high-water mark behind for good. Measured with ten
/// thousand idle connections: 0.60 KiB each in place of 0.73.
package func giveBackLargeBlocks() {
    #if canImport(Glibc)
        _ = mallopt(M_MMAP_THRESHOLD, 64 * 1024)
        _ = mallopt(M_TRIM_THRESHOLD, 64 * 1024)
    #endif
}

/// Where this process's open descriptors are listed.
#if os(Linux) && !PORTABLE
    package let descriptorFolder = "/proc/self/fd"
#else
    package let descriptorFolder = "/dev/fd"
#endif

/// Whether the system tells what other processes use.
#if os(Linux) && !PORTABLE
    package let tellsOfOtherProcesses = true
#else
    package let tellsOfOtherProcesses = false
#endif

/// Resident memory in bytes, of this process or another; nil where there is no such process, or the system does not tell.
/// What this process can learn of itself without /proc is the most there ever was.
package func residentMemory(of process: pid_t? = nil) -> Int? {
    #if os(Linux) && !PORTABLE
        // The second number is what is wanted, in pages.
        var text = [UInt8](repeating: 0, count: 128)
        let count = readFile("/proc/\(process.map(String.init) ?? "self")/statm", into: &text)
        let fields = String(decoding: text.prefix(count), as: UTF8.self).split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return nil }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE)))
    #else
        guard process == nil else { return nil }
        var usage = rusage()
        #if canImport(Glibc)
            let own = RUSAGE_SELF.rawValue
        #else
            let own = RUSAGE_SELF
        #endif
        // The pointer is to a local variable.
        guard unsafe getrusage(own, &usage) == 0 else { return nil }
        #if canImport(Darwin)
            return usage.ru_maxrss
        #else
            return usage.ru_maxrss * 1024
        #endif
    #endif
}

/// Nanoseconds of processor time that another process has used; nil where there is no such process, or the system does not
/// tell.
package func processorTime(of process: pid_t) -> Int64? {
    #if os(Linux)
        var clock = clockid_t()
        var time = timespec()
        // The pointers are to local variables. The clock is in nanoseconds, where /proc/PID/stat has hundredths.
        guard process > 0, unsafe clock_getcpuclockid(process, &clock) == 0, unsafe clock_gettime(clock, &time) == 0
        else { return nil }
        return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
    #else
        return nil
    #endif
}

/// The name that this machine goes by; empty where it has none.
package var hostName: String {
    var name = [UInt8](repeating: 0, count: 256)
    let isKnown = unsafe name.withUnsafeMutableBytes { bytes in
        guard let start = bytes.baseAddress else { return false }
        return unsafe gethostname(start.assumingMemoryBound(to: CChar.self), bytes.count - 1) == 0
    }
    return isKnown ? String(decoding: name.prefix { $0 != 0 }, as: UTF8.self) : ""
}
