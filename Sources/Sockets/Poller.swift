import Platform

/// That something can be done with a descriptor without waiting.
package struct Readiness: Sendable {
    /// What the descriptor was added with.
    package var token: UInt64
    /// There is something to receive, if only the end or an error.
    package var isReadable: Bool
    package var isWritable: Bool
    /// The peer has ended its side, or the connection is broken: receive until the end is seen.
    package var isEnding: Bool

    package init(token: UInt64, isReadable: Bool, isWritable: Bool, isEnding: Bool) {
        self.token = token
        self.isReadable = isReadable
        self.isWritable = isWritable
        self.isEnding = isEnding
    }
}

/// Which call waits for readiness.
package enum PollerKind: String, Sendable, CaseIterable {
    case epoll
    case poll

    /// Those that this system has.
    package static var available: [PollerKind] {
        hasEpoll ? [.epoll, .poll] : [.poll]
    }
}

/// Waits until something can be done with one of many descriptors.
///
/// The two kinds differ in one way that their user has to know: epoll tells of a change once (it is edge-triggered, so
/// that a descriptor costs no further call in the long run), poll tells of a state for as long as it lasts. Whoever
/// receives until the kernel has nothing more, and asks for writability after the kernel has refused to take something, is
/// served well by both.
package protocol Poller: AnyObject {
    /// Watches a descriptor; `token` comes back with its readiness.
    func add(_ descriptor: Int32, token: UInt64) throws(SystemError)

    /// Stops watching it. To be called before it is closed.
    func remove(_ descriptor: Int32)

    /// Whether to tell of the descriptor's being writable.
    func setWriteInterest(_ descriptor: Int32, _ wanted: Bool)

    /// Whether to tell of the descriptor's being readable, as it is from the start.
    func setReadInterest(_ descriptor: Int32, _ wanted: Bool)

    /// Waits for as long as nothing can be done, and fills `ready`.
    ///
    /// - Parameter milliseconds: how long at most; 0 is not at all, -1 is forever. A signal ends the wait, too,
    ///   and what is ready then is found.
    func wait(milliseconds: Int32)

    /// What the last wait has found.
    var ready: [Readiness] { get }
}

extension PollerKind {
    /// A poller of this kind, which watches nothing yet. Throws where the system has no such call, or no descriptor for it.
    package func makePoller() throws(SystemError) -> any Poller {
        switch self {
        #if os(Linux) && !PORTABLE
            case .epoll: return try EpollPoller()
        #else
            case .epoll: throw SystemError(code: 0, operation: "use epoll, which this system does not have")
        #endif
        case .poll: return PollPoller()
        }
    }
}
