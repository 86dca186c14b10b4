// The menu of the page: name, looks, notices, notifications, sound, what is shown as text, leaving.

import { attributes, make, on, prepareDialog } from './dom.js';
import * as log from './log.js';
import { askToNotify, trySound, whyNotNotify } from './noticing.js';
import { noticesAsText } from './notices.js';
import { isNotice } from './rows.js';
import { browser } from './store.js';
import { calendar, clock } from './words.js';

const part = (id) => document.getElementById(id);
const [dialog, nameForm, nameField, nameError] = ['options', 'nameForm', 'newName', 'nameError'].map(part);
let app; // { connection, room, rename(name), leave() }

export function beginOptions(given) {
	app = given;
	prepareDialog(dialog);
	on(nameForm, 'submit', (event) => {
		event.preventDefault();
		refuseNewName('');
		const name = nameField.value.trim();
		if (name && name !== app.connection.name) app.rename(name);
		else dialog.close();
	});
	choice('showNotices', true, (shown) => log.showNotices(shown));
	choice('sound', false, (on_, byHand) => on_ && byHand && trySound());
	on(part('notify'), 'change', async ({ target }) => {
		if (target.checked) target.checked = await askToNotify();
		browser.set('notify', target.checked);
		showNotify();
	});
	for (const radio of dialog.querySelectorAll('[name=theme]')) on(radio, 'change', () => setTheme(radio.value));
	setTheme(browser.get('theme') ?? 'system');
	on(part('save'), 'click', saveAsText);
	on(part('leave'), 'click', () => {
		dialog.close();
		app.leave();
	});
}

/** Opens them; at the name, where that is what is wanted. */
export function openOptions(atName = false) {
	nameField.value = app.connection.name;
	refuseNewName('');
	showNotify();
	dialog.showModal();
	if (atName) nameField.select();
}

/** The new name is had, or is not to be had. */
export function refuseNewName(why) {
	if (!dialog.open) return false;
	nameError.textContent = why;
	attributes(nameField, { 'aria-invalid': !!why });
	if (why) nameField.focus();
	return true;
}
export const newNameTaken = () => dialog.open && nameError.textContent === '' && dialog.close();

function choice(id, standard, act) {
	const box = part(id);
	box.checked = browser.get(id === 'showNotices' ? 'notices' : id) ?? standard;
	on(box, 'change', () => {
		browser.set(id === 'showNotices' ? 'notices' : id, box.checked);
		act(box.checked, true);
	});
}

// Notifications may be denied, or not there: then the box says why.
function showNotify() {
	const box = part('notify');
	const why = whyNotNotify();
	box.disabled = !!why;
	box.checked = !why && (browser.get('notify') ?? false);
	part('notifyWhy').textContent = why ?? '';
}

function setTheme(theme) {
	browser.set('theme', theme);
	attributes(document.documentElement, { 'data-theme': theme === 'system' ? null : theme });
	for (const radio of dialog.querySelectorAll('[name=theme]')) radio.checked = radio.value === theme;
}

// What is known of the room, as a file.
function saveAsText() {
	const lines = [];
	let date = '';
	for (const event of log.all()) {
		const day = calendar(event.time);
		if (day !== date) lines.push(...(date ? [''] : []), `— ${day} —`);
		date = day;
		if (event.type === 'message' && !event.deleted) lines.push(`${clock(event.time)} ${event.username}: ${event.text}`);
		else if (isNotice(event)) lines.push(`${clock(event.time)} ${noticesAsText([event]).join(' · ')}`);
	}
	const link = make('a');
	link.href = URL.createObjectURL(new Blob([`${lines.join('\n')}\n`], { type: 'text/plain;charset=utf-8' }));
	link.download = `${app.room} ${new Date().toISOString().slice(0, 10)}.txt`;
	link.click();
	setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
}
