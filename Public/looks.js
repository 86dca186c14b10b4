// How a row of the log looks, by its kind: each makes its element, or brings it up to date.

import { attributes, button, isolated, make, put, set } from './dom.js';
import { inOneLine, isEmoji, write } from './marks.js';
import { showNotices, stamp } from './notices.js';
import { avatar, hued, roleName } from './people.js';
import { isAction } from './rows.js';
import { safely } from './store.js';
import { calendar, moment, names, number, t } from './words.js';

const FOLDED_FROM = 24; // lines; of 80 letters, where they are long
const LINE = 80;

export const looks = {
	day: ({ element, event }) => element ?? make('li', 'day', stamp(event.time, undefined, calendar(event.time))),
	unread: ({ element }) => element ?? make('li', 'unread', t.unread),
	gap: ({ element }) => element ?? make('li', 'gap', t.missed),
	notices: ({ element, events }) => showNotices(element ?? make('li', 'notices'), events),
	message,
};

/** A row that could not be shown as it should be is shown all the same. */
export const plainly = ({ event }) => make('li', 'message', make('div', 'text', event.text ?? ''));

function message(row, log) {
	const { event, under, state = 'sent' } = row;
	const { own, mention, deleted, text } = event;
	const element = row.element?.matches('.message') ? row.element : newMessage(event, log);
	const classes = { under, own, [state]: own, mention: mention && !deleted, deleted, me: isAction(text) };
	element.className = ['message', ...Object.keys(classes).filter((name) => classes[name])].join(' ');
	safely(head, element, event);
	if (event.reply) safely(showQuote, element.querySelector('.quote'), event.reply, log);
	if (element.shown !== bodyOf(event)) {
		element.shown = bodyOf(event);
		showBody(element, event, log);
	}
	safely(showEdited, element, event);
	safely(showReactions, element, event, log);
	if (own) showState(element, event, state, log);
	element.querySelector('.actions').hidden = state !== 'sent' || !!deleted;
	return element;
}

const bodyOf = ({ text, deleted, deletedBy }) => (deleted ? `deleted by ${deletedBy}` : `text ${text}`);

function newMessage(event, log) {
	const { username, role, reply, bot } = event;
	const notes = [roleName(role), bot && t.bot, event.own && t.you].filter(Boolean).map((note) => make('small', '', note));
	const author = hued(event, make('bdi', 'name', username));
	const top = make('p', 'head', author, ...notes.flatMap((note) => [' ', note]), ' ', make('time'));
	const actions = button('quiet icon actions', t.actions, () => log.act('menu', event, actions), 'more');
	attributes(actions, { 'aria-haspopup': 'menu', 'aria-expanded': false, tabindex: -1, title: null });
	const element = make('li', '', avatar(event), top);
	if (reply) element.append(button('quote', '', () => log.act('reveal', { seq: reply })));
	element.append(make('div', 'text'), actions);
	if (event.own) element.append(attributes(make('span', 'state'), { role: 'img' }));
	return element;
}

function head(element, event) {
	const time = element.querySelector('time');
	stamp(event.time, time);
	time.title = moment(event.time);
	set(element.querySelector('.name'), event.username);
}

function showBody(element, event, log) {
	const { text = '', own, mention, deleted, deletedBy } = event;
	const body = element.querySelector('.text');
	element.querySelector('.fold')?.remove();
	body.className = 'text';
	attributes(body, { dir: 'auto' });
	if (deleted) {
		put(body, deletedBy ? t.deletedBy(isolated(deletedBy)) : t.deleted);
		return;
	}
	const finder = own || !mention ? null : log.mention;
	if (isAction(text)) {
		write(body, text.slice(4), finder);
		body.prepend(make('bdi', '', event.username), ' ');
	} else write(body, text, finder);
	if (isEmoji(text)) body.classList.add('large');
	const lines = text.split('\n').reduce((sum, line) => sum + 1 + Math.floor(line.length / LINE), 0);
	if (lines > FOLDED_FROM) fold(body);
}

// A text of many lines is shown in part, until somebody wants the whole.
function fold(body) {
	const more = button('quiet fold', t.showAll, () => {
		const folded = body.classList.toggle('folded');
		more.textContent = folded ? t.showAll : t.showLess;
		attributes(more, { 'aria-expanded': !folded });
	});
	attributes(more, { 'aria-expanded': false });
	body.classList.add('folded');
	body.after(more);
}

// The line that a message answers, as it is now; it leads there.
function showQuote(quote, seq, log) {
	const show = (event) => put(quote, !event || event.deleted || event.type !== 'message'
		? t.goneReply : `${isolated(event.username)}: ${isolated(inOneLine(event.text))}`);
	const known = log.find(seq);
	show(known);
	if (!known) log.fetch(seq, show);
}

function showEdited(element, { edited, deleted }) {
	const note = element.querySelector('.edited');
	if (!edited || deleted) return note?.remove();
	const words = note ?? element.querySelector('.text').appendChild(make('small', 'edited', ` (${t.edited})`));
	words.title = moment(edited);
}

function showReactions(element, { reactions = {}, deleted, seq }, log) {
	const kinds = deleted ? [] : Object.entries(reactions);
	let bar = element.querySelector('.reactions');
	if (!kinds.length) return bar?.remove();
	if (!bar) {
		bar = make('p', 'reactions');
		element.querySelector('.actions').before(bar);
	}
	const old = new Map([...bar.children].map((one) => [one.dataset.emoji, one]));
	bar.replaceChildren(...kinds.map(([emoji, { count, names: who = [], mine = false }]) => {
		const one = old.get(emoji) ?? button('quiet reaction', '', () => log.act('react', { seq }, emoji));
		one.dataset.emoji = emoji;
		set(one, `${emoji} ${number(count)}`);
		one.title = t.reactedWith(names(who, 20), emoji).replace(/[\u2068\u2069]/g, '');
		return attributes(one, { 'aria-pressed': mine });
	}));
}

function showState(element, event, state, log) {
	attributes(element.querySelector('.state'), { 'aria-label': t[state] });
	const refused = element.querySelector('.refusal');
	if (!event.reason) refused?.remove();
	else if (!refused) element.append(refusal(event, log));
}

function refusal({ id, reason }, log) {
	const element = make('p', 'refusal', `${t.refused}: ${t.errors[reason.code] ?? reason.message} `);
	for (const what of ['edit', 'resend', 'drop']) element.append(button('quiet', t[what], () => log.act(what, { id })));
	return element;
}

