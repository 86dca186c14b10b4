// Wires the page: what the connection hears goes to the log, the people, the status and the title; what one does, to it.

import { Connection, Store, claim, safely } from './connection.js';
import * as log from './log.js';
import {
	badge, byName, completions, isolated, make, mentionOf, names, number, person, put, scalars, set, t, translate,
} from './text.js';

const LIMIT = { username: 32, text: 4_000 };
const base = new URL('.', import.meta.url);
// Percent-encoded or not: /r/%67arden is /r/garden.
const plain = location.pathname.replace(/%([0-7][\da-f])/gi, (_, hex) => String.fromCharCode(parseInt(hex, 16)));
const room = /\/r\/([a-z0-9-]{1,32})$/.exec(plain)?.[1] ?? 'lobby';
const addressOf = (name) => new URL(name === 'lobby' ? '.' : `r/${name}`, base).href;
const page = Object.fromEntries([...document.querySelectorAll('[id]')].map((element) => [element.id, element]));

const field = page.message;
const on = (target, type, act) => target.addEventListener(type, act);
const scope = `chatloop ${base.pathname} `;
const browser = new Store(() => localStorage, scope);
const tab = new Store(() => sessionStorage, scope);

translate();
page.room.textContent = room;
document.title = `${room} · Chatloop`;
page.username.value ||= browser.get('name') ?? ''; // what was typed at once counts
const here = new Store(() => sessionStorage, `${scope}${await claim(tab, scope)} ${room} `);

const connection = new Connection({
	address: Object.assign(new URL(`chat?room=${room}`, base), { protocol: base.protocol.replace('http', 'ws') }),
	store: here, receive, changed,
});
const hooks = { ask: (before) => connection.older(before, 100), act: handleRefused };
log.begin(hooks);

// Arriving.

const arriving = () => !page.entry.hidden;
const newGuest = () => t.guest(1000 + Math.floor(Math.random() * 9000));
let guest = newGuest();
let asGuest;

on(page.entry, 'submit', (event) => {
	event.preventDefault();
	const { value } = page.username;
	asGuest = !value;
	const name = asGuest ? guest : value.trim();
	if (!name || scalars(name) > LIMIT.username) refuseName(t.errors.username_invalid);
	else connection.join(name);
});
on(page.username, 'input', () => refuseName(''));

function refuseName(why) {
	page.usernameError.textContent = why;
	page.username.setAttribute('aria-invalid', !!why);
	if (why) page.username.focus();
}

// Shows the chat, or the form in its place; or over it, where the name is gone after a long absence.
function show(chat) {
	page.entry.hidden = chat;
	page.entry.classList.toggle('over', !chat && people.size > 0);
	page.entry.classList.remove('early');
	page.composer.hidden = !chat;
	page.log.hidden = page.side.hidden = page.menu.hidden = !chat && !people.size;
	page.skip.href = chat ? '#message' : '#username';
}

function receive(message) {
	const { type, seq, username } = message;
	if (seq && type !== 'welcome') log.add([annotate(message)]);
	if (type !== 'typing') safely(stopTyping, username);
	RECEIVE[type]?.(message);
	if (/welcome|join|leave|rename/.test(type)) safely(showPeople);
}

