import Bytes
import Chat
import HTTP
import Log

/// The token that a request brings.
struct BearerToken {
    let secret: UInt128

    /// `Authorization: Bearer TOKEN` (RFC 6750, 2.1); nil without one, or where it can be none of ours.
    init?(_ request: HTTPRequest) {
        let values = request.values(of: "authorization")
        guard values.count == 1, let space = values[0].firstIndex(of: " "),
            values[0][..<space].lowercased() == "bearer",
            let secret = UInt128(hexadecimal: Array(values[0][space...].utf8.drop { $0 == 0x20 }).span)
        else { return nil }
        self.secret = secret
    }
}

/// The programs that may post: what the tokens' file says, which `chatloop token` writes while the server runs.
struct ProgramTokens {
    /// Nil where they are told by the other nodes.
    private let path: String?
    private let secret: ServerSecret
    private let disk = FileStorage()
    /// Which file was read last.
    private var version: FileVersion?
    private var bots: [UInt128: Bot] = [:]
    /// That it cannot be read.
    var failureLog = LogThrottle()

    init(folder: String, secret: ServerSecret) {
        path = TokenFile.path(in: folder)
        self.secret = secret
    }

    init(_ tokens: [TokenFile.Token], secret: ServerSecret) {
        path = nil
        self.secret = secret
        take(tokens)
    }

    private mutating func take(_ tokens: [TokenFile.Token]) {
        bots = Dictionary(tokens.map { ($0.digest, Bot($0.username, secret)) }) { $1 }
    }

    var names: [Username] { bots.values.map(\.username) }

    func bot(of token: BearerToken) -> Bot? { bots[TokenFile.digest(of: token.secret)] }

    /// Reads the file if it is another than before. Where it cannot be read, there are no tokens.
    ///
    /// - Returns: whether there may be others now.
    mutating func refresh() throws(StorageError) -> Bool {
        guard let path else { return false }
        do throws(StorageError) {
            let current = try FileVersion(at: path)
            if current == version { return false }
            take(try TokenFile.read(path, disk).tokens)
            version = current
            return true
        } catch {
            bots = [:]
            version = nil
            throw error
        }
    }
}

extension Server where W: ~Copyable {
    /// Takes in what has become of the tokens.
    mutating func lookAtTokens() {
        guard tokens != nil else { return }
        let now = now
        do throws(StorageError) {
            guard try tokens?.refresh() == true else { return }
        } catch {
            if tokens?.failureLog.admits(now: now) == true {
                log(.error, "tokens-unreadable", "reason", error.description)
            }
        }
        chat.setPrograms(tokens?.names ?? [])
    }
}
