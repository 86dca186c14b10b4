// The field in which one writes: its text, its height, its count, its draft; replies and edits; what Enter does.

import { attributes, button, isolated, make, on, parts, put, scalars, touchOnly } from './dom.js';
import * as log from './log.js';
import { inOneLine } from './marks.js';
import { hold } from './reading.js';
import { mayEdit } from './rows.js';
import { here } from './store.js';
import { number, t } from './words.js';

const MOST = 4_000; // scalars
const COUNTED_FROM = 200; // scalars that are left

const [form, field, count, notes, context] = parts('composer', 'message', 'count', 'note', 'context');
let app; // { connection, obey(word, rest), pickEmoji(button, done), spoken() }
let about = null; // { kind: 'reply' or 'edit', event }
let beforeEdit = ''; // the draft that an edit has put aside

export function beginComposer(given) {
	app = given;
	on(form, 'submit', (event) => {
		event.preventDefault();
		submit();
	});
	on(field, 'input', () => {
		written();
		if (/^\s*[^\s/]/.test(field.value) && about?.kind !== 'edit') app.connection.typing();
	});
	let complete = null; // it is loaded with the first sign of somebody who wants it
	const wanted = (event) => {
		const isWanted = complete === null && (/[@:]/.test(event.data ?? field.value) || (event.key === 'Tab' && !event.shiftKey && /\S$/.test(field.value)));
		if (!isWanted) return false;
		complete = () => false;
		import('./complete.js').then(({ beginCompletion }) => {
			complete = beginCompletion(field, written);
			if (event.key === 'Tab' && !complete(event)) form.querySelector('button:last-child').focus();
			else if (event.type === 'input') field.dispatchEvent(new Event('input'));
		}).catch(() => (complete = null));
		return true;
	};
	on(field, 'input', wanted);
	on(field, 'keydown', (event) => {
		if (event.isComposing || event.keyCode === 229) return; // an input method's: Safari ends a composition before this
		if (complete?.(event)) return;
		if (event.key === 'Tab' && wanted(event)) event.preventDefault();
		const keys = {
			Enter: () => !touchOnly() && !!submit(),
			ArrowUp: () => !field.value && !about && bringBack(),
			Escape: () => (about ? cancel() : note('')),
		};
		if (!event.shiftKey && keys[event.key] && keys[event.key]() !== false) event.preventDefault();
	});
	on(document.querySelector('#emoji'), 'click', ({ currentTarget }) => app.pickEmoji(currentTarget, insert));
	attributes(field, { enterkeyhint: touchOnly() ? 'enter' : 'send' });
	write(here.get('draft') ?? '');
}

/** A word to the one who writes: help, or why something did not go; `look` is "error" then. */
export function note(words, look = 'small') {
	attributes(put(notes, words), { tabindex: words ? 0 : -1 });
	notes.className = look;
}

async function submit() {
	const text = field.value.trimEnd();
	const [, word, rest = ''] = /^\/(\w+)(?:\s+(.*))?$/s.exec(text) ?? [];
	note('');
	const isCommand = word && word !== 'me' && about?.kind !== 'edit';
	if (!isCommand) say(text.replace(/^\/\//, '/'));
	else if (await app.obey(word.toLowerCase(), rest.trim()) && field.value.trimEnd() === text) write('');
	field.focus();
}

/** Says a text, or puts it where it is edited; whether that could be. */
export function say(text, { reply } = {}) {
	if (!text) return false;
	if (scalars(text) > MOST) return note(t.errors.text_too_long, 'error');
	const whole = text.toWellFormed?.() ?? text;
	const message = { type: 'message', text: whole, reply };
	if (about?.kind === 'edit') Object.assign(message, { type: 'edit', target: about.event.seq });
	else if (about?.kind === 'reply') message.reply = about.event.seq;
	const isEdit = message.type === 'edit';
	if (!isEdit || about.event.text !== whole) app.connection.outbox.put(message);
	here.set('said', text);
	if (!isEdit) {
		log.spoke();
		app.spoken();
	}
	if (about) end(isEdit ? beforeEdit : '');
	else write('');
	return true;
}

// What one answers, or changes.

function begin(kind, event) {
	if (about?.kind === 'edit') end(beforeEdit);
	about = { kind, event };
	const line = put(make('p'), kind === 'edit' ? `${t.editing}: ${isolated(inOneLine(event.text))}`
		: `${t.replyTo(isolated(event.username))}: ${isolated(inOneLine(event.text))}`);
	context.replaceChildren(line, button('quiet icon', t.cancel, cancel, 'close'));
	context.hidden = false;
	hold();
	field.focus();
}

function end(text) {
	about = null;
	context.hidden = true;
	write(text);
	hold();
}

function cancel() {
	end(about?.kind === 'edit' ? beforeEdit : field.value);
	field.focus();
}

export const composer = {
	reply: (event) => begin('reply', event),

	edit(event) {
		const draft = about?.kind === 'edit' ? beforeEdit : field.value;
		begin('edit', event);
		beforeEdit = draft;
		write(event.text);
		field.setSelectionRange(event.text.length, event.text.length);
	},

	mention(username) {
		const { value, selectionStart: at } = field;
		insert(`${at && !/\s$/.test(value.slice(0, at)) ? ' ' : ''}@${username} `);
	},

	/** Puts a text back that was refused, before what has been written since. */
	putBack: (text) => {
		write([text, field.value].filter(Boolean).join('\n'));
		field.focus();
	},

	/** The messages that are gone cannot be answered or edited any more. */
	forget(event) {
		if (about?.event.seq === event.target && event.type === 'delete') cancel();
	},

	cancel: () => about && cancel(),

	/** It is on view again: only now can it be measured. */
	fit: () => written(),

	isEmpty: () => !field.value,
	select: (text) => {
		write(text);
		field.select();
	},
	focus: () => field.focus({ preventScroll: true }),
	hasFocus: () => document.activeElement === field,
	lastSaid: () => here.get('said') ?? '',
};

/** Puts a text in at the caret. */
export function insert(text) {
	const { value, selectionStart, selectionEnd } = field;
	const at = selectionStart + text.length;
	write(value.slice(0, selectionStart) + text + value.slice(selectionEnd));
	field.focus();
	field.setSelectionRange(at, at);
}

export function write(text) {
	field.value = text;
	written();
}

// What follows from the field's text: its height, the count, the draft.
function written() {
	const { value, style } = field;
	const left = MOST - scalars(value);
	here.set('draft', about?.kind === 'edit' ? beforeEdit : value);
	count.textContent = left > COUNTED_FROM ? '' : left < 0 ? t.tooMany(number(-left)) : t.remaining(number(left));
	attributes(field, { 'aria-invalid': left < 0 });
	field.parentNode.classList.toggle('wrong', left < 0);
	style.height = 'auto';
	style.height = `${field.scrollHeight}px`; // the style sheet stops it at six lines
	hold();
}

// Up in the empty field: what was refused, else the last message is edited, else what was said last is said again.
function bringBack() {
	const { outbox } = app.connection;
	const refused = outbox.messages.filter((item) => item.reason).pop();
	if (refused) {
		outbox.drop(refused.id);
		return composer.putBack(refused.message.text);
	}
	const mine = log.all().filter((event) => event.type === 'message' && event.own && !event.deleted).pop();
	return mine && mayEdit(mine) && mine.user ? composer.edit(mine) : write(composer.lastSaid());
}
