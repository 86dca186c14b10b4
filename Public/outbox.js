// What this tab has asked for and the server has not yet confirmed: messages, edits, deletions, reactions, and what hosts do.
//
// Nothing is lost: an item stays until its own event (or `done`) comes back, through reloads too. Nothing is done twice: it
// is sent again with the same `id`, which the server knows. Nothing is reordered: one item is on its way at a time.

import { randomId } from './store.js';

const ACKNOWLEDGED_WITHIN = 10_000; // else the connection is taken for dead

export class Outbox {
	#store;
	#hooks;
	#timer = 0;
	#sent = null; // the id of the item on its way
	#pausedUntil = 0;
	#open = false;
	slowed = 0; // until when slow mode keeps the next item back, while it does

	/**
	 * `send(message)` tells whether it could be sent; `changed()` is called when the items did; `unanswered()` when nothing
	 * came back in time; `refused(item)` when something other than a message was refused, which is then forgotten.
	 */
	constructor(store, hooks) {
		this.#store = store;
		this.#hooks = hooks;
		this.items = store.get('outbox') ?? [];
	}

	/** The messages among the items: those are shown in the log. */
	get messages() {
		return this.items.filter((item) => item.message.type === 'message');
	}

	/** Asks for something: `message` is what is sent, without its `id`. */
	put(message) {
		this.items.push({ id: randomId(), message, time: Date.now(), reason: null });
		this.#flow();
	}

	resend(id) {
		for (const item of this.items) if (item.id === id) item.reason = null;
		this.#flow();
	}

	drop(id) {
		this.items = this.items.filter((item) => item.id !== id);
		this.#flow();
	}

	/** What is left is said to nobody. */
	clear() {
		this.items = [];
		this.#flow();
	}

	find(id) {
		return this.items.find((item) => item.id === id);
	}

	/** The connection is there, or gone. */
	resume() {
		this.#open = true;
		this.#pausedUntil = 0;
		this.#sent = null;
		this.#flow();
	}

	pause() {
		this.#open = false;
		this.#sent = null;
		clearTimeout(this.#timer);
	}

	/** The server has done what was asked for under this id. */
	settle(id) {
		if (id === this.#sent) this.#sent = null;
		if (this.find(id)) this.drop(id);
	}

	/** The server will not, or not yet. */
	refuse({ id, code, message, retryAfter = 1_000 }) {
		if (id === this.#sent) this.#sent = null;
		const item = this.find(id);
		if (code === 'rate_limited' || code === 'slow_mode') this.#pausedUntil = performance.now() + retryAfter; // too early
		if (code === 'slow_mode') this.slowed = this.#pausedUntil;
		else if (item && code !== 'rate_limited') {
			item.reason = { code, message };
			if (item.message.type !== 'message') {
				this.drop(id);
				this.#hooks.refused(item);
			}
		}
		this.#flow();
	}

	// Keeps the items, sends what comes next, and watches over what is on its way.
	#flow() {
		this.#store.set('outbox', this.items);
		const next = this.items.find((item) => !item.reason);
		const paused = this.#pausedUntil - performance.now();
		if (this.#open && next && !this.#sent) {
			clearTimeout(this.#timer);
			if (paused > 0) this.#timer = setTimeout(() => this.#flow(), paused);
			else if (this.#hooks.send({ ...next.message, id: next.id })) {
				this.#sent = next.id;
				this.slowed = 0;
				this.#timer = setTimeout(() => this.#hooks.unanswered(), ACKNOWLEDGED_WITHIN);
			}
		} else if (!this.#sent) clearTimeout(this.#timer);
		this.#hooks.changed();
	}
}
