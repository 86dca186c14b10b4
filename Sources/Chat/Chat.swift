import Bytes

/// The chat: the rooms, and the door to them.
///
/// It is a value and does nothing outside itself. A tick is five calls, always in this order:
///
/// 1. `admit` takes what has happened: the door judges its form and its haste, turns secrets into what rooms may know, and
///    makes of it the rooms' inputs (`work`).
/// 2. `update` hands them to the rooms, which decide what follows.
/// 3. The caller writes each room's `unwritten` lines.
/// 4. `settle` is told which rooms' events the disk has not taken, and has those take them back.
/// 5. When everything that is due has been sent, `endTick` forgets it.
///
/// So nothing is ever sent that is not written.
package struct Chat: Sendable {
    /// An input of a room.
    package struct Work: Sendable {
        package let room: UInt32
        package var input: RoomInput
    }

    package let limits: Limits
    package let secret: ServerSecret

    var moment = Moment()
    /// By the connection's slot.
    var peers: [Peer] = []
    /// By place; a place without a room has an empty name.
    package internal(set) var rooms: [Room] = []
    package internal(set) var roomsByName: [String: UInt32] = [:]
    var vacantRooms: [UInt32] = []
    private var lastSerial: UInt32 = 0
    /// The greatest seq of all rooms that were dropped without ever having had a file: a room that begins anew goes on behind it,
    /// so that no seq that somebody has seen comes again.
    var forgottenSeq: UInt64 = 0
    /// Rooms that have become empty, oldest first; some may have been entered again since.
    var emptied = Queue<UInt32>()
    var dropped: [String] = []

    /// This tick's inputs of the rooms, in their order.
    package internal(set) var work: [Work] = []
    /// Members' times of grace that are running.
    var graces = GracePeriods()
    var reads: [UInt64: PendingRead] = [:]
    /// When texts that were deleted are erased from the log.
    var erasures = Erasures()
    /// Rooms whose deleted texts were not erased before the last stop.
    package var unfinishedErasures: Set<String> = []
    /// When expired events are looked for next; without a disk.
    var nextExpiry: Int64 = .min
    var hasLoadedUnfinished = false
    /// Folds that wait for reads begun before them, each with the newest of those.
    var waitingFolds: [(newestRead: UInt64, room: UInt32, folded: Folded)] = []
    var lastRequest: UInt64 = 0
    /// Messages of each user, and from each address.
    var userRates = RateTable<UserID>()
    var addressRates = RateTable<UInt64>()
    /// What each address reads without joining.
    var readingRates = RateTable<UInt64>()
    /// The names of programs that have a token, folded, and what they look like: nobody else's.
    var programNames: Set<String> = []

    /// Rooms with changes in this tick, each once, or with entries that wait.
    var touched: [UInt32] = []
    /// Rooms with entries that wait for the disk itself.
    private var gated: [UInt32] = []
    /// When the first of the notices that wait are due.
    private var heldUntil: Int64?
    package internal(set) var counters = ChatCounters()

    /// What the server as a whole has decided, whether the rooms have yet to be told, and whether it has yet to be kept.
    package internal(set) var facts = ServerFacts()
    var hasFactsToTell = false
    var hasFactsToKeep = false
    /// The link for operators, while joins are compared with it, and those that wait for it.
    var operatorLink: OperatorLink?
    var waitingForLink: [ConnectionID] = []
    /// The digest of the password that joins must bring; nil where there is none.
    package var password: [UInt8]?
    /// Wrong passwords from each address.
    var guessRates = RateTable<UInt64>()
    /// Rooms that were begun, and bytes that were said, from each address.
    var hourlyRooms = AllowanceTable<UInt64>()
    var dailyRooms = AllowanceTable<UInt64>()
    var dailyText = AllowanceTable<UInt64>()
    /// Rooms that have a file.
    package var roomsWithFiles = 0
    /// The connections that watch a room, by its name, in the order in which they began to.
    var watchers: [String: [ConnectionID]] = [:]
    /// Watched rooms with new messages, in the order in which they came; the newest of each; and when each was told of last.
    var unread: [(room: String, seq: UInt64)] = []
    var toldUnread: [String: Int64] = [:]
    /// Those who wait for somebody at `/pair`; and how often each address may.
    var strangers = Strangers()
    /// This node's incarnation; and the rooms that it serves together with others, by their places.
    package internal(set) var node: UInt128 = 0
    var shared: [UInt32: SharedRoom] = [:]
    /// Connections that have closed, of which nobody could be told yet.
    var unclosed: [Work] = []
    /// Connections of other nodes that were given a name here.
    var lastElsewhere: UInt64 = 0
    var pairingRates = RateTable<UInt64>()
    /// Numbers that were made of others.
    var nonces: UInt64 = 0
    /// Whether what is said can be kept.
    package private(set) var isKeeping = true
    /// What the tick has come to, where it is recorded.
    package var keepsDigest = false
    package private(set) var digest = TickDigest()

    // What all together hold, in bytes; see Limits.
    package internal(set) var recentBytes = 0
    var parkedBytes = 0

    package init(limits: Limits, secret: ServerSecret) {
        self.limits = limits
        self.secret = secret
    }

    // MARK: The tick

    /// Takes a tick's inputs, and makes of them the rooms' inputs.
    ///
    /// - Parameters:
    ///   - inputs: what has happened, in order; texts are added to its bytes.
    ///   - output: empty.
    package mutating func admit(_ inputs: inout TickInputs, into output: inout TickOutput) {
        moment = inputs.moment
        work.removeAll(keepingCapacity: work.capacity <= 1 << 16)
        expireGraces()
        expireErasures(into: &output)
        loadUnfinished(into: &output)
        expireInMemory()
        if hasFactsToTell { putOutBannedStrangers(into: &output) }
        tellFacts()
        for index in inputs.items.indices {
            switch inputs.items[index] {
            case .opened(let id, let room, let secret, let address, let isOwn):
                open(
                    id, room: inputs.bytes.span.extracting(room), secret: secret, address: address, isOwnAddress: isOwn)
            case .openedForPairing(let id, let secret, let address, let isOwn):
                place(Peer(id: id, seekingStrangerWith: secret, address: address, isOwnAddress: isOwn))
            case .text(let id, let range): receive(range, from: id, &inputs, into: &output)
            case .asked(let id, let request): ask(id, request, &inputs, into: &output)
            case .closed(let id, let departure): close(id, departure)
            case .roomLoaded(let room, let loaded): roomLoaded(room, loaded, &inputs, into: &output)
            case .roomFailed(let room): roomFailed(room, &inputs, into: &output)
            case .lines(let request, let range, let more):
                answer(request, lines: range, more: more, &inputs, into: &output)
            case .found(let request, let range, let next):
                answer(request, found: range, next: next, &inputs)
            case .folded(let room, let folded): takeFolded(room, folded)
            case .expired(let room, let seq): expire(room, through: seq)
            case .expiring(let name): loadExpiring(name, into: &output)
            case .begins(let node): begin(as: node)
            case .sharedBegins(let room, let state, let position):
                begin(room, state: state, position: position, into: &output)
            case .record(let room, let record): apply(record, to: room, into: &output)
            case .sharedReady(let room): begun(room, &inputs, into: &output)
            case .sharedDropped(let room): drop(shared: room, into: &output)
            case .stored(let room, let position): stored(room, position: position)
            case .readFailed(let request): answerFailed(request, &inputs, into: &output)
            case .keeping(let isKeeping): tellKeeping(isKeeping)
            case .operatorLink(let link): take(link, &inputs, into: &output)
            case .synced(let ticket): release(through: ticket)
            }
        }
        bringStrangersTogether(into: &output)
        releaseFolds()
    }

    /// Hands the rooms their inputs.
    ///
    /// - Parameter bytes: those of the tick's inputs, after `admit`.
    package mutating func update(_ bytes: Span<UInt8>, into output: inout TickOutput) {
        var answerBytes = 0
        for work in work {
            // Where all answers of a tick come to much, pages have to wait, and welcomes are shorter.
            answerBytes += apply(
                work, of: bytes, isScarce: answerBytes > Limits.answerBytesInAll, into: &output)
        }
        for room in touched where !rooms[Int(room)].unwritten.isEmpty { output.written.append(room) }
    }

    /// Hands a room an input.
    ///
    /// - Returns: bytes of what it answers.
    mutating func apply(
        _ work: Work, of bytes: Span<UInt8>, isScarce: Bool, into output: inout TickOutput
    ) -> Int {
        let index = Int(work.room)
        rooms[index].answersAreScarce = isScarce
        let before = rooms[index].texts.count
        if isScarce, case .page(let id, let page) = work.input, !page.isByMember {
            respond(id, .tooFast(1000), into: &output)
        } else if isScarce, case .page(let id, let page) = work.input {
            rooms[index].apply(.refused(id, .tooFast(1000), reference: page.reference), of: bytes, at: moment)
        } else {
            let isExpiring = if case .expired = work.input { true } else { false }
            if isExpiring { recentBytes -= rooms[index].recent.byteCount }
            rooms[index].apply(work.input, of: bytes, at: moment)
            if isExpiring { recentBytes += rooms[index].recent.byteCount }
        }
        let answered = rooms[index].texts.count - before
        if case .page(let id, _) = work.input { chargePage(answered, to: id) }
        touch(work.room)
        return answered
    }

    /// The disk has had its chance: makes this tick's events history, or has them taken back.
    ///
    /// - Parameters:
    ///   - failed: the rooms of `output.written` whose lines were not written.
    ///   - ticket: what `synced` says when the written lines are on the disk itself; nil where nobody waits for that.
    ///   - bytes: those of the tick's inputs.
    package mutating func settle(
        failed: [UInt32], ticket: UInt64?, _ bytes: Span<UInt8>, into output: inout TickOutput
    ) {
        for room in failed
        where Int(room) < rooms.count && rooms[Int(room)].isTouched && !rooms[Int(room)].refusesEvents {
            rooms[Int(room)].rollBack(bytes, counting: &counters)
        }
        let written = ticket == nil ? [] : Set(output.written).subtracting(failed)
        digest = TickDigest()
        heldUntil = nil
        var still: [UInt32] = []
        for index in touched {
            commit(index, into: &output)
            if rooms[Int(index)].release(after: written.contains(index) ? ticket : nil) {
                if !rooms[Int(index)].isGated { gated.append(index) }
                rooms[Int(index)].isGated = true
            }
            if findDue(index, into: &output) {
                still.append(index)
            } else {
                rooms[Int(index)].isTouched = false
                noteIfEmpty(index)
            }
        }
        touched = still
        tellUnread(into: &output)
    }

    /// Looks what of a room is to be sent now.
    ///
    /// - Returns: whether the room has to be looked at again in the next tick.
    private mutating func findDue(_ index: UInt32, into output: inout TickOutput) -> Bool {
        let (sharedAt, hasOwn) = rooms[Int(index)].dueTimes(now: moment.now)
        if let sharedAt, sharedAt <= moment.now {
            output.due.append(
                TickOutput.Due(room: index, below: rooms[Int(index)].releasedBelow, includesShared: true))
            return true
        }
        if hasOwn {
            output.due.append(
                TickOutput.Due(room: index, below: rooms[Int(index)].releasedBelow, includesShared: false))
        }
        if let sharedAt { heldUntil = min(heldUntil ?? sharedAt, sharedAt) }
        return sharedAt != nil || hasOwn
    }

    /// A room's events are history: what follows for those at the door.
    mutating func commit(_ index: UInt32, into output: inout TickOutput) {
        let before = rooms[Int(index)].recent.byteCount
        if keepsDigest { digest.add(rooms[Int(index)], at: index) }
        sortAnswers(of: index, into: &output)
        countBeginning(of: index)
        noteUnread(index)
        rooms[Int(index)].commit(counting: &counters)
        recentBytes += rooms[Int(index)].recent.byteCount - before
        let isShared = rooms[Int(index)].rules.isShared
        for grace in rooms[Int(index)].takeGraces() {
            guard !isShared else {
                output.deadlines.append((index, grace.member, grace.grace, moment.now &+ grace.duration))
                continue
            }
            graces.add(
                GracePeriod(
                    end: moment.now &+ grace.duration, room: index, serial: rooms[Int(index)].serial,
                    member: grace.member, grace: grace.grace), duration: grace.duration)
        }
        scheduleErasure(of: index)
        for change in rooms[Int(index)].takeServerChanges() { take(change) }
        for (id, code) in rooms[Int(index)].takeRefusals() { countRefusal(of: id, code, into: &output) }
    }

    /// What is due has been handed on.
    package mutating func endTick(_ output: TickOutput) {
        for due in output.due {
            let index = Int(due.room)
            counters.deliveries &+= rooms[index].removeSent(due, now: moment.now)
        }
        let looked = touched
        touched = looked.filter { !rooms[Int($0)].pending.isEmpty }
        for index in looked where rooms[Int(index)].pending.isEmpty {
            rooms[Int(index)].isTouched = false
            noteIfEmpty(index)
        }
    }

    /// What was written up to a ticket is on the disk itself.
    private mutating func release(through ticket: UInt64) {
        let waiting = gated
        gated.removeAll()
        for index in waiting {
            touch(index)
            rooms[Int(index)].isGated = !rooms[Int(index)].release(through: ticket)
            if rooms[Int(index)].isGated { gated.append(index) }
        }
    }

    /// When the next tick must come even if nothing happens, in milliseconds of `now`; nil if there is no need.
    package var nextDeadline: Int64? {
        if hasFactsToTell { return moment.now }
        return [graces.next, erasures.next, heldUntil, nextUnread].compactMap(\.self).min()
    }

    /// The rooms that have been dropped from memory since the last call.
    package mutating func takeDropped() -> [String] {
        defer { dropped = [] }
        return dropped
    }

    /// Whether what is said can be kept has changed: everyone is told.
    private mutating func tellKeeping(_ isKeeping: Bool) {
        self.isKeeping = isKeeping
        for index in rooms.indices {
            guard rooms[index].memberCount > 0 else {
                rooms[index].isKeeping = isKeeping
                continue
            }
            work.append(Work(room: UInt32(truncatingIfNeeded: index), input: .keeping(isKeeping)))
        }
    }

    mutating func touch(_ room: UInt32) {
        guard !rooms[Int(room)].isTouched else { return }
        rooms[Int(room)].isTouched = true
        touched.append(room)
    }

    mutating func nextSerial() -> UInt32 {
        lastSerial &+= 1
        return lastSerial
    }

    /// The members whose grace is over leave, if they are still away.
    private mutating func expireGraces() {
        while let grace = graces.removeFirst(before: moment.now) {
            // The room may have been dropped, and another be in its place.
            guard Int(grace.room) < rooms.count, rooms[Int(grace.room)].serial == grace.serial else { continue }
            work.append(Work(room: grace.room, input: .graceOver(member: grace.member, grace: grace.grace)))
        }
    }
}
