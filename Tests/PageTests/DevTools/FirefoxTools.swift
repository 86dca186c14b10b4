import Foundation
import Support

/// What the tests ask of a browser, in the words of Chromium's DevTools protocol.
protocol BrowserTools: AnyObject {
    /// Has the events of a session heard.
    func listen(to session: String, _ hear: @escaping (JSON) -> Void)

    /// Calls a method, and waits for its answer.
    ///
    /// - Parameter session: the tab's; nil is the browser itself.
    /// - Throws: the browser's own words on why it could not be done, `Unsupported` where it cannot at all.
    @discardableResult
    func call(_ method: String, _ parameters: [String: Any], session: String?) throws -> JSON

    /// Calls a method whose answer nobody needs.
    func post(_ method: String, _ parameters: [String: Any], session: String?) throws
}

extension BrowserTools {
    @discardableResult
    func call(_ method: String, _ parameters: [String: Any] = [:]) throws -> JSON {
        try call(method, parameters, session: nil)
    }
}

/// Something that this browser's protocol has no means for.
struct Unsupported: Error { let method: String }

/// Firefox by WebDriver BiDi, over the project's own WebSocket client: the methods that most tests use, said in its words.
final class FirefoxTools: BrowserTools {
    private let client: TestClient
    private var calls = 0
    private var listeners: [String: (JSON) -> Void] = [:]
    /// Nodes that were found, by the numbers that they are asked for with.
    private var nodes: [String] = []

    /// Firefox has one session: all tests share it, one after the other (`swift test --no-parallel`).
    nonisolated(unsafe) private static let started = Result { try FirefoxTools(Browser.shared()) }
    static func shared() throws -> FirefoxTools { try started.get() }

    private init(_ browser: Browser) throws {
        client = try TestClient(port: browser.port, target: "/session")
        let capabilities: [String: Any] = ["alwaysMatch": ["unhandledPromptBehavior": ["default": "accept"]]]
        // It is still starting.
        try bidi("session.new", ["capabilities": capabilities], within: 120)
        try bidi("session.subscribe", ["events": ["log.entryAdded"]])
    }

    func listen(to session: String, _ hear: @escaping (JSON) -> Void) { listeners[session] = hear }

    func post(_ method: String, _ parameters: [String: Any], session: String?) throws {
        _ = try call(method, parameters, session: session)
    }

    // MARK: Its own words

    @discardableResult
    private func bidi(
        _ method: String, _ parameters: [String: Any], within seconds: Double = Deadline.standard
    ) throws -> JSON {
        calls += 1
        try client.send(["id": calls, "method": method, "params": parameters])
        let deadline = Deadline(seconds: seconds)
        while true {
            let message = try client.next("the answer to \(method)", within: deadline.secondsLeft)
            if message["method"] == "log.entryAdded" { logged(message) }
            guard message["id"] == calls else { continue }
            if let error: String = message["error"] {
                throw Failure("\(method): \(error): \(message["message"] ?? "")")
            }
            guard let result: JSON = message["result"] else { throw Failure("\(method): \(message)") }
            return result
        }
    }

    private func logged(_ event: JSON) {
        guard let entry: JSON = event["params"], let source: JSON = entry["source"] else { return }
        let text: String = entry["text"] ?? ""
        listeners[source["context"] ?? ""]?(json(["method": "Log.entryAdded", "params": ["entry": ["text": text]]]))
    }

    private func json(_ object: [String: Any]) -> JSON {
        JSON(Array((try? JSONSerialization.data(withJSONObject: object, options: .fragmentsAllowed)) ?? Data()))
    }

    // MARK: What is asked of it

