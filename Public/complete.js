// Completion in the field: names after an @ or with Tab, emoji after a colon. A list shows what fits; arrows, Tab and Enter
// choose by keyboard, a finger or the mouse by touching.

import { attributes, make, on } from './dom.js';
import { everyone, hued, me } from './people.js';
import { t } from './words.js';

const SHOWN = 8;

const list = document.querySelector('#completions');

/**
 * Starts completion in a field; `written()` is called when it has changed the text. The function that is returned handles a
 * key, and tells whether there was something for it to do.
 */
export function beginCompletion(field, written) {
	let open = null; // { start, options, at }
	let cycle = null; // names for Tab without a list, and where they go
	let emojiNames = null; // (query) => [{ label, text }], once loaded

	const close = () => {
		open = null;
		list.hidden = true;
		list.replaceChildren();
		attributes(field, { 'aria-expanded': null, 'aria-activedescendant': null, 'aria-controls': null, 'aria-autocomplete': null, role: null });
	};

	const choose = ({ text }) => {
		const { value, selectionStart: caret } = field;
		const done = value.slice(0, open.start) + text;
		field.value = done + value.slice(caret);
		field.setSelectionRange(done.length, done.length);
		close();
		written();
		field.focus();
	};

	const highlight = (index) => {
		open.at = (Math.max(index, -1) + open.options.length) % open.options.length;
		[...list.children].forEach((row, number) => attributes(row, { 'aria-selected': number === open.at }));
		attributes(field, { 'aria-activedescendant': list.children[open.at].id });
		list.children[open.at].scrollIntoView({ block: 'nearest' });
	};

	const show = (start, options) => {
		if (!options.length) return close();
		open = { start, options, at: -1 };
		list.replaceChildren(...options.map((option, index) => {
			const row = attributes(make('li', '', option.element ?? option.label), { role: 'option', id: `completion${index}` });
			on(row, 'pointerdown', (event) => event.preventDefault()); // the field keeps the focus, and a phone its keyboard
			on(row, 'click', () => choose(option));
			return row;
		}));
		list.hidden = false;
		attributes(list, { 'aria-label': t.matches });
		attributes(field, { 'aria-controls': 'completions', 'aria-autocomplete': 'list' });
		// What is written out already is not chosen before one says so: Enter sends it.
		const typed = field.value.slice(start, field.selectionStart).toLowerCase();
		return options.some(({ text }) => text.trim().toLowerCase() === typed) ? null : highlight(0);
	};

	const look = () => {
		const before = field.value.slice(0, field.selectionStart);
		const [, called] = /(?:^|\s)@([^\s@]{0,32})$/u.exec(before) ?? [];
		if (called !== undefined) return show(before.length - called.length - 1, people(called, '@'));
		const [, colon] = /(?:^|[\s(])(:[a-z0-9_+-]{2,})$/i.exec(before) ?? [];
		if (!colon) return close();
		if (emojiNames) return show(before.length - colon.length, emojiNames(colon.slice(1)));
		return import('./emoji.js').then(({ loadEmoji }) => loadEmoji()).then(({ search }) => {
			emojiNames = (query) => search(query, SHOWN).map(({ emoji, name }) => ({ label: `${emoji} ${name}`, text: emoji }));
			look();
		}).catch(() => { /* without names, one writes the emoji itself */ });
	};

	on(field, 'input', () => {
		cycle = null;
		look();
	});
	on(field, 'blur', () => setTimeout(() => document.activeElement !== field && close()));

	// Puts in the next name that the word before the caret may become. After the last, Tab leaves the field.
	const byTab = () => {
		const { value, selectionStart: caret } = field;
		const begun = /[^\s@]*$/.exec(value.slice(0, caret))[0];
		const start = caret - begun.length;
		cycle ??= { start, rest: value.slice(caret), found: begun ? people(begun, '') : [] };
		if (!cycle.found.length) return false;
		const done = `${value.slice(0, cycle.start)}${cycle.found.shift().name}${cycle.start ? ' ' : ': '}`;
		field.value = done + cycle.rest;
		field.setSelectionRange(done.length, done.length);
		written();
		return true;
	};

	return (event) => {
		if (event.shiftKey) return false;
		const keys = open && {
			ArrowDown: () => highlight(open.at + 1),
			ArrowUp: () => highlight(open.at - 1),
			Enter: () => (open.at < 0 ? close() ?? false : choose(open.options[open.at])),
			Tab: () => choose(open.options[Math.max(0, open.at)]),
			Escape: close,
		};
		const act = keys?.[event.key] ?? (event.key === 'Tab' ? byTab : null);
		if (!act || act() === false) return false;
		event.preventDefault();
		return true;
	};
}

// Those whose names begin like this, or have a word that does.
function people(begun, sign) {
	const like = (text) => text.toLowerCase().normalize('NFC');
	const query = like(begun);
	const rank = ({ username }) => (like(username).startsWith(query) ? 0 : like(username).split(/[\s_-]/).some((word) => word.startsWith(query)) ? 1 : 2);
	return everyone().filter((person) => person.username !== me.username && rank(person) < (sign ? 2 : 1))
		.sort((a, b) => rank(a) - rank(b)).slice(0, SHOWN)
		.map((person) => ({ name: person.username, text: `${sign}${person.username} `, element: hued(person, make('bdi', 'name', person.username)) }));
}

