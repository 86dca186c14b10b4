import Bytes

/// A connection to the engine, without its socket: bytes in, events out, and bytes to be sent in `output`.
///
/// It opens with one round trip: who one is (AUTH), the database (SELECT), a name for the engine's lists (CLIENT SETNAME); one for
/// commands also looks at the engine's settings and loads the scripts. Nothing else is sent before all of that is answered: behind a
/// SELECT that was refused, commands would go to another database.
///
/// Then commands are pipelined: each is sent at once, and answers come in the order of the commands. A connection for subscriptions
/// takes no commands, since RESP2 mixes published messages with the answers.
package struct EngineConnection: Sendable {
    package enum Role: String, Sendable { case commands, subscriptions }

    package enum Event: Equatable, Sendable {
        /// It can be used. A connection for commands tells the engine's line (`EngineCheck.judge`); others an empty one.
        case opened(line: String)
        /// The answer to the command with this tag.
        case answer(tag: UInt64, RESPValue)
        case subscribed([UInt8])
        case published(channel: [UInt8], [UInt8])
        /// It is of no use any more and has to be closed; nothing follows.
        case failed(EngineFault)
    }

    /// What an answer that is on its way belongs to.
    private enum Expected: Sendable {
        case authentication, selection, name
        case setting(Int)
        case information
        case script
        case command(UInt64)
        case subscription([UInt8])
        case cancellation
        case ping
    }

    private enum State: Sendable { case opening, open, failed }

    // MARK: Time, in milliseconds

    /// A connection that has been silent this long is asked whether it is alive.
    package static let silence: Int64 = 5_000
    /// One that has been silent this long while something is expected of it is given up. An engine that is stopped for a moment, by a
    /// fork or a slow disk, takes less.
    package static let patience: Int64 = 15_000

    package let role: Role
    /// Bytes to be sent; the caller takes them out.
    package var output: [UInt8] = []

    private var state = State.opening
    private var reader = RESPReader()
    private var expected = Queue<Expected>()
    private var check = EngineCheck()
    private var events: [Event] = []
    private var heardAt: Int64
    private var isPinged = false

    /// - Parameters:
    ///   - node: this node's name.
    ///   - now: milliseconds of a clock that never goes back.
    package init(to address: ClusterAddress, as role: Role, node: String, now: Int64) {
        self.role = role
        heardAt = now
        if let password = address.password {
            let user = address.user.map { [Array($0.utf8)] } ?? []
            ask(RESPCommand([Array("AUTH".utf8)] + user + [Array(password.utf8)]), .authentication)
        }
        if address.database != 0 { ask(RESPCommand("SELECT", String(address.database)), .selection) }
        ask(RESPCommand("CLIENT", "SETNAME", Self.clientName(node, role)), .name)
        guard role == .commands else { return }
        for index in EngineCheck.settings.indices {
            ask(RESPCommand("CONFIG", "GET", EngineCheck.settings[index].name), .setting(index))
        }
        for section in EngineCheck.sections { ask(RESPCommand("INFO", section), .information) }
        for script in EngineScript.all {
            ask(RESPCommand("SCRIPT", "LOAD", script.source), .script)
        }
    }

    /// A client's name has no space, and nothing that a terminal would act on.
    private static func clientName(_ node: String, _ role: Role) -> String {
        let name = node.unicodeScalars.map { ("!"..."~").contains($0) ? Character($0) : "-" }
        return "chatloop-\(String(name))-\(role.rawValue)"
    }

    private mutating func ask(_ command: RESPCommand, _ expectation: Expected) {
        command.append(to: &output)
        expected.append(expectation)
    }

    package var isOpen: Bool { if case .open = state { true } else { false } }

    // MARK: Commands and subscriptions

    /// Sends a command, whose answer comes with this tag.
    package mutating func send(_ command: RESPCommand, tag: UInt64) {
        assert(isOpen && role == .commands, "a command on a connection that takes none")
        ask(command, .command(tag))
    }

    package mutating func subscribe(to channel: [UInt8]) {
        assert(isOpen && role == .subscriptions, "a subscription on a connection for commands")
        ask(RESPCommand([Array("SUBSCRIBE".utf8), channel]), .subscription(channel))
    }

    package mutating func unsubscribe(from channel: [UInt8]) {
        assert(isOpen && role == .subscriptions, "a subscription on a connection for commands")
        ask(RESPCommand([Array("UNSUBSCRIBE".utf8), channel]), .cancellation)
    }

    // MARK: Receiving

    /// Takes in bytes.
    package mutating func receive(_ bytes: Span<UInt8>, now: Int64) -> [Event] {
        heardAt = now
        isPinged = false
        if case .failed = state { return [] }
        reader.receive(bytes)
        do throws(RESPReader.Fault) {
            while let value = try reader.next() {
                take(value)
                if case .failed = state { break }
            }
        } catch {
            fail(.violation(error))
        }
        defer { events = [] }
        return events
    }

    /// Looks whether the engine has been silent for too long.
    package mutating func tick(now: Int64) -> [Event] {
        if case .failed = state { return [] }
        defer { events = [] }
        let isAwaited = expected.count > 0
        if isAwaited, now - heardAt >= Self.patience { fail(.silent) }
        if !isAwaited, now - heardAt >= Self.silence, !isPinged {
            isPinged = true
            ask(RESPCommand("PING"), .ping)
        }
        return events
    }

    /// When `tick` has something to do next.
    package var nextDeadline: Int64 { heardAt + (expected.count > 0 ? Self.patience : Self.silence) }

    private mutating func fail(_ fault: EngineFault) {
        state = .failed
        events.append(.failed(fault))
    }

    private mutating func take(_ value: RESPValue) {
        if role == .subscriptions, let words = value.array, let kind = words.first?.text, kind == "message" {
            guard words.count == 3, let channel = words[1].bytes, let payload = words[2].bytes else {
                return fail(.other("a published message of another form"))
            }
            events.append(.published(channel: channel, payload))
            return
        }
        guard let expectation = expected.removeFirst() else { return fail(.other(Self.describe(value))) }
        if case .command(let tag) = expectation {
            events.append(.answer(tag: tag, value))
        } else if !isOpen {
            takeOpening(value, expectation)
        } else if case .error(let error) = value {
            fail(EngineFault(error))
        } else if case .subscription(let channel) = expectation {
            guard let words = value.array, words.first?.text == "subscribe" else {
                return fail(.other(Self.describe(value)))
            }
            events.append(.subscribed(channel))
        }
    }

    /// An engine that has no AUTH quotes what came with it.
    private static func withoutPassword(_ error: RESPError) -> EngineFault {
        let quoted = error.message.firstRange(of: ", with args")
        return EngineFault(RESPError(String(error.message[..<(quoted?.lowerBound ?? error.message.endIndex)])))
    }

    /// An answer to what opens the connection.
    private mutating func takeOpening(_ value: RESPValue, _ expectation: Expected) {
        switch expectation {
        case .authentication: if case .error(let error) = value { return fail(Self.withoutPassword(error)) }
        case .name:
            // It is for people; a user who may not set it may do all the rest.
            if case .error(let error) = value, error.code != "NOPERM" { return fail(EngineFault(error)) }
        case .setting(let index): check.take(setting: index, value)
        case .information:
            if case .error(let error) = value { return fail(EngineFault(error)) }
            check.take(information: value)
        default: if case .error(let error) = value { return fail(EngineFault(error)) }
        }
        guard expected.count == 0 else { return }
        guard role == .commands else {
            state = .open
            events.append(.opened(line: ""))
            return
        }
        do throws(EngineFault) {
            let line = try check.judge()
            state = .open
            events.append(.opened(line: line))
        } catch {
            fail(error)
        }
    }

    private static func describe(_ value: RESPValue) -> String {
        if case .error(let error) = value { return error.message }
        return "something that was not asked for"
    }
}