    func call(_ method: String, _ parameters: [String: Any], session: String?) throws -> JSON {
        let context = session ?? parameters["targetId"] as? String ?? ""
        switch method {
        case "Target.createBrowserContext":
            return json(["browserContextId": try bidi("browser.createUserContext", [:])["userContext"] ?? ""])
        case "Target.disposeBrowserContext":
            return try bidi("browser.removeUserContext", ["userContext": parameters["browserContextId"] ?? ""])
        case "Target.createTarget":
            let made: String =
                try bidi(
                    "browsingContext.create",
                    ["type": "tab", "userContext": parameters["browserContextId"] ?? "", "background": false])[
                    "context"] ?? ""
            try resize(made, parameters["width"] ?? 1100, parameters["height"] ?? 760)
            return json(["targetId": made])
        case "Target.attachToTarget": return json(["sessionId": context])
        case "Target.closeTarget": return try bidi("browsingContext.close", ["context": context])
        case "Page.enable", "Runtime.enable", "Log.enable", "Network.enable", "Emulation.setFocusEmulationEnabled":
            return json([:])
        case "Page.navigate":
            return try bidi(
                "browsingContext.navigate", ["context": context, "url": parameters["url"] ?? "", "wait": "none"])
        case "Page.reload": return try bidi("browsingContext.reload", ["context": context, "wait": "none"])
        case "Page.addScriptToEvaluateOnNewDocument":
            let function = "() => { \(parameters["source"] ?? "") }"
            let made = try bidi("script.addPreloadScript", ["functionDeclaration": function, "contexts": [context]])
            return json(["identifier": made["script"] as String? ?? ""])
        case "Page.removeScriptToEvaluateOnNewDocument":
            return try bidi("script.removePreloadScript", ["script": parameters["identifier"] ?? ""])
        case "Page.captureScreenshot":
            return json(["data": try bidi("browsingContext.captureScreenshot", ["context": context])["data"] ?? ""])
        case "Emulation.setDeviceMetricsOverride":
            if parameters["mobile"] as? Bool == true { throw Unsupported(method: "a touch screen") }
            try resize(context, parameters["width"] ?? 0, parameters["height"] ?? 0)
            return json([:])
        case "Runtime.evaluate": return try evaluate(parameters, in: context)
        case "Runtime.callFunctionOn": return try callFunction(parameters, in: context)
        case "Accessibility.queryAXTree": return try query(parameters, in: context)
        case "DOM.resolveNode":
            return json(["object": ["objectId": nodes[parameters["backendNodeId"] as? Int ?? 0]]])
        case "Input.insertText":
            let insert = "document.execCommand('insertText', false, \(quoted(parameters["text"] as? String ?? "")))"
            return try evaluate(["expression": insert], in: context)
        case "Input.dispatchKeyEvent": return try key(parameters, in: context)
        case "Input.dispatchMouseEvent": return try mouse(parameters, in: context)
        default: throw Unsupported(method: method)
        }
    }

    private func resize(_ context: String, _ width: Any, _ height: Any) throws {
        try bidi("browsingContext.setViewport", ["context": context, "viewport": ["width": width, "height": height]])
    }

    // MARK: Scripts

    private func evaluate(_ parameters: [String: Any], in context: String) throws -> JSON {
        let expression = parameters["expression"] as? String ?? ""
        if expression == "document" { return json(["result": ["objectId": context]]) }
        return answer(
            try bidi(
                "script.evaluate",
                [
                    "expression": expression, "target": ["context": context], "awaitPromise": true,
                    "userActivation": true,
                ]))
    }

    private func callFunction(_ parameters: [String: Any], in context: String) throws -> JSON {
        answer(
            try bidi(
                "script.callFunction",
                [
                    "functionDeclaration": parameters["functionDeclaration"] ?? "", "target": ["context": context],
                    "awaitPromise": true, "userActivation": true, "this": ["sharedId": parameters["objectId"] ?? ""],
                ]))
    }

    private func answer(_ result: JSON) -> JSON {
        if let thrown: JSON = result["exceptionDetails"] {
            return json(["exceptionDetails": ["exception": ["description": thrown["text"] ?? thrown.text]]])
        }
        return json(["result": ["value": plain(result.value("result") as? [String: Any] ?? [:])]])
    }

