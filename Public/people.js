// Who is here, who one is oneself, what colour and initials everyone has, and who is typing.
//
// People are told apart by `user` where the server names it, and by their names where it does not: a name may change
// hands, and so may not stand for a person for long.

import { arrange, attributes, button, firstCharacter, make, parts, put, soon } from './dom.js';
import { safely } from './store.js';
import { byName, names, number, t } from './words.js';

const TYPING_LASTS = 5_000;
const AT_ONCE = 8; // rows that are made in one go: the page answers between two of them
const HUES = 24; // 15 degrees apart: two next to each other can still be told apart

/** Who stands behind an event, or a person in the list. */
export const who = ({ user, username }) => user ?? `name:${username}`;

/** Oneself: name, `user` and role as the server last said. */
export const me = { username: '', user: null, role: null };

// Where the server tells people apart, what has no `user` is from before it did, and nobody's own.
export const isMe = (event) => (me.user ? event.user === me.user : event.username === me.username);

/** Whether one may do what hosts do. */
export const isHost = () => me.role === 'host' || me.role === 'operator';

let present = new Map(); // name → { username, user, role }
let count = 0;

/** Everyone here whose name is known, sorted; the count of all is `headcount`. */
export const everyone = () => [...present.values()].sort((a, b) => byName(a.username, b.username));
export const headcount = () => count;
export const personCalled = (name) => present.get(name)
	?? everyone().find(({ username }) => username.toLowerCase() === name.toLowerCase());

/** What a welcome says of who is here. */
export function meetEveryone({ username, user = null, role = null, users, people, userCount }) {
	Object.assign(me, { username, user, role });
	present = new Map((people ?? users.map((name) => ({ username: name }))).map((one) => [one.username, one]));
	count = userCount;
	for (const name of [...typing.keys()]) stopTyping(name);
	redraw();
}

/** What an event changes in who is here. */
export function follow(event) {
	const { type, username, user, role, to, toUser, action } = event;
	if (type === 'join') {
		if (!present.has(username) && username !== me.username) count += 1;
		present.set(username, { username, user, role });
	} else if (type === 'leave') {
		count -= 1;
		present.delete(username);
	} else if (type === 'rename') {
		const person = present.get(username);
		present.delete(username);
		present.set(to, { ...person, username: to, user: user ?? person?.user });
		if (username === me.username) me.username = to;
	} else if (type === 'moderation' && /^(un)?host$/.test(action)) {
		const changed = action === 'host' ? 'host' : undefined;
		for (const person of present.values()) if (person.user === toUser) Object.assign(person, { role: changed });
		if (toUser && toUser === me.user) Object.assign(me, { role: changed ?? null });
	} else if (type === 'message' && role && present.get(username)?.user === user && present.get(username).role !== role) {
		// Whoever speaks first in a new room is its host.
		Object.assign(present.get(username), { role });
		if (user && user === me.user) Object.assign(me, { role });
	} else return;
	redraw();
}

// Colours and initials.

const hues = new Map(); // who → the number of a hue
let taken = null; // those of everyone here, once they are asked for

/** A hue in degrees. It follows from who it is; where somebody here has it already, the next free one is taken. */
export function hueOf(person) {
	const key = who(person);
	if (!hues.has(key)) {
		const wanted = [...key].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 9973, 7) % HUES;
		taken ??= new Set([...present.values()].map((one) => hues.get(who(one))));
		let free = wanted;
		for (let step = 1; taken.has(free) && step <= HUES; step += 1) free = (wanted + step * 7) % HUES; // 7 and 24 share no factor
		hues.set(key, taken.has(free) ? wanted : free);
		if (who(present.get(person.username) ?? {}) === key) taken.add(hues.get(key));
	}
	return hues.get(key) * (360 / HUES) + 4;
}

/** Gives an element the person's colour. */
export function hued(person, element) {
	safely(() => element.style.setProperty('--hue', hueOf(person)));
	return element;
}

/** "AL" for Ada Lovelace, "A" for Ada, "李" for 李小龙, "7" for Guest 7. */
export function initials(name) {
	const words = name.split(/[\s._-]+/).filter((word) => /[\p{L}\p{N}\p{Emoji}]/u.test(word));
	const first = (word) => firstCharacter(word.replace(/^[^\p{L}\p{N}\p{Emoji}]+/u, ''));
	if (!words.length) return firstCharacter(name);
	const two = words.length > 1 && words.every((word) => /^[\p{sc=Latn}\p{sc=Cyrl}\p{sc=Grek}\p{N}]/u.test(word));
	const last = words[words.length - 1];
	if (two && /^\p{N}+$/u.test(last)) return first(words[0]).toUpperCase() + last.slice(-1);
	return (first(words[0]) + (two ? first(last) : '')).toUpperCase();
}

/** The round picture of somebody; those who do not see it have the name beside it. */
export const avatar = (person) => attributes(
	hued(person, make('span', 'avatar', safely(initials, person.username) ?? '')), { 'aria-hidden': true });

// The list.

const list = document.querySelector('#people');
const rest = document.querySelector('#morePeople');
const counts = parts('headcount', 'peopleCount');
const rows = new Map(); // name → { look, element }
let drawing = 0; // a timer,
let resting = null; // and what calls off the making of the other rows
let openMenu = null;

/** `act(button, person)` opens the actions that somebody offers. */
export function beginPeople(act) {
	openMenu = act;
	redraw();
}

function redraw() {
	taken = null;
	// A crowd that comes in at once is drawn once.
	drawing ||= setTimeout(draw, Math.min(present.size, 500));
}

function draw() {
	clearTimeout(drawing);
	drawing = 0;
	resting?.();
	resting = null;
	const people = everyone();
	let left = AT_ONCE;
	const wanted = people.map((person) => {
		const { username, user, role } = person;
		const look = [user, role, username === me.username, t.you].join();
		const known = rows.get(username);
		if (known?.look === look) return known.element;
		left -= 1;
		if (left < 0) return known?.element;
		const element = personRow(person);
		rows.set(username, { look, element });
		return element;
	}).filter(Boolean);
	arrange(list, wanted);
	for (const name of [...rows.keys()]) if (!present.has(name)) rows.delete(name);
	for (const element of counts) element.textContent = number(count);
	rest.textContent = count > people.length ? t.morePeople(number(count - people.length)) : '';
	if (left < 0) resting = soon(draw);
}

/** A row of the list of people. */
export function personRow(person) {
	const { username, role } = person;
	const name = hued(person, make('bdi', 'name', username));
	const notes = [roleName(role), username === me.username && t.you].filter(Boolean).map((note) => make('small', '', note));
	const actions = button('quiet icon actions', t.personActions(username), () => openMenu(actions, person), 'more');
	attributes(actions, { 'aria-haspopup': 'menu', 'aria-expanded': false });
	return make('li', '', avatar(person), make('span', 'who', name, ...notes), actions);
}

export const roleName = (role) => ({ host: t.host, operator: t.operator })[role] ?? '';

// Who is typing.

const typing = new Map(); // name → timer
const line = document.querySelector('#typing');

export function startTyping(name) {
	clearTimeout(typing.get(name));
	typing.set(name, setTimeout(stopTyping, TYPING_LASTS, name));
	showTyping();
}

export function stopTyping(name) {
	clearTimeout(typing.get(name));
	if (typing.delete(name)) showTyping();
}

function showTyping() {
	const typists = [...typing.keys()];
	const words = typists.length > 3 ? t.severalTyping : typists.length > 1 ? t.areTyping : t.isTyping;
	put(line, !typists.length ? '' : typists.length > 3 ? words : words(names(typists)));
}

