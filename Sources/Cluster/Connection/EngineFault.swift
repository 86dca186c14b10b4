/// Why the engine cannot be used, in words for whoever runs the server.
package enum EngineFault: Error, Equatable, Sendable {
    // What somebody has to change.

    case passwordWrong
    case passwordMissing
    /// A password was given to an engine that has none.
    case passwordUnwanted
    /// The user may not do what the server needs.
    case notPermitted(String)
    case noSuchDatabase
    case tooOld(version: String)
    /// Settings without which what was said could be lost.
    case settings([Shortcoming])
    case isReplica
    case isClustered
    /// The database holds something else under the names that are used here.
    case foreignKeys(String)
    /// A live node has this name.
    case nameTaken

    // What may pass.

    /// It has no memory left.
    case full
    /// It cannot write to its disk.
    case diskFailed
    /// It reads its data, or runs somebody's long script.
    case busy
    /// There is no connection to it, or none any more.
    case unreachable(String)
    /// It does not answer.
    case silent
    /// It has forgotten our scripts: they are loaded by the next connection.
    case noScript
    /// It says what cannot be understood.
    case violation(RESPReader.Fault)
    case other(String)

    /// A setting of the engine, as it is and as it must be.
    package struct Shortcoming: Equatable, Sendable {
        package var setting: String
        /// Nil where the engine does not tell.
        package var value: String?
        package var needed: String

        package init(setting: String, value: String?, needed: String) {
            (self.setting, self.value, self.needed) = (setting, value, needed)
        }
    }

    /// What an error that the engine has answered with means.
    package init(_ error: RESPError) {
        let text = error.message
        switch error.code {
        case "WRONGPASS": self = .passwordWrong
        case "NOAUTH": self = .passwordMissing
        case "NOPERM": self = .notPermitted(text)
        case "READONLY": self = .isReplica
        case "MOVED", "CROSSSLOT", "CLUSTERDOWN": self = .isClustered
        case "WRONGTYPE": self = .foreignKeys(text)
        case "OOM": self = .full
        case "MISCONF", "NOREPLICAS": self = .diskFailed
        case "LOADING", "BUSY", "MASTERDOWN", "TRYAGAIN": self = .busy
        case "NOSCRIPT": self = .noScript
        case "ERR" where text.contains("DB index"): self = .noSuchDatabase
        case "ERR" where text.contains("without any password configured"): self = .passwordUnwanted
        default: self = .other(text)
        }
    }

    /// Whether trying again is of no use before somebody has changed something.
    package var isLasting: Bool {
        switch self {
        case .passwordWrong, .passwordMissing, .passwordUnwanted, .notPermitted, .noSuchDatabase, .tooOld, .settings,
            .isReplica, .isClustered, .foreignKeys, .nameTaken:
            true
        case .full, .diskFailed, .busy, .unreachable, .silent, .noScript, .violation, .other: false
        }
    }
}

extension EngineFault: CustomStringConvertible {
    package var description: String {
        switch self {
        case .passwordWrong: "the engine refuses this user and password"
        case .passwordMissing: "the engine wants a password: redis://[USER]:PASSWORD@HOST"
        case .passwordUnwanted: "the engine has no password, but --cluster gives one"
        case .notPermitted(let text): "the engine's user may not do what a chat needs (\(text))"
        case .noSuchDatabase: "the engine has no database of this number"
        case .tooOld(let version): "the engine is version \(version); 7.0 of Redis or 7.2 of Valkey is the least"
        case .settings(let shortcomings):
            "the engine could lose what was said: " + shortcomings.map(\.description).joined(separator: ", ")
        case .isReplica: "the engine is a replica, which takes no writes: name the primary"
        case .isClustered: "the engine is part of a Redis Cluster, which scripts for several keys cannot use"
        case .foreignKeys(let text):
            "the database has keys of another program under chatloop: (\(text)); name another database with /DB"
        case .nameTaken: "a node of this name is alive: give another with --node"
        case .full: "the engine has no memory left (maxmemory)"
        case .diskFailed: "the engine cannot write to its disk or to its replicas"
        case .busy: "the engine is busy: it loads its data, or runs somebody's script"
        case .unreachable(let reason): "there is no connection to the engine: \(reason)"
        case .silent: "the engine does not answer"
        case .noScript: "the engine has forgotten the scripts"
        case .violation(let fault): "this is no Redis or Valkey: its answer cannot be read (\(fault))"
        case .other(let text): "the engine says: \(text)"
        }
    }
}

extension EngineFault.Shortcoming: CustomStringConvertible {
    package var description: String {
        guard let value else { return "\(setting) cannot be read and must be \(needed) (allow CONFIG GET)" }
        return "\(setting) is \(value) and must be \(needed)"
    }
}
