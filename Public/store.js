// What a tab and a browser keep, who this tab is among the tabs of a browser, and what happens when something fails.

/** Where the page and everything beside it lies, under whatever path a proxy puts it. */
export const base = new URL('.', import.meta.url);

// Several chats may share an origin, under different paths.
const scope = `chatloop ${base.pathname} `;

/**
 * Does what only decorates: marks, colours, badges, sounds. An error in it is reported, and ends nothing else; above all
 * not the receiving of messages.
 */
export function safely(act, ...given) {
	try {
		return act(...given);
	} catch (error) {
		setTimeout(() => { throw error; });
		return undefined;
	}
}

/** Storage may be forbidden or full: then the page forgets at its end, and works. */
export class Store {
	#area;
	#prefix;
	#memory = new Map();

	constructor(area, prefix) {
		this.#area = area;
		this.#prefix = prefix;
	}

	get(key) {
		try {
			return JSON.parse(this.#area().getItem(this.#prefix + key)) ?? this.#memory.get(key) ?? null;
		} catch {
			return this.#memory.get(key) ?? null;
		}
	}

	set(key, value) {
		try {
			if (value === null) this.#area().removeItem(this.#prefix + key);
			else this.#area().setItem(this.#prefix + key, JSON.stringify(value));
			this.#memory.delete(key);
		} catch {
			this.#memory.set(key, value);
		}
	}
}

/** What all tabs of this browser share. */
export const browser = new Store(() => localStorage, scope);
const tab = new Store(() => sessionStorage, scope);

/** What this tab keeps for one room; `settleIn` opens it. */
export let here = null;

/** What this tab takes along into another room. */
export const luggage = { put: (value) => tab.set('enter', value), take: () => {
	const value = tab.get('enter');
	tab.set('enter', null);
	return value;
} };

/** An id that no one else makes; 11 characters of base64url for each 8 bytes. */
export function randomId(bytes = 9) {
	const letters = String.fromCharCode(...crypto.getRandomValues(new Uint8Array(bytes)));
	return btoa(letters).replace(/\+/g, '-').replace(/\//g, '_').replace(/=/g, '');
}

/**
 * The secret by which the server knows this browser again. From it follows the `user`, the same in every room; nobody
 * else can find it out.
 */
export function key() {
	const kept = browser.get('key');
	if (typeof kept === 'string' && kept.length >= 16) return kept;
	const fresh = randomId(24);
	browser.set('key', fresh);
	return fresh;
}

// Who this tab is.
//
// Browsers duplicate a tab with its storage, session and all: to be a second person it needs an id of its own. While a
// tab lives it holds a lock of its id's name, which a copy finds held. A document that goes away says so in `parked`, as
// its lock may outlive it for a moment: its successor is patient.

/** Opens what this tab keeps for a room, as itself and no other tab. */
export async function settleIn(room) {
	let id = tab.get('tab');
	if (!id || !await hold(id, tab.get('parked') === id)) {
		id = randomId();
		tab.set('tab', id);
		await hold(id, true);
	}
	here = new Store(() => sessionStorage, `${scope}${id} ${room} `);
}

async function hold(id, parked) {
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

function openChannel(name) {
	try {
		return new BroadcastChannel(name);
	} catch {
		return null; // the browser has none, or lets none be
	}
}

/**
 * Finds out whether another tab of this browser is in the room, and answers others who ask.
 *
 * `mine()` is what this tab tells: its name and session, or null while it is in nobody's name. `found(theirs)` is called
 * with what another tab told.
 */
export function meetOtherTabs(room, mine, found) {
	const channel = openChannel(`${scope}room ${room}`);
	if (!channel) return;
	channel.onmessage = ({ data }) => {
		const told = mine();
		if (data === 'anyone?' && told) channel.postMessage(told);
		else if (data.session && !told) found(data);
	};
	if (!mine()) channel.postMessage('anyone?');
}
