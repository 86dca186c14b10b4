// What can be done with a message and with a person: the menus, and what their items do.

import { announce, attributes, copy, on } from './dom.js';
import * as log from './log.js';
import { openMenu } from './menus.js';
import { isHost, me } from './people.js';
import { mayEdit } from './rows.js';
import { t } from './words.js';

const LONG_PRESS = 500;

const scroller = document.querySelector('#log');
const list = scroller.querySelector('ol');
let app; // { connection, composer, linkTo(seq) or null, pickEmoji(button, done), note(words) }

export function beginActions(given) {
	app = given;
	on(list, 'focusin', ({ target }) => makeCurrent(target.closest('li')));
	makeCurrent(document.activeElement?.closest('#log li'));
	keepCurrent();
	on(scroller, 'keydown', keys);
	on(list, 'pointerdown', press);
	for (const end of ['pointerup', 'pointercancel', 'pointermove']) on(list, end, release);
	on(scroller, 'scroll', release);
	// What a browser makes of a finger that stays and then goes (a selection, a click) would close the menu again.
	for (const type of ['touchend', 'contextmenu']) list.addEventListener(type, (event) => pressed && event.cancelable && event.preventDefault(), { passive: false });
}

// Messages.

const mayDelete = ({ own, deleted, role }) => !deleted && (own || (isHost() && role !== 'operator'));

/** The menu of a message. */
export function messageMenu(opener, event) {
	openMenu(opener, [
		{ label: t.reply, act: () => app.composer.reply(event) },
		{ label: t.react, act: () => app.pickEmoji(opener, (emoji) => app.react(event, emoji, true)) },
		mayEdit(event) && { label: t.edit, act: () => app.composer.edit(event) },
		mayDelete(event) && { label: t.delete, act: () => remove(event), grave: true },
		{ label: t.copyText, act: () => copied(event.text) },
		app.linkTo && { label: t.copyMessageLink, act: () => copied(app.linkTo(event.seq)) },
	].filter(Boolean));
}

async function copied(text) {
	if (await copy(text, t.copyText)) announce(t.copied);
}

export const remove = ({ seq }) => app.connection.outbox.put({ type: 'delete', target: seq });

// By keyboard: one message is the current one; arrows go to the next, R replies, E edits.

let current = null;

function makeCurrent(row) {
	const action = row?.querySelector(':scope > .actions');
	if (!action || action.hidden) return;
	if (current && current !== action) attributes(current, { tabindex: -1 });
	current = attributes(action, { tabindex: 0 });
}

/** Sees to it that Tab leads from the log to a message: to the last one, where no other was chosen. */
export function keepCurrent() {
	if (current?.isConnected && !current.hidden) return;
	const rows = list.querySelectorAll('.message > .actions:not([hidden])');
	if (rows.length) makeCurrent(rows[rows.length - 1].parentNode);
}

const eventOf = (row) => log.eventOf(row);

function keys(event) {
	if (event.ctrlKey || event.metaKey || event.altKey || event.target.matches('input, textarea')) return;
	const row = current?.closest('li');
	const message = row && eventOf(row);
	const act = {
		r: () => app.composer.reply(message),
		e: () => mayEdit(message) && app.composer.edit(message),
		ArrowUp: () => step(row, 'previousElementSibling', event.target),
		ArrowDown: () => step(row, 'nextElementSibling', event.target),
	}[event.key.length === 1 ? event.key.toLowerCase() : event.key];
	if (message && act && act() !== false) event.preventDefault();
}

function step(row, towards, target) {
	if (target === scroller) return false; // the log itself scrolls
	let next = row[towards];
	while (next && !next.querySelector(':scope > .actions:not([hidden])')) next = next[towards];
	next?.querySelector(':scope > .actions').focus();
	next?.scrollIntoView({ block: 'nearest' });
	return true;
}

// By a finger that stays.

let pressing = 0;
let pressedAt = null;
let pressed = false; // this touch has opened a menu

function press(event) {
	const row = event.target.closest('.message');
	pressed = false;
	if (event.pointerType !== 'touch' || !row || event.target.closest('button, a')) return;
	pressedAt = event;
	pressing = setTimeout(() => {
		pressedAt = null;
		pressed = true;
		for (const other of list.querySelectorAll('.touched')) other.classList.remove('touched');
		row.classList.add('touched');
		const message = eventOf(row);
		if (message?.seq > 0 && !message.deleted) messageMenu(row.querySelector(':scope > .actions'), message);
	}, LONG_PRESS);
}

function release(event) {
	const moved = event.type === 'pointermove' && pressedAt
		&& Math.hypot(event.clientX - pressedAt.clientX, event.clientY - pressedAt.clientY) < 10;
	if (!moved) clearTimeout(pressing);
}

// People.

/** The menu of somebody in the list of people. */
export function personMenu(opener, person) {
	const { username, user, role } = person;
	const whom = user ? { user } : { username };
	const moderate = (action, more = {}) => () => app.connection.outbox.put({ type: 'moderate', action, ...whom, ...more });
	const sure = (question, act) => () => confirm(question) && act();
	const name = username;
	const mine = username === me.username;
	const may = isHost() && !mine && role !== 'operator';
	openMenu(opener, [
		!mine && { label: t.mention, act: () => app.composer.mention(username) },
		mine && { label: t.changeName, act: () => app.changeName() },
		may && { label: t.mute, act: moderate('mute', { minutes: 60 }) },
		may && { label: t.kick, act: moderate('kick'), grave: true },
		may && { label: t.ban, act: sure(t.banSure(name), moderate('ban', { address: true })), grave: true },
		may && { label: t.purge, act: sure(t.purgeSure(name), moderate('purge', { minutes: 60 })), grave: true },
		may && (role === 'host' ? { label: t.unhost, act: moderate('unhost') } : { label: t.makeHost, act: moderate('host') }),
	].filter(Boolean));
}

