/// What happens on a simulated network at a time.
enum NetworkEvent {
    /// Bytes, or the end, arrive at one side of a link.
    case arrival(link: Int, atServer: Bool)
    /// A link's readiness is told again: after a spurious refusal, or when there is room.
    case readiness(link: Int)
    /// A connection has been made, or has been refused.
    case connected(link: Int)
}

/// What happens in a simulated world at a time.
enum WorldEvent {
    case network(NetworkEvent)
    /// A person has something to do.
    case wake(person: Int, version: UInt64)
    /// A fault begins, or one that lasts is over.
    case fault(Fault)
    case relief(Fault)

    /// Faults that come at some time, rather than with some call.
    enum Fault: Int, CaseIterable {
        case reset, blackHole, stall, exhaustion, kill, powerCut, restart, fullDisk, clockJump
    }
}

/// What happens when, earliest first; of two at the same time the one that was added first.
struct EventQueue<Event> {
    private struct Entry {
        var time: Int64
        var order: UInt64
        var event: Event
        func isBefore(_ other: Entry) -> Bool { (time, order) < (other.time, other.order) }
    }

    private var heap: [Entry] = []
    private var order: UInt64 = 0

    var nextTime: Int64? { heap.first?.time }
    var count: Int { heap.count }

    mutating func add(_ event: Event, at time: Int64) {
        order += 1
        heap.append(Entry(time: time, order: order, event: event))
        var child = heap.count - 1
        while child > 0 {
            let parent = (child - 1) / 2
            guard heap[child].isBefore(heap[parent]) else { return }
            heap.swapAt(child, parent)
            child = parent
        }
    }

    mutating func removeFirst() -> (time: Int64, event: Event)? {
        guard let first = heap.first, let last = heap.popLast() else { return nil }
        guard !heap.isEmpty else { return (first.time, first.event) }
        heap[0] = last
        var parent = 0
        while true {
            var least = parent
            for child in [2 * parent + 1, 2 * parent + 2] where child < heap.count && heap[child].isBefore(heap[least])
            {
                least = child
            }
            guard least != parent else { break }
            heap.swapAt(parent, least)
            parent = least
        }
        return (first.time, first.event)
    }
}
