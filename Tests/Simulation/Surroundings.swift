/// The world that a simulated network lies in.
protocol Surroundings: AnyObject {
    /// Nanoseconds since the world began.
    var now: Int64 { get }
    var random: SeededRandom { get set }
    var faults: Faults { get }
    /// Has `Network.happen` called at a time.
    func add(_ event: NetworkEvent, at time: Int64)
    /// Whoever is at the other end of a link.
    func person(_ index: Int) -> any Person

    func note(sent bytes: [UInt8], on link: Link)
    func note(received bytes: [UInt8], on link: Link)
    /// Something arrives at either side of a link.
    func noteArrival(on link: Link)
    /// The server has closed a link.
    func noteClosed(_ link: Link)
    /// The server has done what it must not.
    func fail(_ reason: String)
}

extension Simulator: Surroundings {
    func add(_ event: NetworkEvent, at time: Int64) { events.add(.network(event), at: time) }
    func person(_ index: Int) -> any Person { people[index] }
    func note(sent bytes: [UInt8], on link: Link) { wiretap?.send(bytes, on: link) }
    func note(received bytes: [UInt8], on link: Link) { wiretap?.receive(bytes, on: link) }
    func noteArrival(on link: Link) { curse(link) }
    func noteClosed(_ link: Link) { judge.closed(link) }
    func fail(_ reason: String) { judge.fail(reason) }
}
