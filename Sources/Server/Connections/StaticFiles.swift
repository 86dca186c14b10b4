import Chat
import HTTP
import Sockets

/// The static files, and what is awaited from the thread that reads those of a folder.
struct StaticFiles {
    private let site: Site
    /// Requests that it has not answered yet.
    private var awaited = 0
    /// Nil without `--watch`.
    private var watcher: FileWatcher?

    init(_ site: Site, watchedFrom now: Int64?) {
        self.site = site
        watcher = now.map { FileWatcher(now: $0) }
    }

    /// What becomes readable when the thread has answered; nil where there is none.
    var descriptor: Int32? { site.worker?.descriptor }

    /// - Returns: nil where the answer is in a folder: then it comes from `takeAnswers`.
    mutating func response(to path: [String], of request: HTTPRequest, from id: ConnectionID) -> Response? {
        switch site.answer(to: path, of: request) {
        case .now(let response): return response
        case .later(let wanted):
            ask(.find(wanted, of: id))
            return nil
        }
    }

    /// Passes a request on to the thread.
    mutating func ask(_ request: SiteReader.Request) {
        awaited += 1
        site.worker?.ask(request)
    }

    /// What the thread has answered.
    mutating func takeAnswers() -> [SiteReader.Answer] {
        guard awaited > 0, let answers = site.worker?.answers() else { return [] }
        awaited -= answers.count
        return answers
    }

    // MARK: Watching

    /// When to ask next whether files have changed (ms).
    var nextLook: Int64? { watcher?.next }

    /// Asks whether files have changed, if it is time to.
    mutating func look(now: Int64) {
        if watcher?.isDue(now: now) == true { ask(.fingerprint) }
    }

    /// - Returns: whether files have changed since the last look.
    mutating func hasChanged(_ fingerprint: UInt64, now: Int64) -> Bool {
        watcher?.take(fingerprint, now: now) ?? false
    }
}
