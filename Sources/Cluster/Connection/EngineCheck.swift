/// What the engine must be so that nothing that was shown is lost; asked at the start of each connection, since it may be
/// another engine than the last time, or one with other settings.
package struct EngineCheck: Sendable {
    /// Settings, and the only value of each that will do.
    static let settings = [
        (name: "appendonly", needed: "yes"),
        (name: "appendfsync", needed: "always"),
        (name: "no-appendfsync-on-rewrite", needed: "no"),
        (name: "maxmemory-policy", needed: "noeviction"),
    ]
    static let sections = ["server", "replication", "cluster"]
    /// Scripts can ask for the time before they write from this version on.
    static let oldest = 7

    private var shortcomings: [EngineFault.Shortcoming] = []
    private var facts: [String: String] = [:]

    /// Takes in the answer to `CONFIG GET`: a list of names and values. A refusal says nothing, so the setting counts as missing.
    mutating func take(setting index: Int, _ answer: RESPValue) {
        let (name, needed) = Self.settings[index]
        let words = answer.array ?? []
        let value = words.count == 2 && words[0].text == name ? words[1].text : nil
        guard value != needed else { return }
        shortcomings.append(EngineFault.Shortcoming(setting: name, value: value, needed: needed))
    }

    /// Takes in the answer to `INFO`: lines of `name:value`.
    mutating func take(information answer: RESPValue) {
        guard let text = answer.text else { return }
        for line in text.split(whereSeparator: \.isNewline) {
            guard let colon = line.firstIndex(of: ":") else { continue }
            facts[String(line[..<colon])] = String(line[line.index(after: colon)...])
        }
    }

    /// Judges what was taken in.
    ///
    /// - Returns: the engine's line: which process it is, in which of its roles. As long as it is the same, the engine has lost
    ///   nothing that it has answered; with another it may have begun again with less.
    func judge() throws(EngineFault) -> String {
        guard let version = facts["redis_version"], let run = facts["run_id"],
            let replication = facts["master_replid"], let role = facts["role"]
        else { throw .notPermitted("INFO") }
        let major = Int(version.prefix { $0 != "." }) ?? 0
        guard major >= Self.oldest else { throw .tooOld(version: version) }
        guard role == "master" else { throw .isReplica }
        guard facts["cluster_enabled"] == "0" else { throw .isClustered }
        guard shortcomings.isEmpty else { throw .settings(shortcomings) }
        return "\(run):\(replication)"
    }
}
