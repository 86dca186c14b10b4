import Client
import Sockets
import TLS

/// Rooms that are joined and left, and what is kept of that.
extension TalkLoop {
    /// What TLS takes; nil where the chat is reached without.
    static func context(_ options: TalkOptions) throws(TalkFailure) -> TLSContext? {
        guard options.url.isSecure else { return nil }
        do throws(TLSError) {
            return try TLSContext(authorities: options.authoritiesPath, isInsecure: options.isInsecure)
        } catch {
            switch error {
            case .unreadable, .noCertificate: throw TalkFailure(usage: "--ca: \(error)")
            default: throw TalkFailure(.unreachable("\(error)"))
            }
        }
    }

    static func client(_ options: TalkOptions, username: String, seed: UInt64, key: String) -> ChatClient {
        var client = ChatClient(username: username, seed: seed)
        client.credentials.key = key
        client.credentials.password = options.password
        client.reportsJSON = options.isJSON
        return client
    }

    static func session(
        _ client: ChatClient, _ url: ClientURL, _ entropy: EntropySource
    ) throws(TalkFailure) -> ClientSession {
        var client = client
        client.credentials.invite = url.invite
        client.credentials.operatorCode = url.operatorCode
        guard let session = ClientSession(client: client, url: url, random: entropy.next) else {
            throw TalkFailure(.unreachable("there is not enough memory"))
        }
        return session
    }

    /// Joins under a name, and with a password where that was asked for.
    func join(as name: String, password: String? = nil) {
        let now = now
        session.act {
            if let password { $0.credentials.password = password }
            $0.join(as: name, now: now, into: &$1)
        }
    }

    /// Leaves the room and goes to another.
    func move(to url: ClientURL) {
        let client = Self.client(
            options, username: session.client.username, seed: entropy.next(),
            key: session.client.credentials.key ?? state.key)
        guard var next = try? Self.session(client, url, entropy) else { return }
        let password = session.client.credentials.password
        next.act { client, _ in client.credentials.password = password }
        session.act { $0.leave(into: &$1) }
        perform()
        previous = (self.url, session)
        (self.url, session) = (url, next)
        console.recent.removeAll()
        join(as: client.username)
    }

    /// Goes back to the room that was left for one that does not let us in.
    ///
    /// - Returns: false if there is no such room.
    func goBack() -> Bool {
        guard let (url, _) = previous else { return false }
        previous = nil
        move(to: url)
        previous = nil
        return true
    }

    // MARK: The state

    static func keptState(_ options: TalkOptions) throws(TalkFailure) -> KeptState? {
        guard let path = options.statePath else { return nil }
        do throws(KeptState.Fault) {
            return try KeptState(path)
        } catch {
            switch error {
            case .foreign:
                throw TalkFailure(usage: "--state \(path): this file holds something else, and is left as it is")
            case .unreadable(let reason): throw TalkFailure(usage: "--state: \(reason)")
            }
        }
    }

    static func save(_ state: ClientState, _ kept: inout KeptState?, now: Int64) throws(TalkFailure) {
        do throws(SystemError) { try kept?.save(state, now: now) } catch {
            throw TalkFailure(.notWritten("--state: cannot \(error)"))
        }
    }

    /// What is worth keeping as it is now.
    var currentState: ClientState {
        var state = state
        let client = session.client
        guard client.session != nil else { return state }
        (state.username, state.room) = (client.username, url.room)
        (state.session, state.seq) = (client.session, client.seq)
        return state
    }

    func saveState() throws(TalkFailure) { try Self.save(currentState, &kept, now: now) }
}
