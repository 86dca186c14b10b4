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
            let tab = try scene.enter("Ada")
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
            // And the line shows where reading stopped.
            #expect(
                try tab.string("document.querySelector('.unread').nextSibling.querySelector('.text').textContent")
                    == "one")
        }
    }

    @Test func aMentionMarksItsRowAndNotifiesOnlyWhoAskedForIt() throws {
        try Scene.play { scene in
            let tab = try scene.blank()
            try tab.prepare(Self.recorder)
            try tab.navigate(to: scene.server.url)
            try tab.join("Ada")
            let bo = try scene.client("Bo")
            for text in ["hello @ada!", "Adam and adage are others", "ADA?"] { try bo.say(text) }
            try tab.wait(forMessage: "ADA?")
            let marked = try tab.strings(
                "[...document.querySelectorAll('.mention .text')].map((text) => text.textContent)")
            #expect(marked == ["hello @ada!", "ADA?"])
            #expect(try tab.string("document.querySelector('.mention mark').textContent") == "@ada")
            try tab.setVisible(false)
            try bo.say("Ada, where are you?")
            try tab.wait(forMessage: "Ada, where are you?")
            #expect(try tab.int("asked") == 0)
            #expect(try tab.strings("shown").isEmpty)

            try tab.setVisible(true)
            try tab.find("checkbox", "Tell me when I am mentioned").click()
            try tab.wait(for: "asked === 1")
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
