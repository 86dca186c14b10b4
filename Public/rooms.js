// The other rooms: where to go, and where something new was said.

import { attributes, make, on, parts, prepareDialog } from './dom.js';
import { base, browser, luggage } from './store.js';
import { t } from './words.js';

const REMEMBERED = 12;

/** Which room this page shows: from its address; a pair's room is told by the server. */
export const isPair = location.pathname === new URL('pair', base).pathname;
export const wanted = decoded(/\/r\/([^/]*)$/.exec(location.pathname)?.[1] ?? 'lobby');
// Percent-encoded or not: /r/%67arden is /r/garden.
function decoded(name) {
	try {
		return decodeURIComponent(name);
	} catch {
		return name;
	}
}

export const isRoomName = (name) => /^[a-z0-9-]{1,32}$/.test(name);
export const room = isRoomName(wanted) ? wanted : 'lobby';

/** The room name that somebody may mean. */
export const likely = (name) => name.trim().toLowerCase().normalize('NFKD').replace(/\p{M}/gu, '').replace(/[\s_.]+/g, '-')
	.replace(/[^a-z0-9-]/g, '').slice(0, 32);

export const addressOf = (name) => new URL(name === 'lobby' ? '.' : `r/${name}`, base).href;

const [dialog, list, form, field, error, dot] = parts('roomsDialog', 'rooms', 'openRoom', 'roomName', 'roomError', 'newElsewhere');
const openers = document.querySelector('#openRooms');
const news = new Set(); // rooms with something unread
let app; // { connection, name() }

export function beginRooms(given) {
	app = given;
	if (!isPair) browser.set('rooms', recent());
	prepareDialog(dialog);
	on(openers, 'click', () => {
		show();
		dialog.showModal();
	});
	on(form, 'submit', (event) => {
		event.preventDefault();
		if (!goTo(field.value)) field.focus();
	});
	on(field, 'input', () => refuse(''));
	on(window, 'storage', () => look());
	show();
}

const recent = () => [room, ...(browser.get('rooms') ?? []).filter((name) => name !== room && isRoomName(name))].slice(0, REMEMBERED);

/** Goes to a room, under the same name, without being asked again; whether it is a room's name. */
export function goTo(typed) {
	const name = typed.trim().toLowerCase().replace(/\s+/g, '-');
	const valid = isRoomName(name);
	refuse(valid ? '' : t.badRoom);
	if (!valid) return false;
	leaveFor(name);
	location = addressOf(name);
	return true;
}

function refuse(why) {
	error.textContent = why;
	attributes(field, { 'aria-invalid': !!why });
}

const leaveFor = (name) => app.name() && luggage.put({ room: name, name: app.name() });

function show() {
	const names = [...new Set(['lobby', ...(isPair ? recent().slice(1) : recent())])].sort();
	list.replaceChildren(...names.map((name) => {
		const isNew = news.has(name);
		const link = make('a', isNew ? 'new' : '', name, ...(isNew ? [' ', make('small', '', t.unreadIn)] : []));
		link.href = addressOf(name);
		if (name === room && !isPair) attributes(link, { 'aria-current': 'page' });
		on(link, 'click', () => leaveFor(name));
		return make('li', '', link);
	}));
	dot.hidden = !news.size;
	attributes(openers, { 'aria-label': news.size ? `${t.rooms} (${t.unreadIn})` : t.rooms });
}

// What is unread elsewhere: the server tells the newest message's number; the highest one that was seen there is kept.

/** Asks to be told of the rooms where one was before. */
export function watch() {
	const rooms = recent().filter((name) => name !== room).slice(0, 20);
	if (rooms.length) app.connection.offer({ type: 'watch', rooms });
}

export function heardOf({ room: name, seq }) {
	const seen = browser.get('seen') ?? {};
	const isNew = seq > (seen[name] ?? 0) && name !== room;
	if (isNew === news.has(name)) return;
	if (isNew) news.add(name);
	else news.delete(name);
	show();
}

/** The newest message here has been seen. */
export function sawUpTo(seq) {
	if (isPair || !seq) return;
	const seen = browser.get('seen') ?? {};
	if (seq > (seen[room] ?? 0)) browser.set('seen', { ...seen, [room]: seq });
}

// Another tab has seen something.
function look() {
	const seen = browser.get('seen') ?? {};
	for (const name of [...news]) if (seen[name]) heardOf({ room: name, seq: 0 });
}
