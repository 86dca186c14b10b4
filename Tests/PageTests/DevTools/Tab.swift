import Foundation
import Support

/// One page that is open in the browser.
final class Tab {
    let devTools: any BrowserTools
    private let target: String
    let session: String
    /// What the browser told of it, in order: requests, console messages, dialogs.
    private(set) var events: [JSON] = []

    /// Opens an empty page in a window of its own.
    ///
    /// - Parameter context: the browser context that it shares storage with.
    init(_ devTools: any BrowserTools, context: String) throws {
        self.devTools = devTools
        target =
            try devTools.call(
                "Target.createTarget",
                [
                    "url": "about:blank", "browserContextId": context, "newWindow": true, "width": 1100, "height": 760,
                ])["targetId"] ?? ""
        session =
            try devTools.call("Target.attachToTarget", ["targetId": target, "flatten": true])["sessionId"] ?? ""
        devTools.listen(to: session) { [weak self] in self?.heard($0) }
        for domain in ["Page", "Runtime", "Log", "Network"] { try call("\(domain).enable") }
        // Several pages are used at once, and each believes that it is the one in front.
        try call("Emulation.setFocusEmulationEnabled", ["enabled": true])
    }

    private func heard(_ event: JSON) {
        events.append(event)
        // A dialog would hold up everything else.
        if event["method"] == "Page.javascriptDialogOpening" {
            try? devTools.post("Page.handleJavaScriptDialog", ["accept": true], session: session)
        }
    }

    @discardableResult
    func call(_ method: String, _ parameters: [String: Any] = [:]) throws -> JSON {
        try devTools.call(method, parameters, session: session)
    }

    /// The parameters of the events of this kind so far.
    func events(_ method: String) -> [JSON] {
        events.filter { $0["method"] == method }.compactMap { $0["params"] }
    }

    /// Drops the events of these kinds: traces are long.
    func forget(_ methods: String...) { events.removeAll { event in methods.contains { event["method"] == $0 } } }

    // MARK: Where it is

