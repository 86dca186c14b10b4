// Looking for what was said: the results lead to their place in the history.

import { button, isolated, make, on, parts, prepareDialog, put } from './dom.js';
import { inOneLine } from './marks.js';
import { moment, number, t } from './words.js';

const PAGE = 20;

const [dialog, list, state, older] = parts('finder', 'results', 'searchState', 'moreResults');
let app; // { connection, reveal(seq) }
let wanted = '';
let before; // where to go on
let count = 0;

export function beginSearch(given) {
	app = given;
	prepareDialog(dialog);
	on(older, 'click', ask);
}

/** Looks for words; whether they can be looked for. */
export function search(words) {
	if ([...words].length < 2) return false;
	wanted = words;
	before = undefined;
	count = 0;
	list.replaceChildren();
	if (!dialog.open) dialog.showModal();
	return ask();
}

function ask() {
	const text = wanted;
	older.hidden = true;
	state.textContent = t.searching;
	return app.connection.ask({ type: 'search', text, before, limit: PAGE }, (answer) => {
		if (text !== wanted) return;
		if (answer?.type === 'found') found(answer);
		else state.textContent = t.errors[answer?.code] ?? answer?.message ?? t.reconnecting;
	}) || !(state.textContent = t.reconnecting);
}

function found({ events, more, before: next }) {
	count += events.length;
	list.append(...[...events].reverse().map(result));
	before = next;
	older.hidden = !more;
	// One answer looks at a part of the history only: where there is more, it goes on until something is found.
	if (more && !events.length && count < PAGE) return ask();
	state.textContent = count ? t.found(number(count)) : t.nothingFound;
	return true;
}

function result(event) {
	const text = make('span', '');
	mark(text, inOneLine(event.text, 300));
	const line = button('quiet result', '', () => {
		dialog.close();
		app.reveal(event.seq);
	});
	line.append(put(make('span', 'name'), isolated(event.username)), ' ', make('time', '', moment(event.time)), text);
	return make('li', '', line);
}

function mark(element, text) {
	const at = text.toLowerCase().indexOf(wanted.toLowerCase());
	if (at < 0) return element.append(text);
	const end = at + wanted.length;
	return element.append(text.slice(0, at), make('mark', '', text.slice(at, end)), text.slice(end));
}
