/// A request on its way: kept from when it is made until its own event has come back.
package struct OutgoingRequest: Equatable, Sendable {
    package enum State: Equatable, Sendable {
        /// Waits to be sent, for the first time or again.
        case pending
        /// Sent on the present connection, at that time (ms).
        case sent(at: Int64)
        /// The server does not take it as it is.
        case refused(ServerError)
    }

    /// The client's name for it, the same however often it is sent: by it the server knows what it has taken already.
    package let id: String
    package let request: ChatRequest
    package internal(set) var state = State.pending
    /// How often the server's disk has refused it.
    var storageFailures = 0

    package init(id: String, _ request: ChatRequest) { (self.id, self.request) = (id, request) }

    package var isRefused: Bool {
        if case .refused = state { return true }
        return false
    }
}

/// What was asked for and is not known to be in the history yet, in the order in which it was asked.
///
/// One message is on the way at a time. The next is sent when the event of the one before has come back, or when it was
/// refused for good: so what arrives is in the order in which it was said, whatever was lost, refused or sent again.
struct Outbox: Sendable {
    private(set) var requests: [OutgoingRequest] = []
    /// Nothing is sent before this time (ms): the server has asked for a pause.
    private(set) var pausedUntil: Int64 = .min

    /// When the message that is on the way was sent.
    var sentAt: Int64? {
        for request in requests {
            if case .sent(let time) = request.state { return time }
        }
        return nil
    }

    /// Whether nothing waits for the server any more.
    var isSettled: Bool { requests.allSatisfy(\.isRefused) }

    private func index(of id: String) -> Int? { requests.firstIndex { $0.id == id } }

    subscript(id: String) -> OutgoingRequest? { index(of: id).map { requests[$0] } }

    mutating func append(_ request: OutgoingRequest) { requests.append(request) }

    /// Takes the next message to be sent, and counts it as sent; nil where there is none, or it is not the time.
    mutating func sendNext(now: Int64) -> OutgoingRequest? {
        guard now >= pausedUntil, sentAt == nil, let next = requests.firstIndex(where: { $0.state == .pending }) else {
            return nil
        }
        requests[next].state = .sent(at: now)
        return requests[next]
    }

    /// The server has done what was asked.
    ///
    /// - Returns: the request, if it was one of these.
    mutating func acknowledge(_ id: String) -> OutgoingRequest? { index(of: id).map { requests.remove(at: $0) } }

    /// The connection is gone, and with it what was on the way: it is sent again on the next.
    mutating func connectionLost() {
        pausedUntil = .min
        for index in requests.indices where !requests[index].isRefused { requests[index].state = .pending }
    }

    /// The server did not take the message now; it is sent again after a while.
    mutating func postpone(_ id: String, until time: Int64) {
        guard let index = index(of: id) else { return }
        requests[index].state = .pending
        pausedUntil = max(pausedUntil, time)
    }

    /// Counts a failure of the server's disk.
    ///
    /// - Returns: the failures that this message has had.
    mutating func countStorageFailure(_ id: String) -> Int {
        guard let index = index(of: id) else { return 0 }
        requests[index].storageFailures += 1
        return requests[index].storageFailures
    }

    /// The server will not take the message as it is.
    mutating func refuse(_ id: String, _ error: ServerError) {
        guard let index = index(of: id) else { return }
        requests[index].state = .refused(error)
    }

    /// The message that was on the way, which is what has cost the connection.
    var onTheWay: OutgoingRequest? {
        requests.first { request in
            if case .sent = request.state { return true }
            return false
        }
    }

    /// Forgets a message. One that is on the way may be said all the same.
    mutating func drop(_ id: String) { requests.removeAll { $0.id == id } }
}
