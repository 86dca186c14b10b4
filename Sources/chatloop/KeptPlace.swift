import Chat
import Cluster
import Log
import Server

/// Where a server keeps what commands change: in its data folder, or in the engine of its cluster.
enum KeptPlace {
    case folder(String)
    case cluster(ClusterAddress)

    /// Reads one of `--data` and `--cluster`, whichever stands at the reader.
    static func parse(_ option: String, _ reader: inout ArgumentReader) throws(UsageError) -> KeptPlace {
        guard option == "--cluster" else {
            return .folder(try reader.value("a folder") { $0.isEmpty ? nil : $0 })
        }
        return .cluster(try address(&reader))
    }

    /// The value of `--cluster`. What it is where it is wrong is not told: there may be a password in it.
    static func address(_ reader: inout ArgumentReader) throws(UsageError) -> ClusterAddress {
        guard let address = ClusterAddress(try reader.value(ClusterAddress.form)) else {
            throw UsageError(message: "--cluster takes \(ClusterAddress.form)")
        }
        return address
    }

    /// The place that was given, at most one; else the cluster of the environment; else the usual folder.
    static func choose(
        _ given: [KeptPlace], environment: (String) -> String?
    ) throws(UsageError) -> KeptPlace {
        guard given.count < 2 else { throw UsageError(message: "only one of --data and --cluster can be given, once") }
        if let place = given.first { return place }
        guard let text = environment("CHATLOOP_CLUSTER"), !text.isEmpty else {
            return .folder(ServeOptions().dataFolder)
        }
        guard let address = ClusterAddress(text) else {
            throw UsageError(message: "CHATLOOP_CLUSTER in the environment takes \(ClusterAddress.form)")
        }
        return .cluster(address)
    }

    // MARK: Tokens

    func tokens() throws(StartFailure) -> [TokenFile.Token] {
        switch self {
        case .folder(let folder):
            do throws(StorageError) {
                return try TokenFile.read(TokenFile.path(in: folder), FileStorage()).tokens
            } catch {
                throw Self.failure(error)
            }
        case .cluster(let address):
            var session = try ClusterSession(to: address)
            try session.leave()
            return session.server.tokens
        }
    }

    /// Makes or takes back a token; older ones of that name end.
    ///
    /// - Returns: the name of another token that looks like this one, for which nothing is done.
    func set(_ token: UInt128?, of name: Username, made: Int64) throws(StartFailure) -> Username? {
        let digest = token.map { TokenFile.digest(of: $0) }
        var other: Username?
        switch self {
        case .folder(let folder):
            do throws(StorageError) {
                _ = try TokenFile.change(in: folder) { file in
                    file.tokens.removeAll { $0.username.isSame(as: name) }
                    guard let digest else { return true }
                    other = file.tokens.first { $0.username.looksLike(name) }?.username
                    guard other == nil else { return false }
                    file.tokens.append(TokenFile.Token(username: name, digest: digest, made: made))
                    return true
                }
            } catch {
                throw Self.failure(error)
            }
        case .cluster(let address):
            var session = try ClusterSession(to: address)
            other =
                session.server.tokens.first {
                    digest != nil && $0.username.looksLike(name) && !$0.username.isSame(as: name)
                }?.username
            if other == nil { try session.change(.token(name, digest: digest, made: made)) }
            try session.leave()
        }
        return other
    }

    private static func failure(_ error: StorageError) -> StartFailure {
        StartFailure(error.isPermission ? .noPermission : .cannotCreate, error.description)
    }

    // MARK: Operators

    /// Makes a link for an operator, which running servers take up.
    ///
    /// - Returns: the code that belongs into it.
    func makeLink(endsOthers: Bool) throws(StartFailure) -> String {
        switch self {
        case .folder(let folder): return try makeOperatorLink(dataFolder: folder, endsOthers: endsOthers)
        case .cluster(let address):
            let (code, link) = OperatorLink.make(endsOthers: endsOthers)
            var session = try ClusterSession(to: address)
            try session.change(.link(link))
            try session.leave()
            return code
        }
    }
}
