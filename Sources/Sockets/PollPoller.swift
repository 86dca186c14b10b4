import Platform

/// poll(2): everywhere, with a cost that grows with the number of descriptors.
final class PollPoller: Poller {
    private var descriptors: [pollfd] = []
    private var tokens: [UInt64] = []
    /// Where each descriptor is in the two arrays; descriptors are small numbers.
    private var places: [Int32] = []
    private(set) var ready: [Readiness] = []

    func add(_ descriptor: Int32, token: UInt64) throws(SystemError) {
        guard descriptor >= 0 else { throw SystemError(code: EBADF, operation: "watch a socket") }
        while places.count <= descriptor { places.append(-1) }
        places[Int(descriptor)] = Int32(truncatingIfNeeded: descriptors.count)
        descriptors.append(pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0))
        tokens.append(token)
    }

    func remove(_ descriptor: Int32) {
        guard let place = place(of: descriptor) else { return }
        places[Int(descriptor)] = -1
        let last = descriptors.removeLast()
        let token = tokens.removeLast()
        if place < descriptors.count {
            descriptors[place] = last
            tokens[place] = token
            places[Int(Self.number(last.fd))] = Int32(truncatingIfNeeded: place)
        }
    }

    func setWriteInterest(_ descriptor: Int32, _ wanted: Bool) { set(descriptor, Int16(POLLOUT), wanted) }
    func setReadInterest(_ descriptor: Int32, _ wanted: Bool) { set(descriptor, Int16(POLLIN), wanted) }

    private func set(_ descriptor: Int32, _ event: Int16, _ wanted: Bool) {
        guard let place = place(of: descriptor) else { return }
        if wanted { descriptors[place].events |= event } else { descriptors[place].events &= ~event }
        // poll(2) reports errors and hang-ups in each call, whatever events are asked for; it skips negative descriptors.
        descriptors[place].fd = descriptors[place].events == 0 ? ~descriptor : descriptor
    }

    /// The descriptor that an element is of.
    private static func number(_ descriptor: Int32) -> Int32 { descriptor < 0 ? ~descriptor : descriptor }

    private func place(of descriptor: Int32) -> Int? {
        guard descriptor >= 0, descriptor < places.count, places[Int(descriptor)] >= 0 else { return nil }
        return Int(places[Int(descriptor)])
    }

    func wait(milliseconds: Int32) {
        ready.removeAll(keepingCapacity: true)
        // The kernel writes into as many elements as the array has.
        let count = unsafe descriptors.withUnsafeMutableBufferPointer { buffer in
            untilSignal(milliseconds) { unsafe poll(buffer.baseAddress, nfds_t(buffer.count), $0) }
        }
        guard count > 0 else { return }
        for (descriptor, token) in zip(descriptors, tokens) where descriptor.revents != 0 {
            let isEnding = descriptor.revents & Int16(POLLHUP | POLLERR | POLLNVAL) != 0
            ready.append(
                Readiness(
                    token: token, isReadable: isEnding || descriptor.revents & Int16(POLLIN) != 0,
                    isWritable: descriptor.revents & Int16(POLLOUT) != 0, isEnding: isEnding))
        }
    }
}
