import Foundation
import Support
import Testing

/// A server, and the pages of one test, which share a browser context of their own.
final class Scene {
    private(set) var server: LiveServer
    private let options: [String]
    private let devTools: any BrowserTools
    private let context: String
    private(set) var tabs: [Tab] = []
    private var kept: [TestClient] = []
    /// Whom a page has met that waits for strangers.
    var strangers: [TestClient] = []

    private init(_ options: [String]) throws {
        self.options = options
        server = try LiveServer(options: options)
        devTools = try Browser.isFirefox ? FirefoxTools.shared() : DevTools(Browser.shared())
        context = try devTools.call("Target.createBrowserContext", ["disposeOnDetach": true])["browserContextId"] ?? ""
    }

    /// Has a test played. Whatever it does, nothing may be written to the console.
    ///
    /// - Parameters:
    ///   - options: the server's.
    ///   - lost: whether connections get lost on the way, on which the browser itself writes a line.
    static func play(_ options: String..., lost: Bool = false, _ test: (Scene) throws -> Void) throws {
        try play(options: options, lost: lost, test)
    }

    /// The same.
    static func play(options: [String], lost: Bool, _ test: (Scene) throws -> Void) throws {
        let scene = try Scene(options)
        defer {
            _ = try? scene.devTools.call("Target.disposeBrowserContext", ["browserContextId": scene.context])
        }
        do {
            try test(scene)
        } catch let missing as Unsupported {
            print("skipped in Firefox: there is no \(missing.method)")
            return
        } catch {
            for (index, tab) in scene.tabs.enumerated() { try? tab.screenshot("failed-\(index)") }
            throw error
        }
        for tab in scene.tabs {
            let console = tab.console.filter {
                !lost
                    || !["WebSocket", "ERR_", "/chat", "/about", "fetching the script", "a connection to the"].contains(
                        where: $0.contains)
            }
            #expect(console.isEmpty)
        }
    }

    // MARK: Pages

    /// Opens an empty page.
    func blank() throws -> Tab {
        let tab = try Tab(devTools, context: context)
        tabs.append(tab)
        return tab
    }

    /// Opens the page of a room.
    func open(room: String = "lobby") throws -> Tab {
        let tab = try blank()
        try tab.navigate(to: url(ofRoom: room))
        return tab
    }

    /// Duplicates a tab as browsers do: with everything that it keeps for itself.
    ///
    /// - Parameter script: what is run in each of its documents before their own.
    func duplicate(_ tab: Tab, prepared script: String? = nil) throws -> Tab {
        let storage = try tab.string("JSON.stringify(Object.entries(sessionStorage))")
        let fill = "for (const [key, value] of \(storage)) sessionStorage.setItem(key, value);"
        let copy = try blank()
        let filling = try copy.prepare("if (location.protocol === 'http:') { \(fill) }")
        if let script { try copy.prepare(script) }
        try copy.navigate(to: tab.string("location.href"))
        try copy.call("Page.removeScriptToEvaluateOnNewDocument", ["identifier": filling])
        return copy
    }

    /// Opens the page of a room and joins.
    func enter(_ username: String, room: String = "lobby") throws -> Tab {
        let tab = try open(room: room)
        try tab.join(username)
        return tab
    }

    func url(ofRoom room: String) -> String { server.url + (room == "lobby" ? "" : "r/\(room)") }

    /// A chatter without a page, for what others do.
    func client(_ username: String, room: String = "lobby") throws -> TestClient {
        try TestClient(server, as: username, room: room)
    }

    /// The same for one that keeps a key, by which it is known again.
    func client(_ username: String, key: String) throws -> TestClient {
        let client = try TestClient(server)
        _ = try client.join(username, key: key)
        _ = try client.expect("join", of: username)
        return client
    }

    /// Has those stay whom a test need not speak of any more.
    func keep(_ clients: TestClient...) { kept += clients }
    func keep(_ clients: [TestClient]) { kept += clients }

    /// Permits pages of the server what a person would be asked for.
    func grant(_ permissions: String...) throws {
        try devTools.call(
            "Browser.grantPermissions",
            ["origin": server.url, "browserContextId": context, "permissions": permissions])
    }

    // MARK: The server

    func crash() throws { try server.crash() }

    /// Starts it again where it was.
    func restart() throws {
        server = try LiveServer(options: options + ["--port", "\(server.port)"])
    }
}

/// What a person does on the page, and sees.
extension Tab {
    func join(_ username: String) throws {
        try find("textbox", "Username").focus()
        try press("a", control: true)
        try insert(username)
        try press("Enter")
        try wait(for: "!document.querySelector('#composer').hidden")
        try wait(forStatus: "Connected")
    }

    /// Writes into the field Message and sends it.
    func say(_ text: String) throws {
        try find("textbox", "Message").focus()
        try insert(text)
        // On a phone, Return makes a new line.
        let isPhone = try bool("matchMedia('(hover: none) and (pointer: coarse)').matches")
        if isPhone { try find("button", "Send").click() } else { try press("Enter") }
    }

    /// Opens the page's menu.
    func openOptions() throws {
        try find("button", "Menu").click()
        try wait(for: "document.querySelector('#options').open")
    }

    func closeDialog() throws {
        try press("Escape")
        try wait(for: "!document.querySelector('dialog[open]')")
    }

    /// Opens the list of rooms.
    func openRooms() throws {
        try evaluate("document.querySelector('#openRooms').click()")
        try wait(for: "document.querySelector('#roomsDialog').open")
    }

    /// Waits until the status begins so.
    func wait(forStatus status: String) throws {
        try wait(for: "document.querySelector('[role=status]').textContent.startsWith(\(quoted(status)))")
    }

    /// Waits until a row of the log holds this text.
    func wait(forRow text: String) throws {
        try wait(for: "document.querySelector('[role=log]').innerText.includes(\(quoted(text)))")
    }

    /// Waits until a message says exactly this and is no longer under way.
    func wait(forMessage text: String) throws {
        let rows = "[...document.querySelectorAll('.message:not(.sending, .refused) .text')]"
        try wait(for: "\(rows).some((row) => row.textContent === \(quoted(text)))")
    }

    /// What the messages in the log say, in order.
    func messages() throws -> [String] {
        try strings("[...document.querySelectorAll('[role=log] .message .text')].map((text) => text.textContent)")
    }

    /// Waits until these people are in the list, in this order.
    func wait(forPeople names: [String]) throws {
        let literal = names.map(quoted).joined(separator: ",")
        try wait(for: "JSON.stringify(\(Self.people)) === JSON.stringify([\(literal)])")
    }

    private static let people = "[...document.querySelectorAll('#people bdi')].map((name) => name.textContent)"

    /// The quiet lines, in order; of those that fold, what they come to.
    func notices() throws -> [String] {
        try strings(
            """
            [...document.querySelectorAll('[role=log] .notices')].flatMap((row) =>
                [...(row.querySelector('summary') ? [row.querySelector('summary')] : row.children)]
                    .map((line) => line.innerText.replace(/\\s*\\d+:\\d+.*$/s, '').trim()))
            """)
    }
}
