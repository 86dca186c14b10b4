/// What a run amounts to.
package struct Statistics: Sendable {
    package var runs = 0
    package var ticks = 0
    package var events = 0
    package var starts = 0
    package var virtualSeconds: Int64 = 0
    package var clientHours = 0.0
    /// How often each milestone was reached.
    package var reached: [Milestone: Int] = [:]

    package init() {}

    package mutating func add(_ other: Statistics) {
        runs += 1
        ticks += other.ticks
        events += other.events
        starts += other.starts
        virtualSeconds += other.virtualSeconds
        clientHours += other.clientHours
        reached.merge(other.reached, uniquingKeysWith: +)
    }

    /// One line for a person.
    package func summary(in time: Duration) -> String {
        let seconds = Double(time.components.seconds) + Double(time.components.attoseconds) / 1e18
        return "\(runs) runs, \(starts) starts of the server, \(ticks) ticks, \(virtualSeconds / 3600) virtual hours, "
            + "\(Int(clientHours)) client-hours, \(events) events, \(Int(Double(events) / max(seconds, 0.001))) events a second"
    }
}