const RECEIVE = {
	welcome({ username, users, userCount, history, resumed, restarted, gap, seq }) {
		const first = arriving();
		people = new Set(users);
		headcount = userCount;
		safely(callMe, username);
		show(true);
		if (first) field.focus();
		if (first && !asGuest) browser.set('name', username);
		const events = history.map(annotate);
		log.older(); // what was asked for on the old connection will not come
		if (resumed && !restarted && !gap) log.add(events, true);
		else {
			// What was said before can still be asked for; who came and went meanwhile cannot.
			const [next = { seq: seq + 1, time: Date.now() }] = events;
			log.fill([...(resumed ? [{ ...next, type: 'gap', seq: next.seq - 0.5 }] : []), ...events], seq > 0);
		}
		if (resumed) safely(noticed, events.filter(log.isOthers).length);
		for (const name of typing.keys()) stopTyping(name);
	},

	message: (event) => log.isOthers(event) && safely(noticed, 1, event),

	join({ username }) {
		if (username !== connection.name && !people.has(username)) headcount += 1;
		people.add(username);
	},

	leave({ username }) {
		headcount -= 1;
		people.delete(username);
	},

	rename({ username, to }) {
		people.delete(username);
		people.add(to);
		safely(callMe, connection.name);
	},

	typing({ username }) {
		clearTimeout(typing.get(username));
		typing.set(username, setTimeout(stopTyping, 5_000, username));
		showTyping();
	},

	history: ({ events, more }) => log.older(events.map(annotate), more),

	error({ code, message, retryAfter = 1_000 }) {
		const why = t.errors[code] ?? message;
		if (connection.phase !== 'out') {
			note(why, 'error');
			if (/^username/.test(code) && !field.value) { // a /rename
				write(here.get('said'));
				field.select();
			}
			setTimeout(log.older, retryAfter); // in case it was about history
		} else if (code === 'username_taken' && asGuest) connection.join(guest = newGuest());
		else {
			show(false);
			refuseName(why);
		}
	},

	reload: () => location.reload(),
};

// Whose a message is and whom it speaks of is decided when it arrives: names change hands.
function annotate(event) {
	event.own = event.type === 'message' && event.username === connection.name;
	event.mention = log.isOthers(event) && !!hooks.mention?.test(event.text);
	return event;
}

function callMe(name) {
	hooks.mention = null;
	hooks.mention = mentionOf(name);
}

// The status, and the outbox.

let ticking = 0;

function changed() {
	log.setOutbox(connection.outbox.map((item) => ({ ...item, username: connection.name })));
	showStatus();
}

function showStatus() {
	clearTimeout(ticking);
	const { phase, why, nextTry, tries } = connection;
	const state = { joined: 'connected', taken: 'elsewhere' }[phase] ?? (navigator.onLine ? 'reconnecting' : 'offline');
	const hiccup = tries < 2 && !why && state === 'reconnecting';
	const seconds = phase === 'waiting' && state === 'reconnecting' ? Math.ceil((nextTry - Date.now()) / 1_000) : 0;
	const [status, countdown, reason] = page.status.children;
	set(status, t[state]);
	set(countdown, seconds > 0 ? t.inSeconds(seconds) : ''); // hidden from screen readers, who would hear each second
	set(reason, t[why] ?? '');
	const look = { connected: 'fine', reconnecting: hiccup ? 'fine turning' : 'turning' }[state] ?? 'off';
	page.status.className = `small ${look}`;
	page.status.hidden = phase === 'out' || (arriving() && !tries);
	page.net.classList.toggle('bad', !page.status.hidden && !/fine/.test(look));
	page.retry.hidden = phase !== 'taken' && (hiccup || phase === 'joined' || phase === 'out');
	set(page.retry, phase === 'taken' ? t.here : t.now);
	set(page.guest, phase === 'out' ? t.leaveEmpty(guest) : t.connecting);
	if (seconds > 0) ticking = setTimeout(showStatus, 1_000);
}

on(page.retry, 'click', () => {
	connection.hurry(true);
	(arriving() ? page.username : field).focus(); // the button goes
});
on(window, 'online', () => connection.hurry());
on(window, 'offline', () => {
	connection.offline();
	showStatus();
});

// Who is here.

let people = new Set();
let headcount = 0;
let drawing = 0;
const typing = new Map(); // name → timer

function showPeople() {
	drawing ||= setTimeout(() => {
		drawing = 0;
		page.people.replaceChildren(...[...people].sort(byName).map((name) => person(name, name === connection.name)));
		page.headcount.textContent = page.peopleCount.textContent = number(headcount);
	}, people.size);
}

function stopTyping(name) {
	clearTimeout(typing.get(name));
	if (typing.delete(name)) showTyping();
}

