#if os(Linux) && !PORTABLE
    import Platform

    /// epoll(7), edge-triggered: every descriptor is registered once, for everything, and never again.
    ///
    /// The kernel's event holds a union, which Swift counts as unsafe; only its number is ever written and read.
    @safe final class EpollPoller: Poller {
        private let epoll: Int32
        // As many as are taken out of the kernel at once. More wait for the next call, which does not sleep then.
        private var events = unsafe [epoll_event](repeating: epoll_event(), count: 1024)
        private(set) var ready: [Readiness] = []

        init() throws(SystemError) {
            epoll = epoll_create1(Int32(truncatingIfNeeded: EPOLL_CLOEXEC))
            guard epoll >= 0 else { throw .last("make an epoll") }
        }

        deinit { close(epoll) }

        func add(_ descriptor: Int32, token: UInt64) throws(SystemError) {
            // Writability is told of from the start. It costs nothing: the kernel reports it again only after a send has
            // been refused and there is room again.
            var event = unsafe epoll_event()
            unsafe event.events = EPOLLIN.rawValue | EPOLLOUT.rawValue | EPOLLRDHUP.rawValue | EPOLLET.rawValue
            unsafe event.data.u64 = token
            // The pointer is to a local variable; the kernel copies it.
            guard unsafe epoll_ctl(epoll, EPOLL_CTL_ADD, descriptor, &event) == 0 else { throw .last("watch a socket") }
        }

        func remove(_ descriptor: Int32) {
            // Nothing to do: closing a descriptor takes it out, unless a copy of it is open elsewhere, and none is.
        }

        func setWriteInterest(_ descriptor: Int32, _ wanted: Bool) {}
        func setReadInterest(_ descriptor: Int32, _ wanted: Bool) {}

        func wait(milliseconds: Int32) {
            ready.removeAll(keepingCapacity: true)
            // The kernel writes at most as many events as the array has.
            let count = unsafe events.withUnsafeMutableBufferPointer { buffer in
                untilSignal(milliseconds) { milliseconds in
                    unsafe epoll_wait(epoll, buffer.baseAddress, Int32(truncatingIfNeeded: buffer.count), milliseconds)
                }
            }
            guard count > 0 else { return }
            for index in 0..<Int(count) {
                let event = unsafe events[index]
                let isEnding = unsafe event.events & (EPOLLRDHUP.rawValue | EPOLLHUP.rawValue | EPOLLERR.rawValue) != 0
                unsafe ready.append(
                    Readiness(
                        token: event.data.u64, isReadable: isEnding || event.events & EPOLLIN.rawValue != 0,
                        isWritable: event.events & EPOLLOUT.rawValue != 0, isEnding: isEnding))
            }
        }
    }
#endif