    /// A value without BiDi's notes of its type.
    private func plain(_ remote: [String: Any]) -> Any {
        let value = remote["value"]
        switch remote["type"] as? String ?? "" {
        case "array": return (value as? [[String: Any]] ?? []).map(plain)
        case "object":
            var object: [String: Any] = [:]
            for pair in value as? [[Any]] ?? [] where pair.count == 2 {
                if let name = pair[0] as? String, let member = pair[1] as? [String: Any] {
                    object[name] = plain(member)
                }
            }
            return object
        default: return value ?? NSNull()
        }
    }

    // MARK: By role and name

    private func query(_ parameters: [String: Any], in context: String) throws -> JSON {
        var value: [String: Any] = ["role": parameters["role"] ?? ""]
        value["name"] = parameters["accessibleName"]
        let found = try bidi(
            "browsingContext.locateNodes", ["context": context, "locator": ["type": "accessibility", "value": value]])
        let described = try (found["nodes"] as [JSON]).compactMap { node -> [String: Any]? in
            guard let shared: String = node["sharedId"] else { return nil }
            let told = try callFunction(["objectId": shared, "functionDeclaration": Self.describe], in: context)
            let result: JSON? = told["result"]
            guard let words = result?.value("value") as? [String], words.count == 2 else { return nil }
            nodes.append(shared)
            return [
                "backendDOMNodeId": nodes.count - 1, "name": ["value": words[0]], "description": ["value": words[1]],
            ]
        }
        return json(["nodes": described])
    }

    /// Name and description of an element that a screen reader would find; null of any other.
    private static let describe = """
        function () {
            if (!this.checkVisibility() || this.closest('[aria-hidden=true]')) return null;
            const texts = (ids) => (ids ?? '').split(' ').map((id) => document.getElementById(id)?.textContent ?? '').join(' ').trim();
            const label = this.labels?.[0]?.textContent.trim();
            return [this.getAttribute('aria-label') ?? label ?? this.innerText ?? '', texts(this.getAttribute('aria-describedby'))];
        }
        """

    // MARK: Hands

    private static let keys = [
        "Enter": "\u{E007}", "Tab": "\u{E004}", "Escape": "\u{E00C}", "PageUp": "\u{E00E}", "PageDown": "\u{E00F}",
        "End": "\u{E010}",
        "Home": "\u{E011}", "ArrowUp": "\u{E013}", "ArrowDown": "\u{E015}", "Backspace": "\u{E003}",
    ]

    private func key(_ parameters: [String: Any], in context: String) throws -> JSON {
        // Pressed and let go at once: what is asked for afterwards is done already.
        guard parameters["type"] as? String != "keyUp" else { return json([:]) }
        guard parameters["windowsVirtualKeyCode"] as? Int != 229 else { throw Unsupported(method: "an input method") }
        let name = parameters["key"] as? String ?? ""
        let value = Self.keys[name] ?? name
        let held = parameters["modifiers"] as? Int ?? 0
        let modifiers = (held & 8 != 0 ? ["\u{E008}"] : []) + (held & 2 != 0 ? ["\u{E009}"] : [])
        let down = (modifiers + [value]).map { ["type": "keyDown", "value": $0] }
        let up = ([value] + modifiers.reversed()).map { ["type": "keyUp", "value": $0] }
        return try perform(["type": "key", "id": "keys", "actions": down + up], in: context)
    }

    private func mouse(_ parameters: [String: Any], in context: String) throws -> JSON {
        let isPress = parameters["type"] as? String == "mousePressed"
        let place = [parameters["x"], parameters["y"]].map { Int(($0 as? Double ?? 0).rounded()) }
        let actions: [[String: Any]] =
            isPress
            ? [
                ["type": "pointerMove", "x": place[0], "y": place[1]], ["type": "pointerDown", "button": 0],
            ] : [["type": "pointerUp", "button": 0]]
        return try perform(
            ["type": "pointer", "id": "mouse", "parameters": ["pointerType": "mouse"], "actions": actions], in: context)
    }

    private func perform(_ source: [String: Any], in context: String) throws -> JSON {
        try bidi("input.performActions", ["context": context, "actions": [source]])
    }
}
