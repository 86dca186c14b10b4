import Chat
import WebSocket

/// All connections, each in a place of its own for as long as it lives.
///
/// The memory for as many as there may ever be is reserved at the start, and touched (that is, used) only as far as
/// places are: so a connection never moves, and idle places cost nothing.
@safe struct ConnectionTable: ~Copyable {
    private let places: UnsafeMutablePointer<Connection>
    let capacity: Int
    /// Places from here on have never been used.
    private(set) var used = 0
    /// Connections that there are.
    private(set) var count = 0
    private var vacant: [UInt32] = []
    /// Places that have become free in this tick: they are given away in the next one at the earliest, so that what this
    /// tick still has to say about the old connection does not reach a new one.
    private var leaving: [UInt32] = []
    /// One for each connection; see `TimerWheel`.
    var timers = TimerWheel()

    init(capacity: Int) {
        self.capacity = capacity
        unsafe places = .allocate(capacity: max(1, capacity))
    }

    deinit {
        // Exactly the places below `used` were initialized.
        unsafe places.deinitialize(count: used)
        unsafe places.deallocate()
    }

    var isFull: Bool { count >= capacity }

    /// The connection in a place that has been used.
    subscript(slot: Int) -> Connection {
        // Every index comes from `insert` or is checked by `slot(of:)`; this check makes a mistake a trap at once.
        @inline(__always) unsafeAddress {
            precondition(slot >= 0 && slot < used)
            return unsafe UnsafePointer(places + slot)
        }
        @inline(__always) unsafeMutableAddress {
            precondition(slot >= 0 && slot < used)
            return unsafe places + slot
        }
    }

    /// Gives a connection a place; nil if there is none.
    mutating func insert(_ make: (_ generation: UInt32) -> Connection) -> Int? {
        guard count < capacity else { return nil }
        if let slot = vacant.popLast() {
            count += 1
            self[Int(slot)] = make(self[Int(slot)].generation &+ 1)
            return Int(slot)
        }
        guard used < capacity else { return nil }  // the free places are all in `leaving`
        count += 1
        // The place is within the capacity, and not initialized yet.
        unsafe (places + used).initialize(to: make(1))
        used += 1
        return used - 1
    }

    /// Takes a connection out. Its place is free from the next tick on.
    mutating func remove(_ slot: Int) {
        cancelTimer(slot)
        self[slot].state = .vacant
        self[slot].http = nil
        self[slot].own = []
        self[slot].reader = MessageReader(role: .server, deflate: false)
        self[slot].backlog = nil
        count -= 1
        leaving.append(UInt32(truncatingIfNeeded: slot))
    }

    mutating func endTick() {
        guard !leaving.isEmpty else { return }
        vacant += leaving
        leaving.removeAll(keepingCapacity: true)
    }

    func id(_ slot: Int) -> ConnectionID {
        ConnectionID(slot: UInt32(truncatingIfNeeded: slot), generation: self[slot].generation)
    }

    /// The place of a connection, if it is still there.
    func slot(of id: ConnectionID) -> Int? {
        let slot = Int(id.slot)
        guard slot < used, self[slot].generation == id.generation, !self[slot].isVacant else { return nil }
        return slot
    }
}
