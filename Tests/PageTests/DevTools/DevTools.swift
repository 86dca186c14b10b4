import Foundation
import Support

/// The browser's DevTools protocol, over the project's own WebSocket client: calls, their answers, and events.
final class DevTools: BrowserTools {
    private let client: TestClient
    private var calls = 0
    private var tabs: [String: (JSON) -> Void] = [:]

    init(_ browser: Browser) throws {
        client = try TestClient(port: browser.port, target: browser.target)
    }

    /// Has the events of a session heard.
    func listen(to session: String, _ hear: @escaping (JSON) -> Void) { tabs[session] = hear }

    /// Calls a method, and waits for its answer.
    ///
    /// - Parameter session: the tab's; nil is the browser itself.
    /// - Throws: the browser's own words on why it could not be done.
    @discardableResult
    func call(_ method: String, _ parameters: [String: Any], session: String?) throws -> JSON {
        let id = try send(method, parameters, session: session)
        let deadline = Deadline()
        while true {
            let message = try client.next("the answer to \(method)", within: deadline.secondsLeft)
            guard message["id"] == id else {
                hear(message)
                continue
            }
            if let error: JSON = message["error"] { throw Failure("\(method): \(error["message"] ?? error.text)") }
            guard let result: JSON = message["result"] else { throw Failure("\(method): \(message)") }
            return result
        }
    }

    func post(_ method: String, _ parameters: [String: Any], session: String?) throws {
        _ = try send(method, parameters, session: session)
    }

    /// Calls a method, and returns the call's number.
    private func send(_ method: String, _ parameters: [String: Any], session: String?) throws -> Int {
        calls += 1
        var message: [String: Any] = ["id": calls, "method": method, "params": parameters]
        message["sessionId"] = session
        try client.send(message)
        return calls
    }

    /// Waits until an event has been heard that makes `isEnough` true.
    func wait(for what: String, until isEnough: () -> Bool) throws {
        let deadline = Deadline()
        while !isEnough() { hear(try client.next(what, within: deadline.secondsLeft)) }
    }

    private func hear(_ message: JSON) {
        if let session: String = message["sessionId"] { tabs[session]?(message) }
    }
}
