// Choosing an emoji: a small picker of those one uses, and all others by their names. They are the system's own; their names
// come from emoji-names.txt when they are first needed.

import { attributes, button, make, on, parts, prepareDialog, soon } from './dom.js';
import { base, browser } from './store.js';
import { t } from './words.js';

const FREQUENT = ['👍', '❤️', '😂', '🎉', '😮', '😢', '🙏', '✅'];
const KEPT = 16;
const AT_ONCE = 96; // that are shown in one go: the page answers between two of them

// "🎉 party popper, tada": what it is called, and what else it is found by.
let loading = null;

/** The emoji with their names, once they are here. */
export function loadEmoji() {
	loading ??= fetch(new URL('emoji-names.txt', base)).then(async (answer) => {
		if (!answer.ok) throw new Error(`emoji-names.txt: ${answer.status}`);
		return parse(await answer.text());
	});
	loading.catch(() => (loading = null)); // the next time, again
	return loading;
}

function parse(text) {
	const all = [];
	let section = '';
	for (const line of text.split('\n')) {
		if (line.startsWith('# ')) section = line.slice(2);
		else if (line) {
			const space = line.indexOf(' ');
			const names = line.slice(space + 1);
			all.push({ emoji: line.slice(0, space), name: names.split(',')[0], words: names.split(/[\s,]+/), section });
		}
	}
	all.push(...flags());
	return { all, search: (query, most = 60) => search(all, query, most) };
}

// A flag is the two letters of its region; what regions are called, the browser knows in the reader's language.
function flags() {
	if (!Intl.DisplayNames) return [];
	const regions = new Intl.DisplayNames(navigator.languages, { type: 'region', fallback: 'none' });
	const letters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZ'];
	const codes = letters.flatMap((first) => letters.map((second) => first + second));
	return codes.filter((code) => !/^(Q[M-Z]|X[A-JL-Z]|ZZ|AA|EZ|UN)$/.test(code)).flatMap((code) => {
		const name = regions.of(code);
		const emoji = String.fromCodePoint(...[...code].map((letter) => letter.codePointAt(0) + 0x1f1a5));
		return name ? [{ emoji, name, words: ['flag', ...name.toLowerCase().split(/\s+/)], section: 'Flags' }] : [];
	});
}

// First those that are called so, then those with a word that begins so, then those with it anywhere.
function search(all, query, most) {
	const wanted = query.toLowerCase().replace(/[_-]/g, ' ').trim().split(/\s+/);
	if (query === '+1' || query === '-1') wanted[0] = query;
	const rank = ({ words }) => {
		const ranks = wanted.map((one) => (words.includes(one) ? 0 : words.some((word) => word.startsWith(one)) ? 1
			: one.length > 2 && words.some((word) => word.includes(one)) ? 2 : 3));
		return Math.max(...ranks);
	};
	return all.map((one) => ({ one, rank: rank(one) })).filter((found) => found.rank < 3)
		.sort((a, b) => a.rank - b.rank || a.one.words.length - b.one.words.length).slice(0, most).map(({ one }) => one);
}

// The picker.

const [dialog, field, grid] = parts('picker', 'emojiSearch', 'emojiGrid');
let chosen = null;
let prepared = false;

/** Opens it; `done(emoji)` is called with what is chosen. */
export function pickEmoji(opener, done) {
	chosen = done;
	if (!prepared) {
		prepareDialog(dialog);
		on(field, 'input', show);
		on(field, 'keydown', (event) => {
			if (event.key !== 'Enter' || event.isComposing) return;
			event.preventDefault();
			grid.querySelector('button')?.click();
		});
		on(grid, 'keydown', move);
		prepared = true;
	}
	field.value = '';
	dialog.showModal();
	show();
	field.focus();
}

async function show() {
	const query = field.value.trim();
	const used = browser.get('emoji') ?? [];
	if (!query) grid.replaceChildren(section(t.frequent, [...new Set([...used, ...FREQUENT])].slice(0, KEPT).map((emoji) => ({ emoji, name: emoji }))));
	const emoji = await loadEmoji().catch(() => null);
	if (!emoji || query !== field.value.trim()) return;
	if (query) {
		const found = emoji.search(query);
		grid.replaceChildren(found.length ? section('', found) : make('p', 'small', t.nothingFound));
		return;
	}
	showRest(emoji.all, grid.firstChild);
}

// All of them, some at a time, until something else is shown or the picker is closed.
function showRest(all, first) {
	let [name, row, at] = ['', null, 0];
	const go = () => {
		if (grid.firstChild !== first || !dialog.open) return;
		for (const end = Math.min(at + AT_ONCE, all.length); at < end; at += 1) {
			if (all[at].section !== name) {
				name = all[at].section;
				row = grid.appendChild(section(name, [])).lastChild;
			}
			row.append(sign(all[at]));
		}
		if (at < all.length) soon(go);
	};
	go();
}

function section(title, emoji) {
	return make('section', '', ...(title ? [make('h3', 'small', title)] : []), make('div', 'emojis', ...emoji.map(sign)));
}

function sign({ emoji, name }) {
	return attributes(button('quiet emoji', emoji, () => choose(emoji)), { title: name, 'aria-label': name });
}

function choose(emoji) {
	browser.set('emoji', [emoji, ...(browser.get('emoji') ?? []).filter((one) => one !== emoji)].slice(0, KEPT));
	dialog.close();
	chosen?.(emoji);
}

function move(event) {
	const all = [...grid.querySelectorAll('button')];
	const at = all.indexOf(document.activeElement);
	const line = all.findIndex((one, index) => index > 0 && one.offsetTop > all[0].offsetTop) || 8;
	const step = { ArrowRight: 1, ArrowLeft: -1, ArrowDown: line, ArrowUp: -line }[event.key];
	if (!step || at < 0) return;
	event.preventDefault();
	(all[at + step] ?? (step < 0 ? field : all[at])).focus();
}
