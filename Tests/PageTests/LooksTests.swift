import Foundation
import Support
import Testing

/// What the system and the device ask for.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct LooksTests {
    @Test func lightAndDarkFollowTheSystem() throws {
        try Scene.play { scene in
            let tab = try scene.enter("Ada")
            let ground = "getComputedStyle(document.body).backgroundColor"
            try tab.prefer(["prefers-color-scheme": "light"])
            let light = try tab.string(ground)
            try tab.prefer(["prefers-color-scheme": "dark"])
            #expect(try tab.string(ground) != light)
            // The browser's own parts, such as scroll bars, follow.
            let scheme = "getComputedStyle(document.documentElement).colorScheme"
            #expect(try tab.string(scheme) == "dark")
            // Whoever wants it otherwise has it so, after a reload too.
            try tab.openOptions()
            try tab.find("radio", "Light").click()
            #expect(try tab.string(ground) == light)
            try tab.reload()
            #expect(try tab.string(ground) == light)
            #expect(try tab.string(scheme) == "light")
        }
    }

    @Test func contrastForcedColoursAndReducedMotionAreRespected() throws {
        try Scene.play { scene in
            let tab = try scene.enter("Ada")
            scene.server.child.signal(SIGSTOP)
            try tab.say("on its way")
            _ = try tab.find("image", "Sending")
            let state = "getComputedStyle(document.querySelector('.sending .state'))"
            #expect(try tab.string("\(state).animationDuration") == "1.2s")
            try tab.prefer(["prefers-reduced-motion": "reduce"])
            #expect(try tab.string("\(state).animationDuration") == "0s")
            let soft = "getComputedStyle(document.querySelector('.message time')).color"
            let ink = "getComputedStyle(document.body).color"
            #expect(try tab.string(soft) != tab.string(ink))
            try tab.prefer(["prefers-contrast": "more"])
            #expect(try tab.string(soft) == tab.string(ink))
            // Own rows are told apart without their ground, too.
            try tab.prefer(["forced-colors": "active"])
            let edge = "getComputedStyle(document.querySelector('.own')).borderLeftColor"
            #expect(try tab.string(edge) != tab.string("getComputedStyle(document.body).backgroundColor"))
        }
    }

    /// Comes into a room with a past, on a phone.
    private func onPhone(_ body: (Tab) throws -> Void) throws {
        let past = try PastFolder(messages: 60)
        try Scene.play("--data", past.path) { scene in
            let tab = try scene.blank()
            try tab.becomePhone()
            try tab.navigate(to: scene.server.url)
            try tab.join("Cy")
            try tab.wait(forRow: "message 60")
            try body(tab)
        }
    }

    @Test func theKeyboardOfAPhoneDoesNotHideTheField() throws {
        try onPhone { tab in
            // Most keyboards make the page smaller.
            try tab.resize(390, 420, isPhone: true)
            let isShown = """
                document.querySelector('#composer').getBoundingClientRect().bottom <= visualViewport.height
                    && document.querySelector('[role=log] li:last-child').getBoundingClientRect().bottom
                        <= document.querySelector('#composer').getBoundingClientRect().top
                """
            try tab.wait(for: isShown)
            try tab.screenshot("phone-keyboard")
            // Some lie over it, and tell the visual viewport.
            try tab.becomePhone()
            try tab.wait(for: "visualViewport.height > 430")
            try tab.evaluate(
                """
                Object.defineProperty(visualViewport, 'height', { configurable: true, get: () => 430 });
                visualViewport.dispatchEvent(new Event('resize'));
                """)
            try tab.wait(for: isShown)
        }
    }

    /// A page resized twice before it was drawn is not taken for the reader's going up.
    @Test func theEndIsKeptThroughTwoSizesInOneFrame() throws {
        let past = try PastFolder(messages: 60)
        try Scene.play("--data", past.path) { scene in
            let tab = try scene.enter("Cy")
            try tab.wait(forRow: "message 60")
            let below = "(log.scrollHeight - log.scrollTop - log.clientHeight)"
            try tab.resize(1100, 400)
            try tab.wait(for: "(log = document.querySelector('[role=log]')).clientHeight < 400 && \(below) <= 1")
            try tab.settle()
            try tab.evaluate(
                """
                document.body.style.setProperty('--height', '700px');
                log.scrollTop; // what is laid out now is not drawn
                Object.defineProperty(visualViewport, 'height', { configurable: true, get: () => 400 });
                visualViewport.dispatchEvent(new Event('resize'));
                """)
            try tab.settle()
            #expect(try tab.double(below) <= 1)
            #expect(try tab.bool("document.querySelector('#unread').hidden"))
        }
    }

    /// A phone on its side, and 1280 × 1024 at 400 %.
    @Test(arguments: [(844, 390), (320, 256)]) func aRefusalAndTheButtonAreSeenOnALowPage(size: (Int, Int)) throws {
        try Scene.play { scene in
            scene.keep(try scene.client("Ada"))
            let tab = try scene.open()
            try tab.resize(size.0, size.1)
            try tab.find("textbox", "Username").focus()
            try tab.insert("Ada")
            try tab.press("Enter")
            try tab.wait(for: "document.querySelector('#usernameError').textContent !== ''")
            try tab.settle()
            try tab.screenshot("low-\(size.0)")
            for part in ["#username", "#usernameError", "#entry > button"] {
                let box = "document.querySelector('\(part)').getBoundingClientRect()"
                #expect(try tab.bool("\(box).top >= document.querySelector('header').clientHeight"), "\(part)")
                #expect(try tab.bool("\(box).bottom <= innerHeight"), "\(part)")
            }
        }
    }

    /// Red around a text that is too long, though the focus is there, and red what says so.
    @Test func aTooLongTextIsMarkedInOneColour() throws {
        try Scene.play { scene in
            let tab = try scene.enter("Ada")
            try tab.insert(String(repeating: "la ", count: 1400) + "!")
            try tab.press("Enter")
            try tab.wait(for: "document.querySelector('#note').textContent !== ''")
            let colours = try tab.strings(
                """
                (() => {
                    const [field, note] = ['.field', '#note'].map((one) => getComputedStyle(document.querySelector(one)));
                    return [field.borderTopColor, field.boxShadow.match(/^rgb.*?\\)/)[0], note.color];
                })()
                """)
            #expect(Set(colours).count == 1, "\(colours)")
            // Help is no error.
            try tab.press("a", control: true)
            try tab.say("/help")
            try tab.wait(for: "document.querySelector('#note').textContent.includes('/who')")
            #expect(try tab.string("getComputedStyle(document.querySelector('#note')).color") != colours[0])
        }
    }

    @Test func theWayToTheEndIsEasyToHitWithAFinger() throws {
        try onPhone { tab in
            try tab.evaluate("document.querySelector('[role=log]').scrollTop -= 700")
            #expect(try tab.find("button", "To the end").bool("this.clientHeight >= 42"))
        }
    }

    @Test func printsTheWholeConversationAlone() throws {
        let past = try PastFolder(messages: 60)
        try Scene.play("--data", past.path) { scene in
            let tab = try scene.enter("Cy")
            try tab.wait(forRow: "message 60")
            try tab.print()
            #expect(
                try tab.bool(
                    "document.querySelector('[role=log]').scrollHeight <= document.querySelector('[role=log]').clientHeight"
                ))
            #expect(try tab.double("document.querySelector('[role=log]').clientHeight") > 1500)
            #expect(
                try tab.bool(
                    "['#composer', '#side', '#net'].every((one) => !document.querySelector(one).checkVisibility())"))
            #expect(try tab.bool("document.querySelector('h1').checkVisibility()"))
        }
    }

    @Test func canBeInstalled() throws {
        try Scene.play { scene in
            let tab = try scene.open()
            let answer = try tab.call("Page.getAppManifest")
            #expect((answer["errors"] as [JSON]).isEmpty)
            #expect(answer["url"] == scene.server.url + "manifest.webmanifest")
            let manifest = JSON(Array((answer["data"] as String? ?? "").utf8))
            #expect(manifest["name"] == "Chatloop" && manifest["display"] == "standalone")
            for icon in manifest["icons"] as [JSON] {
                #expect(
                    try tab.bool(
                        """
                        fetch(new URL(\(quoted(icon["src"] ?? "")), location)).then(async (answer) => answer.ok
                            && answer.headers.get('Content-Type') === \(quoted(icon["type"] ?? "")))
                        """))
            }
            let faults: [JSON] = try tab.call("Page.getInstallabilityErrors")["installabilityErrors"]
            // A context without a profile, as each test has, is the only hindrance.
            #expect(faults.compactMap { $0["errorId"] as String? }.filter { $0 != "in-incognito" } == [])
        }
    }
}
