// The chat's connection, without the page: who this tab is, the socket, coming back, and the outbox.
//
//   out ─join─▶ trying ─welcome─▶ joined        out: nobody has joined, or the join was refused
//                 ▲                 │           waiting: until `nextTry`
//                 └──── waiting ◀─lost          taken: another window goes on with this session
//
// Nothing said is lost: a message stays in the outbox, which is kept across a reload, until its own event comes back.
// Nothing is said twice: it is sent again with the same `id`, which the server knows.

const ACKNOWLEDGED_WITHIN = 10_000; // else the connection is taken for dead
const OPEN_WITHIN = 10_000;
const ALIVE_WITHIN = 5_000;         // the answer to a probe
const LONGEST_WAIT = 10_000;
const TYPING_EVERY = 3_000;
const IN_FLIGHT = 10;               // messages; fewer than the server takes in a burst

const LEFT_OPEN = 4000;             // closes as "lost", so that the server keeps the name; 1000 would be a leave
const [GOING_AWAY, RESTART, FULL_OR_SLOW, TAKEN_OVER] = [1001, 1012, 1013, 4001];

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

  clear() {
    try {
      for (const key of Object.keys(this.area())) if (key.startsWith(this.prefix)) this.area().removeItem(key);
    } catch { /* nothing is kept */ }
  }
}

const randomId = () => crypto.getRandomValues(new Uint32Array(2)).reduce((id, word) => id + word.toString(36), '');

/**
 * Makes sure that a duplicated tab becomes a second person: browsers copy the first one's storage, session and all.
 *
 * A tab has an id and holds a lock of that name while it lives; a copy finds the lock held and starts anew. A document
 * that goes away says so in `parked`, as its lock may outlive it for a moment: its successor is patient.
 */
export async function claim(tab, scope) {
  const [id, parked] = [tab.get('tab'), tab.get('parked')];
  tab.set('parked', null); // not for a copy to find
  if (id && await hold(tab, scope, id, parked === id)) return;
  tab.clear();
  const fresh = randomId();
  tab.set('tab', fresh);
  await hold(tab, scope, fresh, true);
}

async function hold(tab, scope, id, parked) {
  const name = `${scope}#${id}`;
  const held = navigator.locks ? await lock(name, parked ? 1_000 : 50) : parked || await unclaimed(name);
  if (!held) return false;
  const channel = new BroadcastChannel(name);
  channel.onmessage = ({ data }) => data === 'whose?' && channel.postMessage('mine');
  addEventListener('pagehide', () => tab.set('parked', id));
  return true;
}

const lock = (name, patience) => new Promise((resolve) => {
  navigator.locks.request(name, { signal: AbortSignal.timeout(patience) }, () => {
    resolve(true);
    return new Promise(() => { /* held until this document is gone */ });
  }).catch(() => resolve(false));
});

/** Without https there are no locks: whoever holds the name is asked to speak up. */
const unclaimed = (name) => new Promise((resolve) => {
  const channel = new BroadcastChannel(name);
  const answer = (free) => {
    channel.close();
    resolve(free);
  };
  channel.onmessage = () => answer(false);
  setTimeout(answer, 150, true);
  channel.postMessage('whose?');
});

/** `receive(message)` gets what the server says; `changed()` is called when the phase or the outbox changed. */
export class Connection {
  phase = 'out';
  why = null;      // 'full' or 'slow', while waiting for that
  nextTry = 0;
  tries = 0;       // in vain, since it was connected
  seq = 0;         // the newest event seen
  #socket = null;
  #timer = 0;      // for the next try, the opening, a probe
  #flowTimer = 0;
  #joinedAt = 0;
  #typedAt = 0;
  #window = IN_FLIGHT;
  #pausedUntil = 0;

  constructor({ address, store, receive, changed }) {
    Object.assign(this, { address, store, receive, changed });
    this.session = store.get('session');
    this.name = store.get('name');
    this.outbox = store.get('outbox') ?? [];
  }

  // What the person does.