    /// - Parameter address: what stands in the address bar in the end, where the page changes it.
    func navigate(to url: String, arriving address: String? = nil) throws {
        let answer = try call("Page.navigate", ["url": url])
        if let error: String = answer["errorText"] { throw Failure("\(url): \(error)") }
        // A secret leaves the address bar at once.
        let wanted = address ?? url.replacing(/#(invite|operator)=.*/, with: "")
        try wait(for: "location.href === \(quoted(wanted)) && document.readyState === 'complete'")
    }

    /// Loads the page again.
    func reload() throws {
        try evaluate("window.isOld = true")
        try call("Page.reload")
        try wait(for: "!window.isOld && document.readyState === 'complete'")
    }

    /// Has a script run in each document to come, before its own.
    ///
    /// - Returns: the browser's name for it.
    @discardableResult
    func prepare(_ script: String) throws -> String {
        try call("Page.addScriptToEvaluateOnNewDocument", ["source": script])["identifier"] ?? ""
    }

    func close() throws { try devTools.call("Target.closeTarget", ["targetId": target]) }

    // MARK: What is in it

    /// The value of an expression; a promise's is waited for.
    @discardableResult
    func evaluate(_ expression: String) throws -> Any {
        try Self.value(
            call(
                "Runtime.evaluate",
                ["expression": expression, "awaitPromise": true, "returnByValue": true, "userGesture": true]))
    }

    func string(_ expression: String) throws -> String { "\(try evaluate(expression))" }
    func int(_ expression: String) throws -> Int { (try evaluate(expression) as? NSNumber)?.intValue ?? -1 }
    func bool(_ expression: String) throws -> Bool { (try evaluate(expression) as? NSNumber)?.boolValue ?? false }
    func double(_ expression: String) throws -> Double { (try evaluate(expression) as? NSNumber)?.doubleValue ?? .nan }
    func strings(_ expression: String) throws -> [String] { try evaluate(expression) as? [String] ?? [] }

    static func value(_ answer: JSON) throws -> Any {
        if let thrown: JSON = answer["exceptionDetails"] {
            let exception: JSON? = thrown["exception"]
            throw Failure(exception?["description"] ?? thrown.text)
        }
        let result: JSON? = answer["result"]
        return result?.value("value") ?? NSNull()
    }

    /// Waits, frame by frame, until an expression is true; a new document is waited for, too.
    func wait(for expression: String, within seconds: Double = 15) throws {
        let deadline = Deadline(seconds: seconds)
        while true {
            do {
                // No answer of the browser may take as long as the longest of waits.
                let met = try bool(Self.waiting(for: expression, seconds: min(deadline.secondsLeft, 15)))
                if met { return }
                if !deadline.isOver { continue }
                let seen = try string("document.body.innerText.replace(/\\s+/g, ' ').slice(-1000)")
                throw Failure("waited in vain for \(expression), with: \(seen)")
            } catch let failure as Failure where failure.isAboutALeftDocument && !deadline.isOver {}
        }
    }

    private static func waiting(for expression: String, seconds: Double) -> String {
        """
        new Promise((resolve, reject) => {
            const end = performance.now() + \(seconds * 1000);
            const look = () => {
                let isMet = false;
                try {
                    isMet = \(expression);
                } catch (error) { // what is not there may be on its way, while the document is
                    if (document.readyState === 'complete') return reject(error);
                }
                if (isMet) resolve(true);
                else if (performance.now() > end) resolve(false);
                else if (document.hidden) setTimeout(look, 10);
                else requestAnimationFrame(look);
            };
            look();
        })
        """
    }

    /// Waits until everything is drawn that was known before.
    func settle() throws {
        try evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")
    }

    /// The processor's time that the page's main thread has taken so far (s): other programs do not make it longer.
    func processorTime() throws -> Double {
        try call("Performance.enable", ["timeDomain": "threadTicks"])
        let metrics: [JSON] = try call("Performance.getMetrics")["metrics"]
        return metrics.first { $0["name"] == "TaskDuration" }?.value("value") as? Double ?? .nan
    }

    // MARK: By role and name

    /// The element that a screen reader would find under this role and name; waits until there is one.
    ///
    /// - Parameter name: exactly; nil is any.
    func find(_ role: String, _ name: String? = nil) throws -> Element {
        let deadline = Deadline()
        while !deadline.isOver {
            if let element = try all(role, name).first { return element }
            try settle()
        }
        throw Failure("there is no \(role) \(name ?? ""), but \(try string("document.body.innerText"))")
    }

    /// All of this role and name that are there for a screen reader.
    func all(_ role: String, _ name: String? = nil) throws -> [Element] {
        let document: JSON? = try call("Runtime.evaluate", ["expression": "document"])["result"]
        var query: [String: Any] = ["objectId": document?["objectId"] ?? "", "role": role]
        query["accessibleName"] = name
        let nodes: [JSON] = try call("Accessibility.queryAXTree", query)["nodes"]
        return try nodes.filter { $0["ignored"] != true }.compactMap { node in
            guard let id: Int = node["backendDOMNodeId"] else { return nil }
            let object: JSON? = try call("DOM.resolveNode", ["backendNodeId": id])["object"]
            let (name, description): (JSON?, JSON?) = (node["name"], node["description"])
            return Element(
                tab: self, object: object?["objectId"] ?? "", name: name?["value"] ?? "",
                description: description?["value"] ?? "")
        }
    }

    // MARK: Looking at it

    /// Writes a picture of it into the folder that `CHATLOOP_SCREENSHOTS` names, if it does.
    func screenshot(_ name: String) throws {
        guard let folder = ProcessInfo.processInfo.environment["CHATLOOP_SCREENSHOTS"] else { return }
        try settle()
        let picture: String = try call("Page.captureScreenshot")["data"] ?? ""
        try Data(base64Encoded: picture)?.write(to: URL(fileURLWithPath: "\(folder)/\(name).png"))
    }

    /// What the page, or the browser about it, wrote to the console.
    var console: [String] {
        events.compactMap { event -> String? in
            guard let details: JSON = event["params"] else { return nil }
            switch event["method"] ?? "" {
            case "Runtime.consoleAPICalled": return "\(details["args"] as [JSON])"
            case "Runtime.exceptionThrown": return details.text
            case "Log.entryAdded":
                let entry: JSON? = details["entry"]
                return "\(entry?["text"] ?? details.text) \(entry?["url"] ?? "")"
            default: return nil
            }
        }
    }
}

/// An element of a page, found by its role and name.
struct Element {
    let tab: Tab
    fileprivate let object: String
    /// As a screen reader says it.
    let name: String
    /// What a screen reader adds to it.
    let description: String

    /// The value of an expression in which `this` is the element.
    @discardableResult
    func evaluate(_ expression: String) throws -> Any {
        let parameters: [String: Any] = [
            "objectId": object, "functionDeclaration": "function() { return (\(expression)) }", "awaitPromise": true,
            "returnByValue": true, "userGesture": true,
        ]
        return try Tab.value(tab.call("Runtime.callFunctionOn", parameters))
    }

    func string(_ expression: String) throws -> String { "\(try evaluate(expression))" }
    func bool(_ expression: String) throws -> Bool { (try evaluate(expression) as? NSNumber)?.boolValue ?? false }
    func text() throws -> String { try string("this.innerText") }
    func focus() throws { try evaluate("this.focus()") }

    /// Clicks in its middle, as a mouse does: what lies over it takes the click.
    func click() throws {
        try evaluate("this.scrollIntoView({ block: 'nearest' })")
        let middle = "(({ x, y, width, height }) => [x + width / 2, y + height / 2])"
        let place = try evaluate("\(middle)(this.getBoundingClientRect())")
        guard let place = place as? [Double], place.count == 2 else { throw Failure("\(name) is nowhere") }
        for type in ["mousePressed", "mouseReleased"] {
            try tab.call(
                "Input.dispatchMouseEvent",
                ["type": type, "x": place[0], "y": place[1], "button": "left", "clickCount": 1])
        }
    }
}

/// A text as a literal of the page's language.
func quoted(_ text: String) -> String {
    let data = try? JSONSerialization.data(withJSONObject: text, options: .fragmentsAllowed)
    return data.map { String(decoding: $0, as: UTF8.self) } ?? "''"
}

extension Failure {
    /// The page went away while it was asked: the next may have the answer.
    fileprivate var isAboutALeftDocument: Bool {
        ["navigated", "context was destroyed", "Cannot find context", "uniqueContextId", "Promise was collected"]
            .contains { description.contains($0) }
    }
}
