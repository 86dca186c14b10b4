/// Someone at the other end of the network.
protocol Person: AnyObject {
    /// A connection is made.
    func connected(_ link: Link)
    /// A connection could not be made.
    func refused(_ link: Link)
    /// Something has arrived.
    func readable(_ link: Link)
    /// A connection has ended: in order, or by a break.
    func ended(_ link: Link, inOrder: Bool)
    /// The time that was asked for has come.
    func wake(_ version: UInt64)
    /// From now on nothing goes wrong any more: settle down, and stay.
    func calmDown()
    /// What it should look like at the end; nil from those who do not behave.
    var hope: Hope? { get }
}

/// What a person who behaves should have in the end.
struct Hope {
    var room: String
    var username: String
    /// Whether it is in the room and nothing of its own waits.
    var isSettled: Bool
    /// Who it believes is there.
    var people: [String]
    /// The seq of the newest event that it knows.
    var seq: UInt64
    /// What it waits for, for whoever reads the trace.
    var state = ""
}
