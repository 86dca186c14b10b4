import Support
import Testing

/// What a person is made aware of who looks elsewhere.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct NoticingTests {
    /// Stands in for the system's notifications, and tells which were asked for and shown.
    private static let recorder = """
        window.shown = [];
        window.asked = 0;
        window.Notification = class {
            static permission = 'default';
            static async requestPermission() {
                asked += 1;
                return (this.permission = 'granted');
            }
            constructor(title, { body }) { shown.push(title + ': ' + body); }
        };
        """

    @Test func theTitleAndTheIconCountWhatIsUnread() throws {
        try Scene.play { scene in
            let tab = try scene.blank()
            try tab.prepare(
                "window.badges = []; navigator.setAppBadge = async (n) => badges.push(n); navigator.clearAppBadge = async () => badges.push(0);"
            )
            try tab.navigate(to: scene.server.url)
            try tab.join("Ada")
            let bo = try scene.client("Bo")
            let icon = try tab.string("document.querySelector('#icon').href")
            try tab.setVisible(false)
            try bo.say("one")
            try bo.say("two")
            try tab.wait(for: "document.title === '(2) lobby · Chatloop'")
            let badge = try tab.string("decodeURIComponent(document.querySelector('#icon').href)")
            #expect(badge.contains(">2</text>"))
            // The badged icon is one that the browser can draw.
            #expect(
                try tab.bool(
                    "new Promise((done) => { const i = new Image(); i.onload = () => done(true); i.onerror = () => done(false); i.src = document.querySelector('#icon').href; })"
                ))
            try tab.setVisible(true)
            try tab.wait(for: "document.title === 'lobby · Chatloop'")
            #expect(try tab.string("document.querySelector('#icon').href") == icon)
            #expect(try tab.string("String(badges.slice(-3))") == "1,2,0")
            // And the line shows where reading stopped.
            #expect(
                try tab.string("document.querySelector('.unread').nextSibling.querySelector('.text').textContent")
                    == "one")
        }
    }

    @Test func aVisibleWindowWithoutTheFocusNotifies() throws {
        try Scene.play { scene in
            let tab = try scene.blank()
            try tab.prepare(Self.recorder + "Notification.permission = 'granted';")
            try tab.navigate(to: scene.server.url)
            try tab.join("Ada")
            try tab.openOptions()
            try tab.find("checkbox", "Tell me when I am mentioned").click()
            try tab.closeDialog()
            try tab.evaluate("document.hasFocus = () => false")
            let bo = try scene.client("Bo")
            try bo.say("@Ada look here")
            try tab.wait(forMessage: "@Ada look here")
            #expect(try tab.strings("shown") == ["Bo · lobby: @Ada look here"])
            #expect(try tab.string("document.title") == "lobby · Chatloop")
        }
    }

    @Test(arguments: ["denied", "missing"]) func whereItCannotNotifyTheBoxSaysWhy(reason: String) throws {
        try Scene.play { scene in
            let tab = try scene.blank()
            try tab.prepare(
                reason == "missing"
                    ? "delete window.Notification;" : Self.recorder + "Notification.permission = 'denied';")
            try tab.navigate(to: scene.server.url)
            try tab.join("Ada")
            try tab.openOptions()
            let box = try tab.find("checkbox", "Tell me when I am mentioned")
            #expect(try box.bool("this.disabled"))
            #expect(box.description.contains("the title counts"))
        }
    }

    /// Android's constructor throws: only a service worker may notify there.
    @Test func aConstructorThatThrowsEndsNothing() throws {
        try Scene.play { scene in
            let tab = try scene.blank()
            try tab.prepare(
                """
                window.Notification = class {
                    static permission = 'granted';
                    static async requestPermission() { return 'granted'; }
                    constructor() { throw new TypeError('Illegal constructor'); }
                };
                """)
            try tab.navigate(to: scene.server.url)
            try tab.join("Ada")
            try tab.openOptions()
            try tab.find("checkbox", "Tell me when I am mentioned").click()
            try tab.closeDialog()
            try tab.setVisible(false)
            let bo = try scene.client("Bo")
            try bo.say("@Ada")
            try tab.wait(for: "document.title.startsWith('(1)')")
        }
    }

    @Test func aSoundIsMadeOnWish() throws {
        try Scene.play { scene in
            let tab = try scene.blank()
            try tab.prepare(
                """
                window.tones = 0;
                const { start } = OscillatorNode.prototype;
                OscillatorNode.prototype.start = function (...given) { tones += 1; start.apply(this, given); };
                """)
            try tab.navigate(to: scene.server.url)
            try tab.join("Ada")
            try tab.setVisible(false)
            let bo = try scene.client("Bo")
            try bo.say("unheard")
            try tab.wait(forMessage: "unheard")
            #expect(try tab.int("tones") == 0)
            try tab.setVisible(true)
            try tab.openOptions()
            try tab.find("checkbox", "A sound for each message").click()
            #expect(try tab.int("tones") == 2)
            try tab.setVisible(false)
            try bo.say("heard")
            try tab.wait(for: "tones === 4")
        }
    }

    @Test func aMentionMarksItsRowAndNotifiesOnlyWhoAskedForIt() throws {
        try Scene.play { scene in
            let tab = try scene.blank()
            try tab.prepare(Self.recorder)
            try tab.navigate(to: scene.server.url)
            try tab.join("Ada")
            let bo = try scene.client("Bo")
            for text in ["hello @ada!", "Adam and adage are others", "ada: there?", "the ada of old", "So Ada said"] {
                try bo.say(text)
            }
            try tab.wait(forMessage: "So Ada said")
            let marked = try tab.strings(
                "[...document.querySelectorAll('.mention .text')].map((text) => text.textContent)")
            #expect(marked == ["hello @ada!", "ada: there?", "So Ada said"])
            #expect(try tab.string("document.querySelector('.mention mark').textContent") == "@ada")
            try tab.setVisible(false)
            try bo.say("Ada, where are you?")
            try tab.wait(forMessage: "Ada, where are you?")
            #expect(try tab.int("asked") == 0)
            #expect(try tab.strings("shown").isEmpty)

            try tab.setVisible(true)
            try tab.openOptions()
            try tab.find("checkbox", "Tell me when I am mentioned").click()
            try tab.wait(for: "asked === 1")
            try tab.closeDialog()
            try bo.say("Ada, while you look")
            try tab.wait(forMessage: "Ada, while you look")
            try tab.setVisible(false)
            try bo.say("not about you")
            try bo.say("Ada, at last")
            try tab.wait(forMessage: "Ada, at last")
            #expect(try tab.strings("shown") == ["Bo · lobby: Ada, at last"])
        }
    }
}
