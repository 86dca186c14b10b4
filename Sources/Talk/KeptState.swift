import Client
import Sockets

/// The file of `--state`: what a client keeps so that a restart comes back as itself.
struct KeptState {
    let path: String
    private var saved: ClientState?
    /// When it was written last (ms).
    private var savedAt: Int64 = .min / 2

    /// Why it cannot be used.
    enum Fault: Error, Equatable {
        case unreadable(String)
        /// The file holds something else, which is left as it is.
        case foreign
    }

    /// Reads what an earlier run has kept. An empty file is as good as none.
    init(_ path: String) throws(Fault) {
        self.path = path
        do throws(SystemError) {
            guard let bytes = try SmallFile.read(path), !bytes.isEmpty else { return }
            saved = ClientState(bytes.span)
        } catch {
            throw .unreadable("cannot \(error)")
        }
        if saved == nil { throw .foreign }
    }

    /// What is in the file; nil where there is none yet.
    var state: ClientState? { saved }

    /// When a state must be written at the latest (ms); nil where it is what is in the file.
    func deadline(for state: ClientState) -> Int64? { state == saved ? nil : savedAt + TalkTimeouts.betweenSaves }

    /// Writes the state, if it is another than the one in the file.
    mutating func save(_ state: ClientState, now: Int64) throws(SystemError) {
        guard state != saved else { return }
        try SmallFile.replace(path, state.json)
        (saved, savedAt) = (state, now)
    }
}
