// The chat's connection, without the page: the socket, coming back, questions and their answers.
//
//   out -join-> trying -welcome-> joined        out: nobody has joined, or the join was refused
//                 ^                 |           waiting: until `nextTry`
//                 +---- waiting <-lost          taken: another window goes on with this session
//                                               put: a host has ended it; nothing goes on by itself
//                                               ended: of two strangers the other one is gone
//
// Times are a monotonic clock's: a clock that is set back must hold nothing up.

import { key, safely } from './store.js';
import { Outbox } from './outbox.js';

const OPEN_WITHIN = 10_000;
const ALIVE_WITHIN = 5_000; // the answer to a probe
const SILENT_AFTER = 45_000; // then the server is asked for a word: a line may swallow everything, both ways
const LONGEST_WAIT = 10_000;
const TYPING_EVERY = 3_000;

const LEFT_OPEN = 4000; // closes as "lost", so that the server keeps the name; 1000 would be a leave
const [STOPPING, FULL_OR_SLOW, TAKEN_OVER, PUT_OUT, NORMAL] = [1001, 1013, 4001, 4003, 1000];

const now = () => performance.now();

/**
 * `receive(message)` gets what the server says; `changed()` tells that the phase or the outbox did. `credentials()` are
 * the further fields of a join: `password`, `invite`, `operator`.
 */
export class Connection {
	phase = 'out';
	why = null; // 'full' or 'slow', while waiting for that; or a sentence of the server
	nextTry = 0;
	tries = 0; // in vain, since it was connected
	seq = 0; // the newest event seen
	user = null; // who this is for the server, from the welcome on
	role = null;
	ends = false; // whether the room does when somebody leaves: one for two strangers
	#socket = null;
	#timer = 0; // for the next try, the opening, a probe, the next silence
	#joinedAt = 0;
	#typedAt = -Infinity;
	#opened = false; // whether this socket ever was
	#asked = false; // why no socket opens, since the last that did,
	#told = null; // and what the answer was
	#questions = new Map(); // ref → what is done with the answer
	#count = 0;
	#unknown = new Set(); // types that this server does not know
	#lastOptional = null;

	constructor({ address, store, receive, changed, credentials }) {
		this.address = address;
		this.store = store;
		this.receive = (message) => safely(receive, message);
		this.changed = () => safely(changed);
		this.credentials = credentials;
		this.session = store.get('session');
		this.name = store.get('name');
		this.outbox = new Outbox(store, {
			send: (message) => this.send(message), changed: this.changed, unanswered: () => this.#lost(),
			refused: (item) => this.receive({ type: 'refused', item }),
		});
	}

	// What the person does.

	join(name) {
		this.name = name;
		this.tries = 0;
		if (this.phase === 'trying') return; // pressed twice: the second finds the name taken
		if (this.phase !== 'out' || this.#socket?.readyState !== WebSocket.OPEN) {
			this.#open();
			return;
		}
		this.#enter('trying'); // again, after a refused one
		this.#sendJoin();
	}

	/** Goes on with another tab's session: that tab is told so, and stops. */
	takeOver({ name, session }) {
		this.session = session;
		this.store.set('session', session);
		this.join(name);
	}

	/** Leaves for another room, in which nothing is known of this one. */
	begin(address) {
		this.#close(NORMAL);
		Object.assign(this, { address, seq: 0, session: null });
		this.store.set('session', null);
		this.outbox.clear();
		this.#enter('out');
	}

