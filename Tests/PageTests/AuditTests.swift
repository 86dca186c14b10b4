import Foundation
import Support
import Testing

/// Every state of the page, in every way of looking at it: nothing sticks out, nothing is too small to hit, and axe-core,
/// where it is there, finds nothing.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct AuditTests {
    /// A way of looking at the page.
    private struct Look {
        let name: String
        var width = 1100
        var height = 760
        var isPhone = false
        var features: [String: String] = [:]

        static let all = [
            Look(name: "desktop-light"),
            Look(name: "desktop-dark", features: ["prefers-color-scheme": "dark"]),
            Look(name: "desktop-forced", features: ["forced-colors": "active"]),
            Look(name: "desktop-contrast", features: ["prefers-contrast": "more"]),
            // 1280 × 1024 at 400 %.
            Look(name: "zoomed", width: 320, height: 256),
            Look(name: "phone-light", width: 390, height: 844, isPhone: true),
            Look(
                name: "phone-dark", width: 390, height: 844, isPhone: true, features: ["prefers-color-scheme": "dark"]),
            Look(name: "phone-small", width: 320, height: 568, isPhone: true),
        ]
    }

    /// The audit's script, if `CHATLOOP_AXE` names it.
    private static let axe = Result<String?, any Error> {
        guard let path = ProcessInfo.processInfo.environment["CHATLOOP_AXE"] else {
            print("skipped: axe-core does not audit the page, as CHATLOOP_AXE names no axe.min.js")
            return nil
        }
        return try String(contentsOfFile: path, encoding: .utf8)
    }

    @Test(arguments: PageState.all) func everyStateIsFitToBeShown(state: PageState) throws {
        try Scene.play(options: state.options, lost: true) { scene in
            let tab = try state.arrange(scene)
            if let axe = try Self.axe.get() { try tab.evaluate("\(axe); 0") }
            for look in Look.all {
                try tab.resize(look.width, look.height, isPhone: look.isPhone)
                try tab.prefer(look.features)
                try tab.settle()
                try tab.screenshot("\(state.testDescription)-\(look.name)")
                try check(tab, "\(state.testDescription), \(look.name)")
                let hasDrawer = "!document.querySelector('#menu').hidden && !document.querySelector('dialog[open]')"
                guard look.isPhone, try tab.bool(hasDrawer) else { continue }
                try tab.find("button").evaluate("document.querySelector('#menu').click()")
                try tab.wait(for: "document.querySelector('#drawer').open")
                try tab.screenshot("\(state.testDescription)-\(look.name)-drawer")
                try check(tab, "\(state.testDescription), \(look.name), drawer")
                try tab.evaluate("document.querySelector('#drawer').close()")
            }
        }
    }

    /// A menu closes when the size changes: so it is opened in each.
    @Test func theMenusAreFitToBeShown() throws {
        try Scene.play { scene in
            let tab = try scene.enterScripted(
                "server.role = 'host'; server.past = [server.message(1, 'from Bo'), server.mine(2, 'from Ada', { username: 'Ada' })]"
            )
            if let axe = try Self.axe.get() { try tab.evaluate("\(axe); 0") }
            for look in Look.all {
                try tab.resize(look.width, look.height, isPhone: look.isPhone)
                try tab.prefer(look.features)
                try tab.settle()
                try tab.openMenu(of: "from Ada")
                try tab.screenshot("menu-\(look.name)")
                try check(tab, "menu, \(look.name)")
                #expect(
                    try tab.bool(
                        "(({ top, left, right, bottom }) => top >= 0 && left >= 0 && right <= innerWidth && bottom <= innerHeight)"
                            + "(document.querySelector('[role=menu]').getBoundingClientRect())"), "\(look.name)")
                try tab.press("Escape")
            }
        }
    }

    private func check(_ tab: Tab, _ what: String) throws {
        #expect(try tab.int("Math.max(0, document.scrollingElement.scrollWidth - innerWidth)") == 0, "\(what)")
        let (sideways, small) = (try tab.strings(Self.sideways), try tab.strings(Self.small))
        #expect(sideways == [], "\(what)")
        #expect(small == [], "\(what)")
        guard try Self.axe.get() != nil else { return }
        let violations = try tab.strings(Self.audit)
        #expect(violations == [], "\(what)")
    }

    /// What has to be scrolled sideways.
    private static let sideways = """
        [...document.querySelectorAll('body *')].filter((one) => one.checkVisibility() && one.clientWidth > 1
            && one.scrollWidth > one.clientWidth + 1
            && !['hidden', 'visible'].includes(getComputedStyle(one).overflowX)).map((one) => one.outerHTML.slice(0, 100))
        """

    /// What is less than 24 px high or wide, or the main things that are less than 44 (links within a text aside).
    private static let small = """
        [...document.querySelectorAll('a[href], button, input, textarea, summary')].map((one) => one.closest('label') ?? one)
            .filter((one) => one.checkVisibility({ visibilityProperty: true }) && !one.closest('.text, .skip')).filter((one) => {
                const { width, height } = one.getBoundingClientRect();
                const isMain = one.matches('#username, #entry > button, #message, .field button, #unread');
                const least = isMain ? 44 : 24;
                return width < least || height < least;
            }).map((one) => one.outerHTML.slice(0, 100) + JSON.stringify(one.getBoundingClientRect()))
        """

    private static let audit = """
        axe.run(document, { resultTypes: ['violations'] }).then(({ violations }) => violations.flatMap(({ id, nodes }) =>
            nodes.map((node) => `${id}: ${node.html.slice(0, 150)} ${node.failureSummary}`)))
        """
}
