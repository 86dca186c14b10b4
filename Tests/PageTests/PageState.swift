import Foundation
import Support
import Testing

/// A state that the page can be in, and how it gets there.
struct PageState: CustomTestStringConvertible, Sendable {
    let testDescription: String
    /// The server's options.
    var options: [String] = []
    let arrange: @Sendable (Scene) throws -> Tab

    private init(_ name: String, _ options: String..., arrange: @escaping @Sendable (Scene) throws -> Tab) {
        (testDescription, self.options, self.arrange) = (name, options, arrange)
    }

    static let all = [
        PageState("arriving") { try $0.open() },
        PageState("name-refused") { scene in
            scene.keep(try scene.client("Ada"))
            let tab = try scene.open()
            try tab.find("textbox", "Username").focus()
            try tab.insert("Ada")
            try tab.press("Enter")
            try tab.wait(for: "document.querySelector('#usernameError').textContent !== ''")
            return tab
        },
        PageState("empty") { try $0.enter("Ada") },
        PageState("talk") { try talk($0) },
        PageState("busy", "--message-rate", "0") { scene in
            let tab = try talk(scene)
            let speakers = try ["Tony", "Niklaus", "Barbara", "Edsger"].map { try scene.client($0) }
            for number in 0..<60 { try speakers[number % 7 % 4].say("This is line \(number) of a long talk.") }
            // Each of them is heard on a connection of its own: the last said need not be the last heard.
            try tab.wait(for: "document.querySelector('[role=log]').innerText.match(/a long talk/g)?.length === 60")
            try tab.evaluate("document.querySelector('[role=log]').scrollTop -= 700")
            try tab.wait(for: "!document.querySelector('#unread').hidden")
            for number in 60..<72 { try speakers[number % 4].say("This is line \(number) of a long talk.") }
            _ = try tab.find("button", "New messages (12)")
            scene.keep(speakers)
            return tab
        },
        PageState("first-unread") { scene in
            let tab = try talk(scene)
            let grace = try scene.client("Barbara")
            try tab.setVisible(false)
            for number in 1...3 { try grace.say("Said while nobody looked, \(number).") }
            try tab.wait(for: "document.title.startsWith('(3)')")
            try tab.setVisible(true)
            try tab.wait(for: "document.querySelector('.unread')")
            scene.keep(grace)
            return tab
        },
        PageState("folded") { scene in
            let tab = try talk(scene)
            for name in ["Bo", "Cy", "Di", "Ed"] { scene.keep(try scene.client(name)) }
            try tab.wait(forRow: "Bo, Cy, and 2 others joined")
            try tab.evaluate("document.querySelector('summary').click()")
            try tab.wait(forRow: "Ed joined")
            return tab
        },
        PageState("pending") { scene in
            let tab = try talk(scene)
            scene.server.child.signal(SIGSTOP)
            try tab.say("On its way.")
            try tab.say("And one more.")
            _ = try tab.find("image", "Sending")
            return tab
        },
        PageState("refused") { scene in
            let tab = try talk(scene)
            try tab.say("A bell \u{7} rings.")
            try tab.wait(forRow: "Not sent")
            return tab
        },
        PageState("too-long") { scene in
            let tab = try talk(scene)
            try tab.insert(String(repeating: "la ", count: 1400) + "!")
            try tab.press("Enter")
            try tab.wait(for: "document.querySelector('#note').textContent !== ''")
            return tab
        },
        PageState("help") { scene in
            let tab = try talk(scene)
            try tab.say("/help")
            try tab.wait(for: "document.querySelector('#note').textContent !== ''")
            return tab
        },
        PageState("options") { scene in
            let tab = try talk(scene)
            try tab.openOptions()
            return tab
        },
        PageState("picker") { scene in
            let tab = try talk(scene)
            try tab.find("button", "Emoji").click()
            try tab.wait(for: "document.querySelectorAll('#emojiGrid button').length > 1000")
            return tab
        },
        PageState("found") { scene in
            let tab = try scene.enterScripted(
                "server.past = Array.from({ length: 30 }, (_, n) => server.message(n + 1, `the needle number ${n}`))")
            try tab.say("/search needle")
            try tab.wait(for: "document.querySelectorAll('#results li').length > 20")
            return tab
        },
        PageState("lively") { scene in
            let tab = try scene.enterScripted(
                """
                server.topic = 'What the engine does, and what it should do instead'; server.role = 'host';
                server.past = [server.message(1, 'Did *anyone* look at the _new_ engine?', { role: 'host' }),
                    server.mine(2, 'I did.\\n> quoted\\n- one\\n- two', { username: 'Ada', edited: Date.now() }),
                    server.message(3, 'Good', { reply: 2, reactions: { '👍': { count: 3, names: ['Ada'], users: [server.me], mine: true },
                        '🎉': { count: 1, names: ['Bo'], users: ['user-of-bo'] } } }),
                    { ...server.message(4), text: undefined, deleted: true }, server.message(5, 'built and tested', { username: 'ci', user: 'ci', bot: true }),
                    server.message(6, '/me goes for a walk'), server.message(7, 'x\\n'.repeat(60))];
                """)
            try tab.evaluate("server.event('moderation', { action: 'mute', to: 'Eve', until: Date.now() + 3_600_000 })")
            try tab.choose("Reply", fromMenuOf: "Good")
            return tab
        },
        PageState("entrance") { scene in
            try scene.openScripted(
                "server.about = { room: 'lobby', userCount: 3, password: true, locked: false, keepDays: 7 }")
        },
        PageState("stranger-sought", "--pairing") { try $0.seekStranger("Ada") },
        PageState("stranger-met", "--pairing") { try $0.meetStranger() },
        PageState("stranger-left", "--pairing") { scene in
            let tab = try scene.meetStranger()
            try scene.strangers.removeLast().close(.normal)
            try tab.wait(forStatus: "Offline – the other person has left")
            return tab
        },
        PageState("rooms") { scene in
            let tab = try talk(scene)
            try tab.openRooms()
            return tab
        },
        PageState("room-refused") { scene in
            let tab = try talk(scene)
            try tab.openRooms()
            try tab.evaluate(
                "document.querySelector('#roomName').value = 'Käse'; document.querySelector('#openRoom').requestSubmit()"
            )
            try tab.wait(for: "document.querySelector('#roomError').textContent !== ''")
            return tab
        },
        PageState("reconnecting") { scene in
            let tab = try talk(scene)
            try scene.crash()
            try tab.wait(for: "!document.querySelector('#retry').hidden")
            try tab.say("Written meanwhile.")
            return tab
        },
        PageState("offline") { scene in
            let tab = try talk(scene)
            try scene.crash()
            try tab.setNetwork(false)
            try tab.wait(forStatus: "Offline")
            return tab
        },
        PageState("taken-over") { scene in
            let tab = try talk(scene)
            let find = "Object.entries(sessionStorage).find(([key]) => key.endsWith(' session'))[1]"
            let other = try TestClient(scene.server)
            try other.join("Ada", session: try tab.string("JSON.parse(\(find))"))
            try tab.wait(forStatus: "Offline – this chat")
            scene.keep(other)
            return tab
        },
        PageState("long-names") { scene in
            let room = String(repeating: "room", count: 8)
            let wide = try scene.client(String(repeating: "W", count: 32), room: room)
            let tab = try scene.enter(String(repeating: "Ma", count: 16), room: room)
            try wide.say("My name is long.")
            try wide.send(["type": "typing"])
            try tab.wait(for: "document.querySelector('#typing').textContent !== ''")
            try tab.say("Mine, too.")
            try tab.wait(forMessage: "Mine, too.")
            scene.keep(wide)
            return tab
        },
        PageState("many-people") { scene in
            let tab = try talk(scene)
            for number in 1...30 { scene.keep(try scene.client("Guest \(1000 + number * 37)")) }
            try tab.wait(for: "document.querySelectorAll('#people li').length > 30")
            return tab
        },
    ]

    /// A few people who talk about this and that.
    private static func talk(_ scene: Scene) throws -> Tab {
        let grace = try scene.client("Grace")
        let alan = try scene.client("Alan")
        let tab = try scene.enter("Ada")
        try tab.say("Good morning! Did anyone look at the new engine?")
        try tab.wait(forMessage: "Good morning! Did anyone look at the new engine?")
        try grace.say("I did. The notes are at https://example.org/notes/engine and they are long.")
        try grace.say("In short: `tick()` receives, updates and sends, and nothing else.")
        try alan.say("👍")
        try alan.say("@Ada this is the loop:\n```\nwhile running {\n\treceive()\n\tupdate()\n\tsend()\n}\n```")
        try grace.say("שלום, and good morning to everyone who reads from right to left")
        try tab.wait(forRow: "right to left")
        try tab.say("Thank you both.")
        try tab.say("Averyveryveryveryverylongwordthatisbrokenwhereithastobebrokenwhateverthewidthofthepageis")
        try tab.wait(for: "document.querySelectorAll('.own:not(.sending)').length === 3")
        try alan.send(["type": "typing"])
        try tab.wait(for: "document.querySelector('#typing').textContent !== ''")
        scene.keep([grace, alan])
        return tab
    }
}
