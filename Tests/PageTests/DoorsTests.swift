import Support
import Testing

/// Doors that close: keys, passwords, invitations, hosts, strangers.
@Suite(.enabled(if: Browser.isInstalled, "\(Browser.isMissing)")) struct DoorsTests {
    @Test func theKeyIsMadeOnceAndSentWithEveryJoin() throws {
        try Scene.play { scene in
            let tab = try scene.enterScripted()
            let key = try tab.sent("join", "key")[0]
            #expect(key.count >= 16 && key.count <= 128)
            try tab.reload()
            try tab.wait(forStatus: "Connected")
            #expect(try tab.sent("join", "key") == [key])
            let other = try scene.enterScripted(at: "r/garden")
            #expect(try other.sent("join", "key") == [key])
        }
    }

    @Test func ownMessagesAreOwnByUserAndNamesMayChangeHands() throws {
        try Scene.play { scene in
            let tab = try scene.enterScripted(
                """
                server.past = [server.message(1, 'I was called Eve then', { user: server.me, username: 'Eve' }),
                    server.message(2, 'somebody else was called Ada', { username: 'Ada', user: 'another' }),
                    server.message(3, 'from Bo'), server.message(4, 'from the next Bo', { user: 'the-next-bo' })];
                """)
            let own = try tab.strings("[...document.querySelectorAll('.own .text')].map((text) => text.textContent)")
            #expect(own == ["I was called Eve then"])
            // The next one of a name stands for itself, in a colour of its own.
            #expect(try tab.int("document.querySelectorAll('.under').length") == 0)
            let hues = try tab.strings(
                "[...document.querySelectorAll('.name')].slice(2, 4).map((name) => name.style.getPropertyValue('--hue'))"
            )
            #expect(Set(hues).count == 2)
            try tab.evaluate("server.event('leave', {}); server.event('join', { user: 'the-next-bo', changed: true })")
            try tab.wait(forRow: "Bo joined – not the person who had this name before")
            #expect(try tab.notices().allSatisfy { !$0.contains("came back") })
        }
    }

    @Test func aPasswordIsAskedForRememberedAndToldFromAMissingOne() throws {
        try Scene.play { scene in
            let setUp = """
                server.about = { room: 'lobby', locked: false, password: true };
                server.refuses.join = ({ password }) => !password ? 'password_required' : password === 'sesame' ? null : 'password_wrong';
                """
            let tab = try scene.openScripted(setUp)
            let field = try tab.find("textbox", "Password")
            try tab.find("textbox", "Username").focus()
            try tab.insert("Ada")
            try tab.press("Enter")
            try tab.wait(for: "document.activeElement.id === 'password'")
            try tab.insert("open")
            try tab.press("Enter")
            try tab.wait(for: "document.querySelector('#usernameError').textContent === 'This is not the password.'")
            #expect(try field.bool("this.getAttribute('aria-invalid') === 'true'"))
            try tab.screenshot("password-wrong")
            try tab.press("a", control: true)
            try tab.insert("sesame")
            try tab.press("Enter")
            try tab.wait(forStatus: "Connected")
            // It is remembered in this browser, but nothing that was said is.
            try tab.setVisible(false)
            #expect(
                try !tab.bool(
                    "Object.entries(sessionStorage).some(([key, value]) => key.endsWith(' log') && value !== 'null')"))
            let next = try scene.openScripted(setUp, at: "r/garden")
            try next.join("Ada")
            #expect(try next.sent("join", "password") == ["sesame"])
        }
    }

    @Test(arguments: ["invite", "operator"]) func whatALinkCarriesLeavesTheAddressBar(secret: String) throws {
        try Scene.play { scene in
            let tab = try scene.enterScripted(at: "r/garden#\(secret)=abc-123")
            #expect(try tab.string("location.hash") == "")
            #expect(try tab.sent("join", secret) == ["abc-123"])
            // An invitation is remembered; an operator is known from then on.
            try tab.evaluate("server.heard = []; server.socket.onclose({ code: 1006 })")
            try tab.wait(for: "server.of('join').length === 1")
            #expect(try tab.sent("join", secret) == [secret == "invite" ? "abc-123" : "undefined"])
        }
    }

    @Test func aLockedRoomSaysHowOneComesIn() throws {
        try Scene.play { scene in
            let tab = try scene.openScripted(
                "server.refuses.join = () => 'invite_required'; server.about = { room: 'lobby', locked: true, password: false }"
            )
            try tab.wait(for: "document.querySelector('#about').textContent.includes('let in')")
            try tab.find("textbox", "Username").focus()
            try tab.insert("Ada")
            try tab.press("Enter")
            try tab.wait(for: "document.querySelector('#usernameError').textContent.includes('invitation')")
        }
    }

    @Test func theWelcomeTellsWhatThisIs() throws {
        try Scene.play { scene in
            let tab = try scene.openScripted(
                "server.about = { room: 'lobby', userCount: 3, topic: '', locked: false, password: false, keepDays: 7, seq: 9 }"
            )
            let about = "document.querySelector('#about').textContent"
            try tab.wait(
                for:
                    "\(about) === 'This is a group chat; this room is lobby. 3 people are here. Everyone with the link can read what is said here for 7 days.'"
            )
            try tab.screenshot("welcome")
        }
    }

    private static let menu = "document.querySelector('[role=menu]')"

    @Test func hostsHaveMoreThatTheyCanDoWithAPerson() throws {
        try Scene.play { scene in
            let guest = try scene.enterScripted()
            try guest.find("button", "Person actions: Bo").click()
            try guest.wait(for: Self.menu)
            #expect(try guest.menu() == ["Mention"])
            try guest.find("menuitem", "Mention").click()
            #expect(try guest.string("document.querySelector('#message').value") == "@Bo ")
            let host = try scene.enterScripted(
                "server.role = 'host'; server.people.push({ username: 'Op', user: 'op', role: 'operator' })")
            try host.find("button", "Person actions: Bo").click()
            try host.wait(for: Self.menu)
            #expect(try host.menu() == ["Mention", "Mute", "Kick", "Ban", "Delete messages", "Make host"])
            for (item, action) in [
                ("Mute", "mute"), ("Kick", "kick"), ("Ban", "ban"), ("Delete messages", "purge"), ("Make host", "host"),
            ] {
                if try !host.bool("!!\(Self.menu)") { try host.find("button", "Person actions: Bo").click() }
                try host.find("menuitem", item).click()
                try host.wait(
                    for:
                        "server.of('moderate').some(({ action, user }) => action === '\(action)' && user === 'user-of-bo')"
                )
            }
            try host.wait(forRow: "Ada made Bo a host")
            // Nobody does anything to an operator.
            try host.find("button", "Person actions: Op").click()
            #expect(try host.menu() == ["Mention"])
            // Whoever is a host is marked so.
            #expect(try host.find("list", "People").text().contains("host"))
        }
    }

    @Test func whatHostsDoIsToldToEveryone() throws {
        try Scene.play { scene in
            let tab = try scene.enterScripted(
                "server.topic = 'Today: engines'; server.past = [server.message(1, 'spam'), server.message(2, 'more spam')]"
            )
            #expect(try tab.find("region", "Topic").text() == "Today: engines")
            try tab.evaluate("server.event('moderation', { action: 'topic', text: 'Tomorrow' })")
            try tab.wait(for: "document.querySelector('#topic').innerText === 'Tomorrow'")
            try tab.evaluate("server.event('moderation', { action: 'topic', text: '' })")
            try tab.wait(for: "document.querySelector('#topic').hidden")
            try tab.evaluate("server.event('moderation', { action: 'kick', to: 'Eve', toUser: 'eve', reason: 'spam' })")
            try tab.wait(forRow: "Bo put Eve out: spam")
            try tab.evaluate("server.event('moderation', { action: 'purge', to: 'Bo', toUser: 'user-of-bo', from: 0 })")
            try tab.wait(for: "document.querySelectorAll('.deleted').length === 2")
            #expect(try !tab.string("document.body.innerText").contains("more spam"))
            try tab.evaluate("server.socket.onclose({ code: 4003 })")
            try tab.wait(forStatus: "Offline – a host has put you out")
            try tab.screenshot("put-out")
            // It does not come back by itself, but may be asked to.
            try tab.evaluate("server.heard = []; document.dispatchEvent(new Event('visibilitychange'))")
            try tab.evaluate("new Promise((done) => setTimeout(done, 600))")
            #expect(try tab.int("server.heard.length") == 0)
            try tab.find("button", "Come back").click()
            try tab.wait(forStatus: "Connected")
        }
    }

    @Test func slashCommandsDoWhatTheMenusDo() throws {
        try Scene.play { scene in
            let tab = try scene.enterScripted(
                "server.role = 'host'; server.people.push({ username: 'Anne Marie', user: 'am' }); server.past = [server.message(1, 'from Bo'), server.mine(2, 'mine', { username: 'Ada' })]"
            )
            let wanted = [
                ("/kick Anne Marie too loud", #"{"action":"kick","user":"am","reason":"too loud"}"#),
                ("/ban bo 60 spam", #"{"action":"ban","user":"user-of-bo","minutes":60,"reason":"spam"}"#),
                ("/ban Gone", #"{"action":"ban","username":"Gone"}"#),
                ("/mute Bo 5", #"{"action":"mute","user":"user-of-bo","minutes":5}"#),
                ("/unmute Bo", #"{"action":"unmute","user":"user-of-bo"}"#),
                ("/slow 30", #"{"action":"slow","seconds":30}"#),
                ("/topic Engines", #"{"action":"topic","text":"Engines"}"#), ("/lock", #"{"action":"lock"}"#),
                ("/unlock", #"{"action":"unlock"}"#),
                ("/purge Bo", #"{"action":"purge","user":"user-of-bo"}"#),
                ("/host Bo", #"{"action":"host","user":"user-of-bo"}"#),
                ("/whois Bo", #"{"action":"whois","user":"user-of-bo"}"#), ("/bans", #"{"action":"bans"}"#),
            ]
            for (line, sent) in wanted {
                try tab.say(line)
                let last = "(({ type, id, ...rest }) => JSON.stringify(rest))(server.of('moderate').pop() ?? {})"
                try tab.wait(for: "\(last) === \(quoted(sent))")
            }
            try tab.say("/react 👍")
            try tab.wait(for: "server.of('react').some(({ target, emoji }) => target === 1 && emoji === '👍')")
            try tab.say("/reply quite so")
            try tab.wait(for: "server.of('message').some(({ reply, text }) => reply === 1 && text === 'quite so')")
            try tab.say("/edit #2 mended")
            try tab.wait(for: "server.of('edit').some(({ target, text }) => target === 2 && text === 'mended')")
            try tab.say("/delete #2")
            try tab.wait(for: "server.of('delete').some(({ target }) => target === 2)")
            try tab.say("/me waves")
            try tab.wait(forMessage: "Ada waves")
            try tab.say("/kick")
            try tab.wait(for: "document.querySelector('#note').textContent === 'So: /kick NAME [REASON]'")
            #expect(try tab.string("document.querySelector('#message').value") == "/kick")
        }
    }

    @Test func strangersMeetAndGoOn() throws {
        try Scene.play("--ephemeral") { scene in
            let tab = try scene.blank()
            try tab.prepare(
                """
                (() => { \(ScriptedServer.script)
                    const { send } = WebSocket.prototype;
                    WebSocket.prototype.send = function (text) {
                        const message = JSON.parse(text);
                        if (!server.url.includes('/pair')) return send.call(this, text);
                        server.heard.push({ ...message, type: 'wait' });
                        server.say({ type: 'waiting', count: 2 });
                        setTimeout(() => server.say({ type: 'paired', room: 'a-room-of-two', invite: 'for-two' }), 300);
                    };
                    // The page of pairs is the page of a room.
                    if (location.protocol === 'http:') history.replaceState(null, '', '/pair');
                })()
                """)
            try tab.navigate(to: scene.server.url, arriving: scene.server.url + "pair")
            try tab.find("textbox", "Username").focus()
            try tab.insert("Ada")
            try tab.press("Enter")
            try tab.wait(for: "document.querySelector('.waiting')?.textContent.includes('2 are waiting')")
            try tab.wait(forStatus: "Connected")
            #expect(try tab.string("server.url").contains("room=a-room-of-two"))
            #expect(try tab.sent("join", "invite") == ["for-two"])
            try tab.say("hello stranger")
            try tab.wait(forMessage: "hello stranger")
            // The other leaves: that is the end, and the next may come.
            try tab.evaluate("server.event('leave', {}); server.socket.onclose({ code: 1000 })")
            try tab.wait(forStatus: "Offline – the other person has left")
            try tab.find("button", "Next stranger").click()
            try tab.wait(for: "server.of('wait').length === 2")
            try tab.wait(forStatus: "Connected")
            #expect(try tab.messages().isEmpty)
        }
    }
}
