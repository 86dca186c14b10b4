import Support
import Testing

/// With a keyboard alone, and with a screen reader.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct AccessibleTests {
    /// Notes for each row that comes into the log whether it is read out, and what is announced besides.
    private static let recorder = """
        window.heard = [];
        addEventListener('DOMContentLoaded', () => {
            const log = document.querySelector('[role=log]');
            new MutationObserver((changes) => {
                for (const { addedNodes } of changes) for (const { className, innerText } of addedNodes) {
                    if (log.ariaLive === 'polite' && className) heard.push(innerText.replace(/\\s+/g, ' '));
                }
            }).observe(log.firstChild, { childList: true });
            const announcer = document.querySelector('#announcer');
            new MutationObserver(() => heard.push('announced: ' + announcer.textContent))
                .observe(announcer, { childList: true });
        });
        """

    @Test func historyIsNotReadOutButWhatComesIs() throws {
        let past = try PastFolder(messages: 250)
        try Scene.play("--data", past.path) { scene in
            let tab = try scene.blank()
            try tab.prepare(Self.recorder)
            try tab.navigate(to: scene.server.url)
            try tab.join("Cy")
            try tab.wait(forRow: "message 250")
            let log = "document.querySelector('[role=log]')"
            try tab.wait(for: "\(log).ariaLive === 'polite'")
            #expect(try tab.strings("heard").filter { $0.contains("message") } == [])
            let bo = try scene.client("Bo")
            try bo.say("this is new")
            try tab.wait(for: "heard.some((one) => one.includes('this is new'))")
            // Older ones that are asked for are not read out.
            try tab.evaluate("\(log).scrollTop = 0")
            try tab.wait(for: "document.querySelector('.message .text').textContent === 'message 51'")
            #expect(try tab.strings("heard").filter { $0.contains("message") } == [])
        }
    }

    @Test func afterAResumeThereIsOneSummary() throws {
        let folder = try TemporaryFolder()
        try Scene.play("--data", folder.path, "--message-rate", "0", lost: true) { scene in
            let tab = try scene.blank()
            try tab.prepare(Self.recorder)
            try tab.navigate(to: scene.server.url)
            try tab.join("Cy")
            try tab.wait(for: "document.querySelector('[role=log]').ariaLive === 'polite'")
            try scene.crash()
            try tab.wait(forStatus: "Reconnecting")
            try tab.setNetwork(false)
            try tab.wait(forStatus: "Offline")
            try scene.restart()
            let bo = try scene.client("Bo")
            for number in 1...12 { try bo.say("meanwhile \(number)") }
            for _ in 1...12 { _ = try bo.skip(to: "message") }
            try tab.setNetwork(true)
            try tab.wait(forMessage: "meanwhile 12")
            try tab.wait(for: "heard.includes('announced: 12 new messages')")
            #expect(try tab.strings("heard").filter { $0.contains("meanwhile") } == [])
        }
    }

    /// Notes every text that is put into the log, or changes there, while it would be read out.
    private static let reader = """
        window.read = [];
        const log = document.querySelector('[role=log]');
        new MutationObserver((changes) => {
            if (log.ariaLive !== 'polite') return;
            for (const { target, addedNodes } of changes) {
                const nodes = addedNodes.length || target.nodeType === 1 ? addedNodes : [target];
                for (const { textContent } of nodes) if (textContent.trim()) read.push(textContent);
            }
        }).observe(log, { childList: true, subtree: true, characterData: true });
        """

    @Test func sendingReadsNoOldNoticeAgain() throws {
        try Scene.play { scene in
            let tab = try scene.enter("Ada")
            let bo = try scene.client("Bo")
            try bo.say("hello")
            try tab.wait(forMessage: "hello")
            try tab.setVisible(false)
            try bo.say("while nobody looked")
            try tab.wait(for: "document.title.startsWith('(1)')")
            try tab.setVisible(true)
            try tab.wait(for: "document.querySelector('.unread')")
            try tab.wait(for: "document.querySelector('[role=log]').ariaLive === 'polite'")
            try tab.evaluate(Self.reader)
            try tab.say("my answer")
            try tab.wait(forMessage: "my answer")
            try tab.wait(for: "!document.querySelector('.unread')")
            let read = try tab.strings("read")
            #expect(read.filter { $0.contains("joined") } == [])
            #expect(read.contains { $0.contains("my answer") })
        }
    }

    @Test func ofACrowdOnlyWhatIsNewIsRead() throws {
        try Scene.play { scene in
            let tab = try scene.enter("Ada")
            try tab.wait(forRow: "Ada joined")
            try tab.wait(for: "document.querySelector('[role=log]').ariaLive === 'polite'")
            try tab.evaluate(Self.reader)
            scene.keep(try scene.client("Bo"))
            try tab.wait(forRow: "Bo joined")
            #expect(try tab.strings("read").filter { $0.contains("Ada") } == [])
            scene.keep(try scene.client("Cy"), try scene.client("Di"))
            try tab.wait(forRow: "Ada, Bo, and 2 others joined")
            try tab.evaluate("read = []")
            scene.keep(try scene.client("Ed"))
            try tab.wait(forRow: "Ada, Bo, and 3 others joined")
            #expect(try tab.strings("read") == [", and 3 others joined"])
        }
    }

    @Test func rowsAreListItemsAndTheLogScrollsByKeys() throws {
        let past = try PastFolder(messages: 80)
        try Scene.play("--data", past.path) { scene in
            let tab = try scene.enter("Cy")
            try tab.wait(forRow: "message 80")
            let log = try tab.find("log", "Messages")
            #expect(try tab.all("listitem").count > 80)
            try log.focus()
            let top = try tab.int("document.querySelector('[role=log]').scrollTop")
            // Chromium scrolls smoothly, and one scroll that cuts the other short may end anywhere.
            let listen = "addEventListener('scrollend', () => document.body.dataset.rest = 'yes', { once: true })"
            try tab.evaluate("document.querySelector('[role=log]').\(listen)")
            try tab.press("PageUp")
            try tab.wait(for: "document.body.dataset.rest === 'yes'")
            #expect(try tab.int("document.querySelector('[role=log]').scrollTop") < top - 100)
            try tab.press("End")
            try tab.wait(for: "document.querySelector('#unread').hidden")
        }
    }

    @Test func theFirstTabLeadsToTheMessageField() throws {
        try Scene.play { scene in
            let tab = try scene.enter("Ada")
            try tab.evaluate("document.body.tabIndex = -1; document.body.focus()")
            try tab.press("Tab")
            #expect(try tab.string("document.activeElement.innerText") == "Skip to the message field")
            #expect(try tab.bool("document.activeElement.getBoundingClientRect().width > 100"))
            try tab.screenshot("skip-link")
            try tab.press("Enter")
            try tab.wait(for: "document.activeElement.id === 'message'")
        }
    }

    /// Round the whole page with Tab, forwards and backwards: everything that can be used is reached, shows that it has
    /// the focus, and lets it go.
    @Test(arguments: [false, true]) func theFocusIsSeenEverywhereAndTrappedNowhere(isPhone: Bool) throws {
        try Scene.play { scene in
            let tab = try scene.blank()
            if isPhone { try tab.becomePhone() }
            try tab.navigate(to: scene.server.url)
            try tab.join("Ada")
            let bo = try scene.client("Bo")
            try bo.say("https://example.org/")
            try tab.say("a bell \u{7}")
            try tab.wait(forRow: "Not sent")
            if isPhone {
                try tab.evaluate("document.querySelector('#menu').focus()")
                try tab.press("Enter")
                try tab.wait(for: "document.querySelector('#drawer').open")
            }
            let wanted = try tab.strings(
                """
                [...(document.querySelector('dialog[open]') ?? document)
                    .querySelectorAll('a[href], button, input, textarea, summary, [tabindex="0"]')].filter((one) => one.tabIndex >= 0)
                    .filter((one) => one.checkVisibility()).map((one, index) => one.dataset.stop = one.id || 'stop ' + index)
                """)
            for isBackwards in [false, true] {
                try tab.evaluate("document.body.tabIndex = -1; document.body.focus()")
                var reached: Set<String> = []
                var isRound = false
                for _ in 0..<60 where !isRound {
                    try tab.press("Tab", shift: isBackwards)
                    let stop = try tab.string("document.activeElement.dataset.stop ?? ''")
                    // After the last, the focus leaves the page for once.
                    if stop.isEmpty { continue }
                    isRound = reached.contains(stop)
                    reached.insert(stop)
                    #expect(try tab.bool(Self.showsFocus), "\(stop) does not show its focus")
                }
                #expect(isRound)
                #expect(Set(wanted).subtracting(reached) == [], isBackwards ? "backwards" : "forwards")
            }
        }
    }

    /// An outline, or the frame that the field stands in.
    private static let showsFocus = """
        (() => {
            const style = getComputedStyle(document.activeElement);
            const frame = document.activeElement.closest('.field');
            return (style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 2)
                || (frame && getComputedStyle(frame).boxShadow !== 'none');
        })()
        """

    @Test func nothingMovesTheFocusOnArrival() throws {
        try Scene.play { scene in
            let tab = try scene.enter("Ada")
            let bo = try scene.client("Bo")
            for place in ["[role=log]", "#people", "#search", "#more"] {
                try tab.evaluate("document.querySelector('\(place)').focus()")
                try bo.say("hello, \(place)")
                try bo.send(["type": "typing"])
                try tab.wait(forMessage: "hello, \(place)")
                #expect(try tab.bool("document.activeElement === document.querySelector('\(place)')"))
            }
        }
    }

    @Test func speaksAnotherLanguage() throws {
        try Scene.play { scene in
            let tab = try scene.blank()
            try tab.speak("de-AT,de,en")
            try tab.navigate(to: scene.server.url)
            try tab.find("textbox", "Name").focus()
            try tab.insert("Ada")
            try tab.find("button", "Eintreten").click()
            try tab.wait(forStatus: "Verbunden")
            _ = try tab.find("textbox", "Nachricht")
            _ = try tab.find("button", "Senden")
            _ = try tab.find("log", "Nachrichten")
            try tab.wait(forRow: "Neu hier: Ada")
            #expect(try tab.string("document.documentElement.lang").hasPrefix("de"))
            try tab.screenshot("german")
            // Every text has its translation, in every language.
            for language in ["de", "fr"] {
                let missing = try tab.strings(
                    """
                    Promise.all([import('./words.js'), import('./words-\(language).js')]).then(([{ english }, { default: table }]) =>
                        Object.keys(english).filter((key) => !table[key])
                            .concat(Object.keys(english.errors).filter((key) => !table.errors[key])))
                    """)
                #expect(missing == [])
            }
        }
    }
}
