/// A TCP connection between a person and the server: two pipes, and what each side knows.
final class Link {
    /// One direction: bytes are put in at one end, are under way for a time, and wait at the other end to be taken out.
    struct Pipe {
        struct Segment {
            var arrival: Int64
            var bytes: [UInt8]
            /// Nothing follows it.
            var isEnd = false
        }

        /// Under way, in order.
        private(set) var underWay: [Segment] = []
        private var first = 0
        private(set) var bytesUnderWay = 0
        /// Arrived, not taken out.
        var arrived: [UInt8] = []
        /// The end has arrived.
        var hasEnded = false
        /// The sender has put in all it ever will.
        var isClosed = false
        /// The sender was refused, and waits to be told of room.
        var wasRefused = false

        var nextArrival: Int64? { first < underWay.count ? underWay[first].arrival : nil }
        var load: Int { bytesUnderWay + arrived.count }

        mutating func put(_ segment: Segment) {
            bytesUnderWay += segment.bytes.count
            underWay.append(segment)
        }

        /// When what is put in now arrives at the earliest: within a connection nothing overtakes anything.
        var earliestArrival: Int64 { first < underWay.count ? underWay[underWay.count - 1].arrival : 0 }

        /// Moves what has arrived by `now`.
        ///
        /// - Returns: whether something has.
        mutating func advance(to now: Int64) -> Bool {
            var moved = false
            while first < underWay.count, underWay[first].arrival <= now {
                moved = true
                bytesUnderWay -= underWay[first].bytes.count
                arrived += underWay[first].bytes
                if underWay[first].isEnd { hasEnded = true }
                underWay[first].bytes = []
                first += 1
            }
            if first == underWay.count {
                underWay.removeAll(keepingCapacity: true)
                first = 0
            }
            return moved
        }

        mutating func removeAll() {
            underWay = []
            first = 0
            bytesUnderWay = 0
            arrived = []
        }
    }

    let number: Int
    let person: Int
    /// How many bytes either pipe holds before its sender is refused.
    let capacity: Int
    /// Nanoseconds that bytes are under way, on average.
    let latency: Int64
    var up = Pipe()
    var down = Pipe()

    /// Both know of each other.
    var isConnected = false
    /// The server has accepted it, and not closed it.
    var isOpenAtServer = false
    /// The person has not closed it, and has not seen its end.
    var isOpenAtPerson = true
    /// Broken: whoever uses it is told so.
    var isReset = false
    /// Nothing gets through any more, and nobody is told.
    var isBlackHole = false
    /// Nothing arrives before this time.
    var stalledUntil: Int64 = 0

    /// Something went wrong with it, or its person did not listen: the server may give it up.
    var isHindered = false
    /// When the server last took something from it, or was last told of something on it (ns).
    var lastAttention: Int64 = 0
    /// The person is out of reach: it cannot be made.
    var isUnreachable = false
    /// The server has closed it, without having been asked to.
    var wasClosedByServer = false

    /// Whether it is of no use to either side, and will not be.
    var isDead: Bool {
        !isOpenAtPerson && !isOpenAtServer && (isConnected ? up.hasEnded || isReset || isBlackHole : true)
    }

    // What the server's poller knows.
    var token: UInt64?
    var wantsRead = true
    var wantsWrite = false
    var readEdge = false
    var writeEdge = false
    var endEdge = false

    init(number: Int, person: Int, capacity: Int, latency: Int64) {
        self.number = number
        self.person = person
        self.capacity = capacity
        self.latency = latency
    }
}
