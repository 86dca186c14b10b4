import Sockets
import WebSocket

/// The answers whose content is sent behind their heads, and the static files of a folder.
extension Server where W: ~Copyable {
    /// What the thread that reads files makes ready; no connection has this token in a lifetime.
    static var filesToken: UInt64 { .max - 100 }

    /// Takes in what the thread that reads files has answered; a part of the first step.
    mutating func readFiles() {
        let now = now
        files.look(now: now)
        for answer in files.takeAnswers() {
            switch answer {
            case .found(let response, let id):
                answerAwaited(id, response)
            case .piece(let bytes, let id):
                if let slot = connections.slot(of: id) { takePiece(slot, bytes) }
            case .fingerprint(let fingerprint):
                if files.hasChanged(fingerprint, now: now) { tellToReload() }
            }
        }
    }

    private mutating func takePiece(_ slot: Int, _ bytes: [UInt8]) {
        guard let http = connections[slot].http, case .file(let file, let next, _) = http.content else { return }
        // The file has become shorter than its answer says: the client sees that from the end.
        guard bytes.count == min(SiteReader.pieceSize, file.size - next) else { return drop(slot) }
        let end = next + bytes.count
        http.content = end < file.size ? .file(file, next: end, isAwaited: false) : nil
        connections[slot].own = bytes
        outgoing.markDirty(slot)
    }

    /// Adds content to an answer: a little of it with the head, more of it behind what is queued.
    mutating func append(_ content: Response.Content, _ slot: Int) {
        switch content {
        case .bytes(let bytes): connections[slot].own.append(contentsOf: bytes)
        case .kept(let bytes) where bytes.count <= Sizes.copiedContent: connections[slot].own.append(contentsOf: bytes)
        case .kept(let bytes): connections[slot].http?.content = .kept(bytes)
        case .file(let file): connections[slot].http?.content = .file(file, next: 0, isAwaited: false)
        }
    }

    /// All that was queued is sent: goes on with the content of the answer that is being sent.
    ///
    /// - Returns: false where there is none.
    mutating func sendContent(_ slot: Int) -> Bool {
        guard let http = connections[slot].http else { return false }
        switch http.content {
        case nil: return http.awaited != nil
        case .kept(let bytes):
            http.content = nil
            transmit(slot, kept: bytes)
        case .file(_, _, true): break
        case .file(let file, let next, false):
            http.content = .file(file, next: next, isAwaited: true)
            let count = min(SiteReader.pieceSize, file.size - next)
            files.ask(.read(file, at: next, count: count, of: connections.id(slot)))
        }
        return true
    }

    // MARK: Reloading

    /// Tells every page that its files have changed.
    mutating func tellToReload() {
        log(.info, "files-changed")
        let reload = Array("{\"type\":\"reload\"}".utf8)
        for slot in 0..<connections.used where connections[slot].chat?.hasJoined == true {
            Frame.append(to: &connections[slot].own, opcode: .text, payload: reload.span)
            outgoing.markDirty(slot)
        }
    }
}
