import Foundation
import Support

/// Chromium, or Firefox where `CHATLOOP_BROWSER` says so, without a window, started once for all tests, with a profile of its
/// own that goes when the tests end.
final class Browser: Sendable {
    static let isFirefox = ProcessInfo.processInfo.environment["CHATLOOP_BROWSER"] == "firefox"

    /// Where it is installed; `CHROMIUM` or `FIREFOX` may name it. Without one, the tests of the page are skipped.
    static let path: String? = {
        if let path = ProcessInfo.processInfo.environment[isFirefox ? "FIREFOX" : "CHROMIUM"] { return path }
        let names =
            isFirefox
            ? ["firefox", "firefox-esr"] : ["chromium", "chromium-browser", "google-chrome", "google-chrome-stable"]
        let folders = (ProcessInfo.processInfo.environment["PATH"] ?? "").split(separator: ":")
        let application = "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"
        let candidates = names.flatMap { name in folders.map { "\($0)/\(name)" } } + [application]
        return candidates.first { FileManager.default.isExecutableFile(atPath: $0) }
    }()

    static let isInstalled = path != nil
    static let isMissing = "skipped: there is no \(isFirefox ? "Firefox" : "Chromium") to show the page"

    /// The one that all tests use: each in a context of its own, which shares nothing with the others.
    private static let started = Result { try Browser() }
    static func shared() throws -> Browser { try started.get() }

    let port: UInt16
    /// The path of its DevTools WebSocket.
    let target: String

    /// Ends the browser and removes its profile as soon as this program ends, in whatever way: then its input ends.
    private static let keeper = """
        profile=$1; shift
        mkdir -p "$profile"
        "$@" about:blank &
        read -r _
        kill $!
        wait
        # Its children may still be at their last words.
        until rm -rf "$profile" && [ ! -e "$profile" ]; do :; done
        """

    private static let options = isFirefox ? ["--headless", "--remote-debugging-port", "0"] : chromiumOptions

    private static let chromiumOptions = [
        // As root there is no sandbox; the only pages are this project's own.
        "--headless", "--no-sandbox", "--remote-debugging-port=0", "--no-first-run", "--disable-gpu",
        "--disable-dev-shm-usage", "--disable-extensions", "--disable-background-networking", "--disable-sync",
        "--disable-component-update", "--lang=en-US", "--force-color-profile=srgb",
        // Pages in the background are to be as quick as the others.
        "--disable-background-timer-throttling", "--disable-backgrounding-occluded-windows",
        "--disable-renderer-backgrounding",
    ]

    private init() throws {
        guard let path = Self.path else { throw Failure(Self.isMissing) }
        let profile = "\(NSTemporaryDirectory())/chatloop-browser-\(ProcessInfo.processInfo.processIdentifier)"
        let keeper = try Child(
            "/bin/sh",
            ["-c", Self.keeper, "sh", profile, path] + Self.options
                + (Self.isFirefox ? ["--profile", profile] : ["--user-data-dir=\(profile)"]),
            environment: ["HOME": profile, "TMPDIR": profile])
        let line = try keeper.errorLine(
            with: Self.isFirefox ? "BiDi listening on ws://" : "DevTools listening on ws://")
        let address = line.components(separatedBy: "ws://").last ?? ""
        let slash = address.firstIndex(of: "/") ?? address.endIndex
        guard let port = UInt16(address[..<slash].split(separator: ":").last ?? "") else { throw Failure(line) }
        (self.port, target) = (port, String(address[slash...]))
        // It goes on complaining of what a machine without a desktop lacks: somebody has to listen.
        nonisolated(unsafe) let talkative = keeper
        Thread.detachNewThread { talkative.drainErrors() }
    }
}
