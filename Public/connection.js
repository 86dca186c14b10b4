// The chat's connection, without the page: who this tab is, the socket, coming back, and the outbox.
//
//   out -join-> trying -welcome-> joined        out: nobody has joined, or the join was refused
//                 ^                 |           waiting: until `nextTry`
//                 +---- waiting <-lost          taken: another window goes on with this session
//
// Nothing said is lost: a message stays in the outbox, which outlives a reload, until its own event comes back. None is
// said twice: it is sent again with the same `id`, which the server knows. None is reordered: they go one at a time.

const ACKNOWLEDGED_WITHIN = 10_000; // else the connection is taken for dead
const OPEN_WITHIN = 10_000;
const ALIVE_WITHIN = 5_000; // the answer to a probe
const SILENT_AFTER = 45_000; // without a word from the server it is asked for one: a line may swallow everything
const LONGEST_WAIT = 10_000;
const TYPING_EVERY = 3_000;

const LEFT_OPEN = 4000; // closes as "lost", so that the server keeps the name; 1000 would be a leave
const [STOPPING, FULL_OR_SLOW, TAKEN_OVER] = [1001, 1013, 4001];

/** What a tab or a browser keeps. Storage may be forbidden or full: then the page forgets, and works. */
export class Store {
	constructor(area, prefix) {
		Object.assign(this, { area, prefix });
	}

	get(key) {
		try {
			return JSON.parse(this.area().getItem(this.prefix + key));
		} catch {
			return null;
		}
	}

	set(key, value) {
		try {
			this.area().setItem(this.prefix + key, JSON.stringify(value));
		} catch { /* forgotten */ }
	}
}

const randomId = () => crypto.getRandomValues(new Uint32Array(2)).join('');

/**
 * The id of this tab, under which it keeps things. Browsers duplicate a tab with its storage, session and all: to be a
 * second person it needs an id of its own. While a tab lives it holds a lock of its id's name, which a copy finds held.
 * A document that goes away says so in `parked`, as its lock may outlive it for a moment: its successor is patient.
 */
export async function claim(tab, scope) {
	const id = tab.get('tab');
	if (id && await hold(tab, scope, id, tab.get('parked') === id)) return id;
	const fresh = randomId();
	tab.set('tab', fresh);
	await hold(tab, scope, fresh, true);
	return fresh;
}

async function hold(tab, scope, id, parked) {
	const name = `${scope}#${id}`;
	if (!(navigator.locks ? await lock(name, parked ? 1_000 : 50) : parked || await unclaimed(name))) return false;
	tab.set('parked', null); // not for a copy to find
	const channel = openChannel(name);
	if (channel) channel.onmessage = ({ data }) => data === 'whose?' && channel.postMessage('mine');
	addEventListener('pagehide', () => tab.set('parked', id));
	return true;
}

const lock = (name, patience) => new Promise((resolve) => {
	const patient = new AbortController();
	setTimeout(() => patient.abort(), patience);
	navigator.locks.request(name, { signal: patient.signal }, () => {
		resolve(true);
		return new Promise(() => { /* held until this document is gone */ });
	}).catch(() => resolve(false));
});

// Without https there are no locks: whoever holds the name is asked.
const unclaimed = (name) => new Promise((resolve) => {
	const channel = openChannel(name);
	if (!channel) return resolve(true);
	channel.onmessage = () => resolve(false);
	channel.postMessage('whose?');
	setTimeout(() => {
		channel.close();
		resolve(true);
	}, 200);
});

const openChannel = (name) => ('BroadcastChannel' in globalThis ? new BroadcastChannel(name) : null);

/**
 * Does what only shows something. What goes wrong in it is reported, and ends nothing else: above all not the receiving
 * of messages.
 */
export function safely(act, ...given) {
	try {
		return act(...given);
	} catch (error) {
		setTimeout(() => { throw error; });
	}
}

