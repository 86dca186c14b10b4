import Chat
import Log
import Server

/// What there is more of than elsewhere, in some seeds: what is seldom would else take thousands of them to meet something
/// else that is seldom.
package enum Emphasis: Sendable, CaseIterable {
    case nothing
    /// The server is killed, or the power is cut, every few seconds.
    case crashes
    /// So many in one room that notices are held back for a while.
    case crowd
    /// People lose their connections all the time and stay away for a while; and again and again there are no descriptors.
    case absences
    /// The disk refuses every tenth thing or so, and the power is cut again and again.
    case badDisk
    /// Again and again there are no descriptors, and nearly everything else goes well: nobody comes or goes whose going
    /// would bring the server back to it.
    case scarcity
    /// Few people, who lock rooms, hand out invitations, old ones too, and make each other hosts and no hosts.
    case doors
}

/// What a run consists of. All of it follows from the seed.
package struct Plan: Sendable {
    package var seed: UInt64
    package var people = 12
    package var rooms = 3
    /// Virtual seconds with faults, and after those without.
    package var seconds: Int64 = 600
    package var calmSeconds: Int64 = 120
    package var hasFaults = true
    package var emphasis = Emphasis.nothing
    /// How many times as long everything takes that people do and faults wait for: 1 is a world in which all happens at once,
    /// 60 one in which people say something now and then.
    package var pace: Int64 = 1
    package var fsync = FsyncPolicy.always
    package var segmentBytes = 20_000
    package var snapshotPiece = 256 << 10
    package var options = ServeOptions()
    /// The chat's limits. Small ones bring it to what else takes thousands of people.
    package var limits = Limits()
    /// A folder that exists: each start of the server writes its recording there, as `life-1`, `life-2` and so on.
    package var recordings: String?
    package var isLoud = false
    /// Whether it is written down, and judged by transcripts, what the people who behave send and receive.
    package var isTapped = true
    /// Whether people do something to messages and to each other, beside saying things.
    package var hasChanges = true
    /// Somebody whose network stays bad, to the end.
    package var cursedPerson: Int?
    /// A room whose files stay unreadable, to the end.
    package var cursedRoom: String?
    var hasEndlessFaults: Bool { cursedPerson != nil || cursedRoom != nil }
    /// How many of the newest lines of the trace are kept.
    package var traceLines = 300

    /// The plan that follows from a seed.
    package init(seed: UInt64) {
        self.seed = seed
        var random = SeededRandom(seed ^ 0x5EED)
        people = random.number(2...24)
        rooms = random.number(1...5)
        fsync = random.pick([.always, .always, .everySecond, .never])
        segmentBytes = random.pick([2_000, 20_000, 200_000])
        snapshotPiece = random.pick([100, 1_000, 256 << 10])
        options.isEphemeral = random.happens(0.1)
        options.fsync = fsync
        options.messageRate = 10
        options.maxConnections = random.happens(0.1) ? people : 200
        options.maxConnectionsPerAddress = random.happens(0.1) ? 3 : 0
        options.maxQueue = random.pick([20_000, 200_000, 1_048_576])
        options.pingInterval = 30
        options.tickRate = random.happens(0.2) ? Double(random.number(5...100)) : 0
        options.logLevel = .debug
        limits = Limits(messagesPerSecond: options.messageRate, isDurable: !options.isEphemeral)
        // Where nothing is kept, what was said in a room is forgotten with it: then its history begins anew.
        limits.emptyRooms = options.isEphemeral ? 256 : random.pick([0, 1, 256])
        limits.rules.recentBytes = random.pick([1_000, 20_000, 4 << 20])
        limits.rules.recentMessages = random.pick([3, limits.rules.recentMessages])
        // So little at once that a connection comes to the end of its share of a tick.
        options.inboxBytes = random.pick([300, 65_536, 65_536])
        emphasis = random.pick([
            .nothing, .nothing, .nothing, .crashes, .crashes, .absences, .badDisk, .scarcity, .doors,
        ])
        if random.happens(0.05) { emphasis = .crowd }
        switch emphasis {
        case .nothing: break
        case .crashes, .absences, .badDisk: seconds = 300
        case .scarcity: seconds = 200
        case .doors:
            people = random.number(4...10)
            rooms = random.number(1...2)
            options.maxConnections = 200
        case .crowd:
            people = random.number(100...200)
            rooms = 1
            seconds = 40
            options.maxConnections = 400
            options.maxConnectionsPerAddress = 0
        }
    }

    /// A long time in the lives of many: most of it is silence.
    package static func long(seed: UInt64) -> Plan {
        var plan = Plan(seed: seed)
        plan.emphasis = .nothing
        plan.people = 60
        plan.pace = 60
        plan.seconds = 16 * 3600
        plan.options.maxConnections = 200
        plan.options.logLevel = .info
        return plan
    }

    /// Whether there is so little room that someone who behaves may be sent away for it.
    package var isCramped: Bool {
        options.maxConnections ?? 0 <= people || options.maxConnectionsPerAddress > 0 || options.maxQueue < 1_000_000
    }

    /// Nanoseconds between two deeds of a person, on average.
    var deedEvery: Int64 { (emphasis == .absences ? 8 : 20) * 1_000_000_000 * pace }

    /// Hours that the people live, all taken together.
    package var clientHours: Double { Double(people) * Double(seconds + calmSeconds) / 3600 }
}
