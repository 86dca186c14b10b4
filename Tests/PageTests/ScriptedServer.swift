import Support

/// A server within the page, which says what a test has it say: for answers that take a real one a long time, a second machine,
/// or a fault. It speaks the protocol as the contract has it, in the simplest way.
enum ScriptedServer {
    /// What is run in a document before its own scripts. `server` is at hand for a test to change and to ask.
    static let script = """
        window.server = {
            heard: [], seq: 100, me: 'user-of-mine', role: undefined, about: null, refuses: {}, past: [], topic: '', locked: false,
            people: [{ username: 'Bo', user: 'user-of-bo' }],
            message: (seq, text, more) => ({ type: 'message', seq, time: Date.now() - (200 - seq) * 1000, username: 'Bo', user: 'user-of-bo', text, ...more }),
            mine: (seq, text, more) => server.message(seq, text, { username: server.name, user: server.me, ...more }),
            // Says something to the page.
            say: (message) => server.socket.onmessage({ data: JSON.stringify(message) }),
            event: (type, more) => server.say({ type, seq: server.seq += 1, time: Date.now(), username: 'Bo', user: 'user-of-bo', ...more }),
            own: (type, more) => server.event(type, { username: server.name, user: server.me, ...more }),
            of: (type) => server.heard.filter((message) => message.type === type),
        };
        const answers = {
            join(message) {
                server.name = message.username;
                const code = server.refuses.join?.(message);
                if (code) return server.say({ type: 'error', code, message: code });
                const people = [...server.people, { username: message.username, user: server.me, role: server.role }];
                const resumed = message.since ? server.past.filter((event) => event.seq > message.since) : server.past;
                server.say({ type: 'welcome', username: message.username, user: server.me, role: server.role, room: 'lobby', topic: server.topic,
                    locked: server.locked, keeping: true, users: people.map((one) => one.username), people, userCount: people.length,
                    session: 'a-session', seq: server.seq, history: resumed, gap: !!server.gap });
                server.own('join', { role: server.role });
            },
            message: ({ text, id, reply }) => server.own('message', { text, id, reply }),
            edit: ({ target, text, id }) => server.own('edit', { target, text, id }),
            delete: ({ target, id }) => server.own('delete', { target, id }),
            react: ({ target, emoji, on = true, id }) => server.own('react', { target, emoji, on, id }),
            rename: ({ username }) => server.own('rename', { to: username }),
            moderate: ({ type, action, id, user, username, ...more }) => /^(invite|bans|whois|lock)$/.test(action)
                ? server.say({ type: action === 'lock' ? 'invite' : action, invite: 'the-invitation', bans: [], username: 'Bo', user: 'user-of-bo', since: 1 })
                : server.own('moderation', { action, id, toUser: user, to: username ?? server.people.find((one) => one.user === user)?.username, ...more }),
            history({ before, after, limit, ref }) {
                const all = server.older ?? server.past;
                const fit = all.filter((event) => event.type === 'message' && (after === undefined ? event.seq < before : event.seq > after));
                const events = after === undefined ? fit.slice(-limit) : fit.slice(0, limit);
                server.say({ type: 'history', events, more: events.length < fit.length, ref });
            },
            search({ text, ref }) {
                const events = (server.older ?? server.past).filter((event) => event.text?.includes(text));
                server.say({ type: 'found', events, more: false, ref });
            },
        };
        window.WebSocket = class {
            static OPEN = 1;
            readyState = 0;
            constructor(url) {
                server.url = String(url);
                server.socket = this;
                setTimeout(() => {
                    this.readyState = 1;
                    this.onopen?.();
                });
            }
            send(text) {
                const message = JSON.parse(text);
                server.heard.push(message);
                const refused = server.refuses[message.type];
                setTimeout(() => {
                    if (!this.onmessage) return;
                    if (refused && message.type !== 'join') server.say({ type: 'error', id: message.id, ref: message.ref, message: refused, code: refused });
                    else answers[message.type]?.(message);
                });
            }
            close(code) {
                this.readyState = 3;
                server.closed = code;
            }
        };
        const { fetch } = window;
        window.fetch = (address, ...rest) => (/[/]about$/.test(String(address))
            ? Promise.resolve(new Response(JSON.stringify(server.about), { status: server.about ? 200 : 404 })) : fetch(address, ...rest));
        """
}

extension Scene {
    /// Opens the page with a server that a test scripts.
    ///
    /// - Parameters:
    ///   - setUp: what is run before the page's scripts, with `server` at hand.
    func openScripted(_ setUp: String = "", at path: String = "") throws -> Tab {
        let tab = try blank()
        try tab.prepare("(() => { \(ScriptedServer.script) \(setUp) })()")
        try tab.navigate(to: server.url + path)
        return tab
    }

    /// The same, and joins as Ada.
    func enterScripted(_ setUp: String = "", at path: String = "") throws -> Tab {
        let tab = try openScripted(setUp, at: path)
        try tab.join("Ada")
        return tab
    }
}

extension Tab {
    /// Opens a menu at a message or a person, and chooses from it.
    func choose(_ item: String, fromMenuOf text: String) throws {
        try openMenu(of: text)
        try find("menuitem", item).click()
    }

    /// Opens the menu of the message that says this.
    func openMenu(of text: String) throws {
        // One that is still on its way has no actions yet.
        let action = "document.querySelectorAll('.message > .actions:not([hidden])')"
        let ofText = "(({ parentNode: row }) => row.querySelector('.text').textContent.includes(\(quoted(text))))"
        try wait(for: "[...\(action)].some(\(ofText))")
        try evaluate("[...\(action)].find(\(ofText)).click()")
        try wait(for: "document.querySelector('[role=menu]')")
    }

    /// What the open menu offers.
    func menu() throws -> [String] {
        try strings("[...document.querySelectorAll('[role=menu] [role=menuitem]')].map((item) => item.textContent)")
    }

    /// What the page has sent of a type.
    func sent(_ type: String, _ field: String) throws -> [String] {
        try strings("server.of('\(type)').map((message) => String(message.\(field)))")
    }
}