/** `receive(message)` gets what the server says; `changed()` tells that the phase or the outbox did. */
export class Connection {
	phase = 'out';
	why = null; // 'full' or 'slow', while waiting for that
	nextTry = 0;
	tries = 0; // in vain, since it was connected
	seq = 0; // the newest event seen
	#socket = null;
	#timer = 0; // for the next try, the opening, a probe, the next silence
	#flowTimer = 0;
	#sent = null; // the id of the message under way
	#joinedAt = 0;
	#typedAt = 0;
	#pausedUntil = 0;

	constructor({ address, store, receive, changed }) {
		const safe = (act) => (...given) => safely(act, ...given);
		Object.assign(this, { address, store, receive: safe(receive), changed: safe(changed) });
		this.session = store.get('session');
		this.name = store.get('name');
		this.outbox = store.get('outbox') ?? [];
	}

	// What the person does.

	join(name) {
		this.name = name;
		this.tries = 0;
		if (this.phase === 'trying') return; // pressed twice: the second finds the name taken
		if (this.phase !== 'out' || this.#socket?.readyState !== WebSocket.OPEN) return this.#open();
		this.#enter('trying'); // again, after a refused one
		this.#sendJoin();
	}

	say(text) {
		this.outbox.push({ id: randomId(), text, time: Date.now(), reason: null });
		this.#flow();
	}

	resend(id) {
		for (const item of this.outbox) if (item.id === id) item.reason = null;
		this.#flow();
	}

	drop(id) {
		this.outbox = this.outbox.filter((item) => item.id !== id);
		this.#flow();
	}

	rename(username) {
		return this.#send({ type: 'rename', username });
	}

	older(before, limit) {
		return this.#send({ type: 'history', before, limit });
	}

	typing() {
		const now = Date.now();
		if (now - this.#typedAt >= TYPING_EVERY && this.#send({ type: 'typing' })) this.#typedAt = now;
	}

	// Tries at once: the person asks (only that ends `taken`), the network is back, someone looks at the page again.
	hurry(asked = false) {
		if (this.phase === 'waiting' || (asked && this.phase !== 'joined')) {
			this.tries = 0;
			this.#open();
		} else if (this.older(this.seq + 1, 1)) {
			// The network may have changed under an open socket: only an answer shows that someone is there.
			clearTimeout(this.#timer);
			this.#timer = setTimeout(() => this.#lost(), ALIVE_WITHIN);
		}
	}

	// The next silence is noticed. Nothing else tells of a line that swallows what both sides send.
	#listen() {
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => this.hurry(), SILENT_AFTER);
	}

	// No network, says the browser. It may be wrong about a server on this machine: tries go on.
	offline() {
		if (this.phase === 'joined' || this.phase === 'trying') this.#lost();
	}

	// The socket.

	#open() {
		this.#forget();
		this.#enter('trying');
		this.#socket = Object.assign(new WebSocket(this.address, ['chatloop.v1']), {
			onopen: () => this.#sendJoin(),
			onmessage: ({ data }) => this.#heard(JSON.parse(data)),
			onclose: ({ code }) => this.#lost(code),
		});
		this.#timer = setTimeout(() => this.#lost(), OPEN_WITHIN);
	}

	#sendJoin() {
		const { name, session, seq } = this;
		this.#post({ type: 'join', username: name, session: session ?? undefined, since: seq || undefined });
	}

	#forget() {
		clearTimeout(this.#timer);
		clearTimeout(this.#flowTimer);
		if (this.#socket) Object.assign(this.#socket, { onopen: null, onmessage: null, onclose: null }).close(LEFT_OPEN);
		this.#socket = null;
	}

	#lost(code) {
		this.#forget();
		if (this.phase === 'out') return; // the join was refused, and no other came in time
		if (code === TAKEN_OVER) return this.#enter('taken');
		const joined = this.phase === 'joined';
		if (joined && Date.now() - this.#joinedAt > LONGEST_WAIT) this.tries = 0;
		this.why = code !== FULL_OR_SLOW ? null : joined ? 'slow' : 'full';
		const wait = this.#wait(code);
		this.tries += 1;
		this.nextTry = Date.now() + wait;
		this.#timer = setTimeout(() => this.#open(), wait);
		this.#enter('waiting');
	}

	// At once first, then later and later; never all clients in one moment.
	#wait(code) {
		const most = { full: LONGEST_WAIT, slow: 3_000 }[this.why] ?? Math.min(LONGEST_WAIT, 500 * 2 ** this.tries);
		if (this.tries || this.why) return most * (0.5 + Math.random() / 2);
		return Math.random() * (code === STOPPING ? 1_500 : 250);
	}

	#enter(phase) {
		this.phase = phase;
		this.changed();
	}

	#post(message) {
		this.#socket.send(JSON.stringify(message));
	}

	#send(message) {
		const can = this.phase === 'joined' && this.#socket.readyState === WebSocket.OPEN;
		if (can) this.#post(message);
		return can;
	}

	// What the server says.

	#heard(message) {
		if (this.phase === 'joined') this.#listen();
		const { type, id, seq } = message;
		if (type === 'welcome') return this.#welcome(message);
		if (type === 'error' && id) return this.#refused(message);
		if (type === 'error' && this.phase === 'trying') return this.#joinRefused(message);
		if (type === 'rename' && message.username === this.name) this.#called(message.to);
		if (seq) this.#settle(message);
		this.receive(message);
	}

	#welcome(message) {
		const { session, username, history, seq } = message;
		this.#listen();
		Object.assign(message, { resumed: this.seq > 0, restarted: seq < this.seq });
		this.store.set('session', session);
		this.#called(username);
		// What came through before the loss is in the history, even where the session could not be kept.
		history.forEach((event) => this.#settle(event));
		Object.assign(this, { session, seq, why: null, phase: 'joined' });
		this.#joinedAt = Date.now();
		this.#pausedUntil = 0;
		this.#sent = null;
		this.receive(message);
		this.#flow();
	}

	#called(name) {
		this.name = name;
		this.store.set('name', name);
	}

	// An event: the newest so far, and perhaps the receipt of something in the outbox.
	#settle({ id, seq }) {
		this.seq = Math.max(this.seq, seq);
		if (!id) return;
		if (id === this.#sent) this.#sent = null;
		if (this.outbox.some((item) => item.id === id)) this.drop(id);
	}

	#refused({ id, code, message, retryAfter = 1_000 }) {
		if (id === this.#sent) this.#sent = null;
		const item = this.outbox.find((other) => other.id === id);
		if (code === 'rate_limited') this.#pausedUntil = Date.now() + retryAfter; // only too early
		else if (item) item.reason = { code, message };
		this.#flow();
	}

	#joinRefused(error) {
		clearTimeout(this.#timer);
		if (error.code === 'rate_limited') {
			this.#timer = setTimeout(() => this.#sendJoin(), error.retryAfter ?? 1_000);
			return;
		}
		this.#enter('out');
		this.receive(error);
	}

	// The outbox changed, or may go on: keeps it, sends what comes next, and watches over what is under way.
	#flow() {
		this.store.set('outbox', this.outbox);
		const next = this.outbox.find((item) => !item.reason);
		const paused = this.#pausedUntil - Date.now();
		if (this.phase === 'joined' && next && !this.#sent) {
			clearTimeout(this.#flowTimer);
			if (paused > 0) this.#flowTimer = setTimeout(() => this.#flow(), paused);
			else if (this.#send({ type: 'message', id: next.id, text: next.text })) {
				this.#sent = next.id;
				this.#flowTimer = setTimeout(() => this.#lost(), ACKNOWLEDGED_WITHIN);
			}
		} else if (!this.#sent) clearTimeout(this.#flowTimer);
		this.changed();
	}
}