	/** Leaves at once, for everyone to see. */
	leave() {
		clearTimeout(this.#timer);
		this.#close(NORMAL);
		this.store.set('session', null);
		this.session = null;
		this.#enter('left');
	}

	typing() {
		if (now() - this.#typedAt >= TYPING_EVERY && this.send({ type: 'typing' })) this.#typedAt = now();
	}

	/**
	 * Sends what may not be understood by an older server: it says so once, and is not asked again.
	 */
	offer(message) {
		if (this.#unknown.has(message.type)) return;
		if (this.send(message)) this.#lastOptional = message.type;
	}

	/** Asks a question: `done(answer)` gets the answer, an error, or null where none will come. */
	ask(question, done) {
		const ref = `q${this.#count += 1}`;
		if (!this.send({ ...question, ref })) return false;
		this.#questions.set(ref, { done, kind: question.type === 'search' ? 'found' : question.type });
		return true;
	}

	/** Tries at once: the person asks (only that ends `taken`), the network is back, someone looks at the page again. */
	hurry(asked = false) {
		if (this.phase === 'waiting' || (asked && this.phase !== 'joined')) {
			this.tries = 0;
			this.#open();
		} else if (this.phase === 'joined') this.#probe();
	}

	// The network may have changed under an open socket: only an answer shows that someone is there.
	#probe() {
		if (!this.ask({ type: 'history', before: this.seq + 1, limit: 1 }, () => { /* any answer will do */ })) return;
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => this.#lost(), ALIVE_WITHIN);
	}

	// Notices the next silence.
	#listen() {
		clearTimeout(this.#timer);
		this.#timer = setTimeout(() => this.#probe(), SILENT_AFTER);
	}

	/** No network, says the browser. It may be wrong about a server on this machine: tries go on. */
	offline() {
		if (this.phase === 'joined' || this.phase === 'trying') this.#lost();
	}

	// The socket.

	#open() {
		this.#close(LEFT_OPEN);
		this.#opened = false;
		this.#enter('trying');
		this.#timer = setTimeout(() => this.#lost(), OPEN_WITHIN);
		try {
			this.#socket = new WebSocket(this.address, ['chatloop.v1']);
		} catch {
			return setTimeout(() => this.#lost()); // the browser forbids it
		}
		return Object.assign(this.#socket, {
			onopen: () => {
				this.#opened = true;
				this.#asked = false;
				this.#told = null;
				this.#sendJoin();
			},
			onmessage: ({ data }) => this.#heard(data),
			onclose: ({ code }) => this.#lost(code),
		});
	}

	#sendJoin() {
		const { name, session, seq } = this;
		this.#post({ type: 'join', username: name, session: session ?? undefined, since: seq || undefined, key: key(),
			...this.credentials() });
	}

	#close(code) {
		clearTimeout(this.#timer);
		this.outbox.pause();
		if (this.#socket) Object.assign(this.#socket, { onopen: null, onmessage: null, onclose: null }).close(code);
		this.#socket = null;
		const questions = [...this.#questions.values()];
		this.#questions.clear();
		for (const { done } of questions) safely(done, null);
	}

	#lost(code) {
		this.#close(LEFT_OPEN);
		if (this.phase === 'out') return; // the join was refused, and no other came in time
		if (code === TAKEN_OVER) return this.#enter('taken');
		if (code === PUT_OUT) return this.#enter('put');
		if (code === NORMAL && this.ends) return this.#enter('ended');
		const joined = this.phase === 'joined';
		if (joined && now() - this.#joinedAt > LONGEST_WAIT) this.tries = 0;
		this.why = code !== FULL_OR_SLOW ? this.#told : joined ? 'slow' : 'full';
		const wait = this.#wait(code);
		this.tries += 1;
		this.nextTry = now() + wait;
		this.#timer = setTimeout(() => this.#open(), wait);
		this.#enter('waiting');
		if (!this.#opened && this.tries > 1 && !this.#asked) this.#askWhy();
	}

	// A browser does not tell a page why no WebSocket opens. An ordinary request to the same address is told.
	async #askWhy() {
		this.#asked = true;
		const address = Object.assign(new URL(this.address), { protocol: this.address.protocol.replace('ws', 'http') });
		try {
			const answer = await fetch(address, { cache: 'no-store' });
			this.#told = answer.status === 426 ? 'noSockets' : `${answer.status}: ${(await answer.text()).trim().slice(0, 200)}`;
			if (this.phase === 'waiting') this.why = this.#told;
			this.changed();
		} catch { /* nobody is there: so much is known already */ }
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

	/** Whether it could be sent: nothing can before the welcome, or once the line is lost. */
	send(message) {
		const can = this.phase === 'joined' && this.#socket?.readyState === WebSocket.OPEN;
		if (can) this.#post(message);
		return can;
	}

	// What the server says.

	#heard(data) {
		const message = safely(JSON.parse, data);
		if (!message) return;
		if (this.phase === 'joined') this.#listen();
		const { type, id, ref, seq } = message;
		if (type === 'welcome') return this.#welcome(message);
		if (type === 'error' && this.phase === 'trying') return this.#joinRefused(message);
		if (type === 'error' && id) return this.outbox.refuse(message);
		if (type === 'error' && message.code === 'unknown_type' && !ref) return this.#unknown.add(this.#lastOptional);
		if (type === 'error' || type === 'history' || type === 'found') return this.#answered(type, ref, message);
		if (type === 'rename' && message.username === this.name) this.#called(message.to);
		if (seq && type !== 'done') this.seq = Math.max(this.seq, seq);
		this.receive(message);
		if (id) this.outbox.settle(id);
	}

	// Answers come in the order of the questions: where a server does not repeat the `ref`, the first one is meant.
	#answered(type, ref, message) {
		const fits = ref ?? [...this.#questions.keys()].find((one) =>
			type === 'error' || this.#questions.get(one).kind === type);
		const question = this.#questions.get(fits);
		this.#questions.delete(fits);
		if (question) safely(question.done, message);
		if (type === 'error' && !ref) this.receive(message);
	}

	#welcome(message) {
		const { session, username, user = null, role = null, history, seq } = message;
		Object.assign(message, { resumed: this.seq > 0, restarted: seq < this.seq });
		this.store.set('session', session);
		this.#called(username);
		Object.assign(this, { session, seq, user, role, why: null, phase: 'joined' });
		this.#joinedAt = now();
		this.#listen();
		this.receive(message);
		// What came through before the loss is in the history, even where the session could not be kept.
		for (const { id } of history) if (id) this.outbox.settle(id);
		this.outbox.resume();
		this.changed();
	}

	#called(name) {
		this.name = name;
		this.store.set('name', name);
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
}
