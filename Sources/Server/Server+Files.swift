import Sockets

/// The answers whose content is sent behind their heads, and the static files of a folder.
extension Server where W: ~Copyable {
    /// What the thread that reads files makes ready; no connection has this token in a lifetime.
    static var filesToken: UInt64 { .max - 100 }

    /// Passes a request on to the thread that reads files.
    mutating func askForFile(_ request: SiteReader.Request) {
        filesAwaited += 1
        site.worker?.ask(request)
    }

    /// Takes in what that thread has answered; a part of the first step.
    mutating func readFiles() {
        guard filesAwaited > 0, let worker = site.worker else { return }
        for answer in worker.answers() {
            filesAwaited -= 1
            switch answer {
            case .found(let response, let id):
                guard let slot = connections.slot(of: id), let http = connections[slot].http, let lookup = http.lookup
                else { continue }
                http.lookup = nil
                let keepAlive = lookup.keepAlive && stopping == nil && !connections[slot].peerHasFinished
                respond(slot, response, includesBody: lookup.includesContent, keepAlive: keepAlive)
            case .piece(let bytes, let id):
                if let slot = connections.slot(of: id) { takePiece(slot, bytes) }
            case .fingerprint(let fingerprint):
                let now = now
                if watcher?.take(fingerprint, now: now) == true { tellToReload() }
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
        markDirty(slot)
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
        case nil: return http.lookup != nil
        case .kept(let bytes):
            http.content = nil
            transmit(slot, kept: bytes)
        case .file(_, _, true): break
        case .file(let file, let next, false):
            http.content = .file(file, next: next, isAwaited: true)
            let count = min(SiteReader.pieceSize, file.size - next)
            askForFile(.read(file, at: next, count: count, of: connections.id(slot)))
        }
        return true
    }

    // MARK: Reloading

    /// With `--watch`: asks now and then whether the files of the page have changed.
    mutating func watchFiles() {
        let now = now
        if watcher?.isDue(now: now) == true { askForFile(.fingerprint) }
    }
}
