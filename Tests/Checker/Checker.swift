/// Decides whether there is one order of a room's events that explains what all clients have sent and received.
///
/// It knows the protocol's promises and nothing of the server: it shares no code with it. It takes one way through each
/// transcript (`Hearing`), which checks what a connection alone can tell and gathers what was seen; then one way through
/// the events by their seq (`Order`), which checks the rest. Beside sorting, the time it takes is linear in what it reads.
package struct Checker {
    package struct Options: Sendable {
        /// Whether the times of all transcripts are of one clock, so that what one client was told before another asked for
        /// something can be compared.
        package var sharesClock = true
        /// Whether an unclean stop of the machine may have taken events that were seen: the disk was not asked to keep them.
        package var mayLoseEvents = false
        /// Whether the room keeps its history for ever, so that only the limits of an answer shorten it.
        package var keepsAll = true

        package init() {}
    }

    /// What the transcripts can break.
    package enum Rule: String, Sendable, CaseIterable {
        /// A connection begins with its welcome, and nothing comes after its end.
        case form
        /// One seq, one event, for everyone.
        case sameEvent
        /// Nothing is left out where no gap was told.
        case noGap
        /// What was known before something else was asked for has the smaller seq.
        case realTime
        /// What one connection asks for happens, and is answered, in that order.
        case askedOrder
        /// An `id` is used once.
        case onceOnly
        /// What comes under an `id` is what was said under it.
        case asSaid
        /// Names are unique.
        case uniqueNames
        /// Whoever leaves, speaks or types is there; whoever joins was not.
        case presence
        /// Who somebody is does not change with the name.
        case identity
        /// A message is shown as the events up to then have made it.
        case asItIsNow
        /// What is deleted is not shown any more.
        case deleted
        /// An event changes something: a message is edited by its author and deleted once, a reaction is new.
        case effect
        /// Whoever was put out hears no more, and whoever is banned or muted does nothing.
        case putOut
        /// Into a locked room come those who were there, hosts, and who brings the invitation; and hosts alone moderate.
        case right
    }

    package struct Violation: Equatable, Sendable, CustomStringConvertible {
        package var rule: Rule
        package var client: String
        package var reason: String
        package var description: String { "\(client): \(reason) [\(rule.rawValue)]" }
    }

    /// What was found, and how much there was to find it in.
    package struct Report: Sendable {
        package var violations: [Violation] = []
        package var events = 0
        package var lines = 0
        package var connections = 0

        /// The most that is reported: what follows a first mistake mostly follows from it.
        static let most = 50

        mutating func add(_ rule: Rule, _ client: String, _ reason: String) {
            guard violations.count < Self.most else { return }
            violations.append(Violation(rule: rule, client: client, reason: reason))
        }
    }

    /// - Parameter transcripts: of one room.
    package static func check(_ transcripts: [Transcript], options: Options = Options()) -> Report {
        var evidence = Evidence()
        for transcript in transcripts {
            var hearing = Hearing(transcript.client, options)
            for (number, line) in transcript.lines.enumerated() {
                hearing.take(line, number: number + 1, &evidence)
            }
        }
        var order = Order(evidence, options)
        order.walk()
        return order.report
    }
}

/// What all transcripts together tell.
struct Evidence {
    /// An event, as it was first seen.
    struct Event {
        var event: Message
        /// The text of a message or an edit before anything was done to it; nil where that was never seen.
        var text: String?
        var client: String
    }

    /// Something that was sent under an `id`.
    struct Request {
        var user: String
        var message: Message
        var client: String
        var at: Int64?
        /// The newest seq that this client knew.
        var known: UInt64
        var connection: Int
        var isRepeated = false
    }

    /// What a request is known by.
    struct RequestName: Hashable {
        var author: String
        var id: String
    }

    /// A welcome tells who is there.
    struct Attendance {
        var seq: UInt64
        var users: [String]
        var count: Int
        var username: String
        var user: String?
        /// The user of each name, as far as that was told.
        var people: [String: String] = [:]
        var client: String
    }

    /// Somebody was let in with an event, by an invitation or without one.
    struct Entrance {
        var invitation: String?
        var client: String
    }

    /// A message was shown as it was at some time between two seqs.
    struct Showing {
        var message: Message
        var low: UInt64
        var high: UInt64
        /// Who asked.
        var user: String
        var client: String
    }

    /// Answers that leave nothing out: all messages, or all events, between two seqs.
    struct Page {
        var shown: Set<UInt64>
        var low: UInt64
        var high: UInt64
        /// The seq of the welcome on the connection that it came on.
        var asOf: UInt64
        /// Nothing may have been between these: seqs jump over it.
        var isEmpty = false
        var client: String
    }

    var report = Checker.Report()
    var events: [UInt64: Event] = [:]
    var requests: [Request] = []
    var attendances: [Attendance] = []
    var showings: [Showing] = []
    var pages: [Page] = []
    var entrances: [UInt64: Entrance] = [:]
    /// Invitations, and the newest seq that was known when each was told.
    var invitations: [(seq: UInt64, invitation: String)] = []
    /// Who types, when the connection that was told knew of events up to a seq.
    var typing: [(seq: UInt64, username: String, client: String)] = []
    /// Requests (places in `requests`) of which was told that an event had done them already, and the newest event that was known then.
    var done: [(request: Int, seq: UInt64, known: UInt64)] = []
    /// When somebody knew of a seq.
    var sightings: [(at: Int64, seq: UInt64)] = []

    /// An event was seen by somebody.
    mutating func see(_ event: Message, by client: String) {
        guard let seq = event.seq else { return }
        guard var known = events[seq] else {
            events[seq] = Event(event: event.lasting, text: event.firstText, client: client)
            return
        }
        if known.event != event.lasting {
            return report.add(
                .sameEvent, client, "event \(seq) is \(event.brief), and \(known.client) has \(known.event.brief)")
        }
        guard let text = event.firstText else { return }
        if let other = known.text, other != text {
            return report.add(.sameEvent, client, "event \(seq) says “\(text)”, and for \(known.client) “\(other)”")
        }
        known.text = text
        events[seq] = known
    }
}

extension Message {
    /// In a few words.
    var brief: String {
        var words = [type]
        if let username { words.append("of \(username)") }
        if let to { words.append("to \(to)") }
        if let target { words.append("at \(target)") }
        if let id { words.append("(\(id))") }
        if let time { words.append("at time \(time)") }
        return words.joined(separator: " ")
    }
}
