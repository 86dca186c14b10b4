/// Something that one thread rings and another waits for. A ring that comes before the wait is not lost.
@safe package final class Bell: @unchecked Sendable {
    // The C library's own objects, which must not move: allocated once, and destroyed with the bell.
    private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
    private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
    /// Guarded by the mutex.
    private var isRung = false

    package init() {
        unsafe pthread_mutex_init(mutex, nil)
        unsafe pthread_cond_init(condition, nil)
    }

    deinit {
        // Nobody waits any more: whoever does holds a reference.
        unsafe pthread_cond_destroy(condition)
        unsafe pthread_mutex_destroy(mutex)
        unsafe condition.deallocate()
        unsafe mutex.deallocate()
    }

    package func ring() {
        unsafe pthread_mutex_lock(mutex)
        isRung = true
        unsafe pthread_cond_signal(condition)
        unsafe pthread_mutex_unlock(mutex)
    }

    /// Waits until it is rung, or returns at once where it has been rung since the last wait.
    package func wait() {
        unsafe pthread_mutex_lock(mutex)
        while !isRung { unsafe pthread_cond_wait(condition, mutex) }
        isRung = false
        unsafe pthread_mutex_unlock(mutex)
    }
}

/// A pipe by which other threads wake a loop that waits in a poller.
package final class WakePipe: Sendable {
    /// Becomes readable when somebody has called `wake`.
    package let descriptor: Int32
    private let end: Int32

    /// nil where the system gives no pipe.
    package init?() {
        var ends: (Int32, Int32) = (-1, -1)
        // The pair has room for the two descriptors that the call writes.
        let result = unsafe withUnsafeMutablePointer(to: &ends) { pair in
            unsafe pair.withMemoryRebound(to: Int32.self, capacity: 2) { unsafe pipe($0) }
        }
        guard result == 0 else { return nil }
        (descriptor, end) = ends
        for file in [descriptor, end] {
            _ = fcntl(file, F_SETFL, O_NONBLOCK)
            _ = fcntl(file, F_SETFD, FD_CLOEXEC)
        }
    }

    deinit {
        _ = close(descriptor)
        _ = close(end)
    }

    package func wake() {
        var byte: UInt8 = 1
        // A full pipe wakes, too.
        while unsafe write(end, &byte, 1) < 0, errno == EINTR {}
    }

    /// Takes note of all that has woken so far.
    package func clear() {
        var bytes: (UInt64, UInt64, UInt64, UInt64) = (0, 0, 0, 0)
        // The buffer has room for as much as is asked for.
        while unsafe read(descriptor, &bytes, 32) > 0 {}
    }
}