  join(name) {
    this.name = name;
    this.tries = 0;
    if (this.phase !== 'out' || this.#socket?.readyState !== WebSocket.OPEN) return this.#open();
    this.#enter('trying'); // again, after a refused one
    this.#sendJoin();
  }

  say(text) {
    this.outbox.push({ id: randomId(), text, time: Date.now(), sent: 0, reason: null });
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

  /** Tries at once: the person asks (only that ends `taken`), the network is back, or someone looks at the page again. */
  hurry(asked = false) {
    if (this.phase === 'waiting' || (asked && this.phase !== 'joined')) {
      this.tries = 0;
      this.#open();
    } else if (this.older(this.seq + 1, 1)) {
      // The network may have changed under an open socket: only an answer, any at all, shows that someone is still there.
      clearTimeout(this.#timer);
      this.#timer = setTimeout(() => this.#lost(), ALIVE_WITHIN);
    }
  }

  /** The browser says that there is no network. It may be wrong about a server on this machine, so tries go on. */
  offline() {
    if (this.phase === 'joined' || this.phase === 'trying') this.#lost();
  }

  // The socket.

  #open() {
    this.#forget();
    this.#enter('trying');
    const socket = new WebSocket(this.address, ['chatloop.v1']);
    this.#socket = Object.assign(socket, {
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
    if (code === TAKEN_OVER) return void this.#enter('taken');
    const joined = this.phase === 'joined';
    if (joined && Date.now() - this.#joinedAt > LONGEST_WAIT) this.tries = 0;
    this.why = code !== FULL_OR_SLOW ? null : joined ? 'slow' : 'full';
    const wait = this.#wait(code);
    this.tries += 1;
    this.nextTry = Date.now() + wait;
    this.#timer = setTimeout(() => this.#open(), wait);
    this.#enter('waiting');
  }

  /** At once the first time, then longer and longer; never for all clients in the same moment. */
  #wait(code) {
    const most = { full: LONGEST_WAIT, slow: 3_000 }[this.why] ?? Math.min(LONGEST_WAIT, 500 * 2 ** this.tries);
    if (this.tries || this.why) return most * (0.5 + Math.random() / 2);
    return Math.random() * (code === GOING_AWAY || code === RESTART ? 1_500 : 250);
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
    if (this.phase === 'joined') clearTimeout(this.#timer); // answers a probe
    if (message.type === 'welcome') return this.#welcome(message);
    if (message.type === 'error' && message.id) return this.#refused(message);
    if (message.type === 'error' && this.phase === 'trying') return this.#joinRefused(message);
    if (message.type === 'rename' && message.username === this.name) this.#called(message.to);
    if (message.seq) this.#settle(message);
    this.receive(message);
  }

  #welcome(message) {
    clearTimeout(this.#timer);
    Object.assign(message, { resumed: this.seq > 0, restarted: message.seq < this.seq });
    this.session = message.session;
    this.store.set('session', this.session);
    this.#called(message.username);
    this.#joinedAt = Date.now();
    this.#window = IN_FLIGHT;
    this.#pausedUntil = 0;
    this.why = null;
    // What came through before the connection was lost is in the history, even where the session could not be kept.
    for (const event of message.history) this.#settle(event);
    for (const item of this.outbox) item.sent = 0;
    this.seq = message.seq;
    this.phase = 'joined';
    this.receive(message);
    this.#flow();
  }

  #called(name) {
    this.name = name;
    this.store.set('name', name);
  }

  /** An event: the newest so far, and perhaps the receipt of something in the outbox. */
  #settle(event) {
    this.seq = Math.max(this.seq, event.seq);
    if (!event.id || !this.outbox.some((item) => item.id === event.id)) return;
    this.#window = Math.min(IN_FLIGHT, this.#window + 1);
    this.drop(event.id);
  }

  #refused({ id, code, message, retryAfter = 1_000 }) {
    const item = this.outbox.find((other) => other.id === id);
    if (!item) return;
    item.sent = 0;
    if (code === 'rate_limited') {
      // Not refused, only too early. One at a time from now on, until the server takes them again.
      this.#window = 1;
      this.#pausedUntil = Math.max(this.#pausedUntil, Date.now() + retryAfter);
    } else item.reason = { code, message };
    this.#flow();
  }

  #joinRefused(error) {
    clearTimeout(this.#timer);
    if (error.code === 'rate_limited') this.#timer = setTimeout(() => this.#sendJoin(), error.retryAfter ?? 1_000);
    else {
      this.#enter('out');
      this.receive(error);
    }
  }

  /** The outbox changed, or may go on: keeps it, and sends what may be sent. */
  #flow() {
    this.store.set('outbox', this.outbox);
    clearTimeout(this.#flowTimer);
    if (this.phase === 'joined') this.#sendWaiting(Date.now());
    this.changed();
  }

  /** Sends in order, and watches over what is on its way. */
  #sendWaiting(now) {
    const paused = this.#pausedUntil - now;
    if (paused > 0) {
      this.#flowTimer = setTimeout(() => this.#flow(), paused);
      return;
    }
    const free = this.#window - this.outbox.filter((item) => item.sent).length;
    const waiting = this.outbox.filter((item) => !item.sent && !item.reason);
    for (const item of waiting.slice(0, Math.max(0, free))) {
      if (this.#send({ type: 'message', id: item.id, text: item.text })) item.sent = now;
    }
    const oldest = this.outbox.find((item) => item.sent);
    if (oldest) this.#flowTimer = setTimeout(() => this.#lost(), oldest.sent + ACKNOWLEDGED_WITHIN - now);
  }
}
