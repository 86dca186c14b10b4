import Chat

/// What kind of load a chat is put under.
package enum LoadMode: String, CaseIterable, Sendable {
    /// Some keep so many messages in flight; everyone hears all of them: throughput.
    case fanout
    /// Some speak at a fixed rate, on schedule; everyone hears all of it: latency.
    case paced
    /// Everyone joins and is silent: memory, and the processor time of doing nothing.
    case idle
    /// Connect, join, leave, and again.
    case churn
    /// Everyone keeps so many messages in flight on the echo path.
    case echo
}

/// What a load is told.
package struct LoadOptions: Sendable {
    package var mode: LoadMode
    /// Connections. In churn: so many at a time.
    package var clients = 100
    /// Those of them that speak.
    package var senders = 1
    /// Those of the others that say that nobody looks at them, so that the server may gather for them.
    package var hidden = 0
    /// Messages that each sender keeps in flight.
    package var window = 1
    /// Messages a second of all senders together.
    package var rate = 100.0
    /// How long is measured, in seconds.
    package var duration = 5.0
    /// How long before that everything runs already, in seconds.
    package var warmUp = 1.0
    /// The size of a message's text, in bytes.
    package var payload = 64
    /// How many connect or join at once while the load is set up.
    package var concurrency = 64
    /// The server's process, if its processor time and memory are to be read.
    package var process: Int32?
    package var showsProgress = false
    /// A PEM file with the certificates to trust in place of the system's; and whether to trust any, for TLS.
    package var authoritiesPath: String?
    package var isInsecure = false

    /// So long may nothing at all come in, while something is due, before a run is given up (seconds).
    package var patience = 15.0

    package init(mode: LoadMode) { self.mode = mode }

    /// What fits into a poll token and a stamp, with room to spare.
    package static let mostClients = 1_000_000
    package static let mostSenders = 65_535
    /// From what holds a stamp to the largest text that a chat takes.
    package static let payloads = MessageMaker.shortest...Limits.textScalars.upperBound
    /// For each receiver and sender there is a number to remember; this many are 256 MiB.
    package static let mostPairs = 1 << 26

    /// Why these options do not go together; nil if they do.
    package var fault: String? {
        if senders > clients { return "\(senders) senders are more than the \(clients) clients there are" }
        if senders + hidden > clients {
            return "\(senders) senders and \(hidden) hidden ones are more than the \(clients) clients there are"
        }
        if mode != .echo, clients * senders > Self.mostPairs {
            return "\(clients) clients with \(senders) senders are more than can be kept account of"
        }
        return nil
    }
}