function showTyping() {
	const who = [...typing.keys()];
	put(page.typing, !who[0] ? '' : who[3] ? t.severalTyping : t[who[1] ? 'areTyping' : 'typing'](names(who)));
}

// Writing.

let completion = null;

function note(text, look = 'small') {
	put(page.note, text).tabIndex = text ? 0 : -1;
	page.note.className = look;
}

on(page.composer, 'submit', (event) => {
	event.preventDefault();
	const text = field.value.trimEnd();
	const [, word, rest] = /^\/(\w+)(?:\s+(.*))?$/s.exec(text) ?? [];
	note('');
	if (word ? obey(word, rest) : say(text.replace(/^\/\//, '/'))) write('');
	field.focus();
});

function say(text) {
	if (!text) return false;
	if (scalars(text) > LIMIT.text) return note(t.errors.text_too_long, 'error');
	here.set('said', text);
	connection.say(text.toWellFormed?.() ?? text);
	log.spoke();
	return true;
}

// Whether it could be obeyed.
function obey(word, rest) {
	if (word === 'rename' && rest) {
		here.set('said', `/rename ${rest}`);
		return connection.rename(rest.trim()) || note(t.reconnecting);
	}
	note(word === 'who' ? t.who(names([...people].sort(byName), Infinity)) : t.help);
	return word === 'help' || word === 'who';
}

on(field, 'input', () => {
	completion = null;
	written();
	if (/^\s*[^\s/]/.test(field.value)) connection.typing();
});

on(field, 'keydown', (event) => {
	if (event.isComposing || event.keyCode === 229) return; // an input method's: Safari ends a composition before this
	const keys = {
		Enter: () => page.composer.querySelector('button').click(),
		Tab: complete,
		ArrowUp: () => !field.value && bringBack(),
	};
	if (event.key === 'Escape') note('');
	if (!event.shiftKey && keys[event.key] && keys[event.key]() !== false) event.preventDefault();
});

function write(text) {
	field.value = text;
	written();
}

// What follows from the field's text: its height, the count, the draft.
function written() {
	const { value, style } = field;
	const left = LIMIT.text - scalars(value);
	here.set('draft', value);
	page.count.textContent = left > 200 ? '' : t.remaining(number(left));
	field.setAttribute('aria-invalid', left < 0);
	field.parentNode.classList.toggle('wrong', left < 0);
	style.height = 'auto';
	style.height = `${field.scrollHeight}px`; // style.css stops it at six lines
	log.hold();
}

function bringBack() {
	const refused = connection.outbox.filter((item) => item.reason).pop();
	if (refused) handleRefused('edit', refused.id);
	else write(here.get('said') ?? '');
}

function handleRefused(what, id) {
	const { text } = connection.outbox.find((item) => item.id === id);
	if (what === 'resend') return connection.resend(id);
	connection.drop(id);
	if (what === 'edit') write([text, field.value].filter(Boolean).join('\n'));
	field.focus();
}

// Puts in the next name that the word before the caret may become. After the last, Tab leaves the field.
function complete() {
	const { value, selectionStart: caret } = field;
	const { start, rest, found } = completion ??= completions(value, caret, [...people]);
	if (!found.length) return false;
	const done = `${value.slice(0, start)}${found.shift()}${start ? ' ' : ': '}`;
	write(done + rest);
	field.setSelectionRange(done.length, done.length);
}

// Noticing.

const plainIcon = page.icon.href;
let missed = 0;

function noticed(count, event) {
	if (event?.mention && document.hidden && browser.get('notify') && Notification.permission === 'granted') {
		new Notification(`${event.username} · ${room}`, { body: event.text.slice(0, 200), tag: room });
	}
	if (document.hidden ? !count : !missed) return;
	missed = document.hidden ? missed + count : 0;
	document.title = `${missed ? `(${missed}) ` : ''}${room} · Chatloop`;
	page.icon.href = missed ? badge(missed) : plainIcon;
}

// Where there is no room beside the log, what stands there comes over it.

on(page.menu, 'click', () => {
	page.drawer.append(page.side);
	page.drawer.showModal();
});
on(page.drawer, 'click', (event) => event.target === page.drawer && page.drawer.close()); // beside it
on(page.drawer, 'close', () => page.drawer.before(page.side));
on(window, 'resize', () => page.drawer.open && !page.menu.offsetWidth && page.drawer.close());

// Rooms, and options.

function showRooms() {
	const recent = [room, ...(browser.get('rooms') ?? []).filter((name) => name !== room)].slice(0, 6);
	browser.set('rooms', recent);
	page.rooms.replaceChildren(...[...new Set(['lobby', ...recent])].sort().map((name) => {
		const link = make('a', '', name);
		link.href = addressOf(name);
		if (name === room) link.setAttribute('aria-current', 'page');
		on(link, 'click', () => leaveFor(name));
		return make('li', '', link);
	}));
}

// Whoever is here goes in there under the same name, without being asked again.
const leaveFor = (name) => tab.set('enter', { room: name, name: connection.name });

on(page.openRoom, 'submit', (event) => {
	event.preventDefault();
	const name = page.roomName.value.trim().toLowerCase().replace(/\s+/g, '-');
	const valid = /^[a-z0-9-]{1,32}$/.test(name);
	page.roomError.textContent = valid ? '' : t.badRoom;
	page.roomName.setAttribute('aria-invalid', !valid);
	if (!valid) return;
	leaveFor(name);
	location = addressOf(name);
});

on(page.copy, 'click', async () => {
	try {
		await navigator.clipboard.writeText(addressOf(room));
	} catch {
		return prompt(t.copyLink, addressOf(room)); // without https there is no clipboard
	}
	page.copy.textContent = page.announcer.textContent = t.copied;
	setTimeout(set, 2_000, page.copy, t.copyLink);
});

page.showNotices.checked = browser.get('notices') ?? true;
on(page.showNotices, 'change', () => {
	browser.set('notices', page.showNotices.checked);
	log.showNotices(page.showNotices.checked);
});
log.showNotices(page.showNotices.checked);
page.notify.checked = browser.get('notify') ?? false;
page.notify.closest('label').hidden = !('Notification' in globalThis);

on(page.notify, 'change', async () => {
	if (page.notify.checked) page.notify.checked = await Notification.requestPermission() === 'granted';
	browser.set('notify', page.notify.checked);
});

// Going away and coming back.

on(document, 'visibilitychange', () => {
	if (document.hidden) return save();
	connection.hurry();
	noticed(0);
});
on(window, 'pagehide', save);
on(window, 'pageshow', ({ persisted }) => persisted && location.reload()); // its socket is gone

function save() {
	if (!connection.session || arriving()) return;
	here.set('log', log.save());
	here.set('focus', document.activeElement === field);
}

// iOS lays its keyboard over the page; others resize it.
if (window.visualViewport) on(visualViewport, 'resize', () => {
	if (visualViewport.scale === 1) document.body.style.setProperty('--height', `${visualViewport.height}px`);
	scrollTo(0, 0);
	log.hold();
});

page.entry.dispatchEvent(new Event('started'));
showRooms();
const enter = tab.get('enter');
tab.set('enter', null);
if (connection.session) {
	show(true);
	const saved = here.get('log');
	if (saved) log.restore(saved);
	connection.seq = log.newest();
	write(here.get('draft') ?? '');
	if (here.get('focus')) field.focus({ preventScroll: true });
	connection.join(connection.name);
} else if (enter?.room === room) connection.join(enter.name);
else {
	show(false);
	showStatus();
	if (page.entry.hasAttribute('data-wanted')) page.entry.querySelector('button').click(); // it was entered before this was there
	else if (!matchMedia('(pointer: coarse)').matches) { // a phone would open its keyboard
		page.username.focus();
		page.username.select();
	}
}
