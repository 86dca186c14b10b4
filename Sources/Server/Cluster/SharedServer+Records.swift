import Cluster

/// The records of the server itself.
extension SharedServer {
    /// Takes in what a node says of them.
    ///
    /// - Returns: the position up to which they are applied, where something has changed.
    mutating func take(_ output: Lockstep.Output, _ node: inout ClusterNode) -> UInt64? {
        guard output.isOfServer else { return nil }
        switch output {
        case .load(_, let state, let position):
            self = state.flatMap { SharedServer(json: $0.span) } ?? SharedServer()
            node.applied(SharedServer.name, at: position, digest: digest)
            return position
        case .apply(_, let record):
            if case .inputs(let inputs) = record.content {
                for case .input(let bytes) in inputs.items {
                    if let change = Change(bytes.span) { take(change) }
                }
            }
            node.applied(SharedServer.name, at: record.position, digest: digest)
            return record.position
        case .takeSnapshot:
            guard let position = node.position(of: SharedServer.name) else { return nil }
            node.store(json, of: SharedServer.name, at: position, history: [], expiredThrough: 0)
            return nil
        default: return nil
        }
    }
}

extension Lockstep.Output {
    /// Whether it is of the records of the server itself.
    var isOfServer: Bool {
        switch self {
        case .load(let room, _, _), .apply(let room, _), .ready(let room), .drop(let room, _), .takeSnapshot(let room),
            .stored(let room, _):
            room == SharedServer.name
        default: false
        }
    }
}
