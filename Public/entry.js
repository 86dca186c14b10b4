// Coming in: the form, what it says about the room, the password, and why somebody is not let in.

import { attributes, isolated, on, put, scalars, touchOnly } from './dom.js';
import { isPair, isRoomName, likely, room, wanted, addressOf } from './rooms.js';
import { base, browser } from './store.js';
import { number, t } from './words.js';

const MOST = 32; // scalars of a name

const part = (id) => document.getElementById(id);
const [form, field, error, guestLine] = ['entry', 'username', 'usernameError', 'guest'].map(part);
const [passwordPart, passwordField, aboutLine, already, skip] = ['passwordPart', 'password', 'about', 'already', 'skip'].map(part);

const newGuest = () => t.guest(1000 + Math.floor(Math.random() * 9000));
let guest = '';
let app; // { join(name), takeOver(theirs), phase() }

export const entry = {
	asGuest: false,
	/** What the chat says about itself, or null. */
	about: null,

	get isShown() {
		return !form.hidden;
	},

	/** Shows the form, or takes it away; over the chat, where that is there already. */
	show(shown, overChat) {
		form.hidden = !shown;
		form.classList.remove('early');
		form.classList.toggle('over', shown && overChat);
		skip.href = shown ? '#username' : '#message';
	},

	/** The name that one had the last time; what was typed before this was there counts. */
	prefill() {
		field.value ||= browser.get('name') ?? '';
	},

	begin(given) {
		app = given;
		guest = newGuest();
		passwordField.value = browser.get('password') ?? '';
		form.dispatchEvent(new Event('started'));
		on(form, 'submit', (event) => {
			event.preventDefault();
			submit();
		});
		for (const input of [field, passwordField]) on(input, 'input', () => refuse(''));
		on(part('goOnHere'), 'click', () => app.takeOver(entry.other));
		put(aboutLine, isPair ? t.aboutPair : t.about(isolated(room)));
		askAbout();
	},

	/** Nothing hinders: the form is there to be filled in. */
	invite() {
		entry.show(true, false);
		entry.showState('out');
		if (form.hasAttribute('data-wanted')) submit(); // it was entered before this was there
		else if (!touchOnly()) { // a phone would open its keyboard
			field.focus();
			field.select();
		}
	},

	/** The words below the button. */
	showState(phase) {
		const words = phase === 'out' ? t.leaveEmpty(guest) : t.connecting;
		if (guestLine.textContent !== words) guestLine.textContent = words;
	},

	/** The server's refusal of a join. */
	refused({ code, message }) {
		if (code === 'username_taken' && entry.asGuest) return app.join(guest = newGuest());
		const words = t.errors[code] ?? message;
		if (/^password/.test(code)) {
			askForPassword();
			return refuse(code === 'password_required' ? '' : words, passwordField);
		}
		return refuse(words);
	},

	/** Another tab of this browser is in this room. */
	foundOther(theirs) {
		entry.other = theirs;
		if (!entry.isShown) return;
		put(part('alreadyWords'), t.already(isolated(theirs.name)));
		already.hidden = false;
	},

	password: () => passwordField.value || browser.get('password') || undefined,

	/** One is in: the password was right, and the name is remembered. */
	accepted(name) {
		if (!passwordPart.hidden) browser.set('password', passwordField.value);
		if (!entry.asGuest) browser.set('name', name);
		already.hidden = true;
	},
};

function submit() {
	const { value } = field;
	entry.asGuest = !value;
	const name = entry.asGuest ? guest : value.trim();
	if (!name || scalars(name) > MOST) refuse(t.errors.username_invalid);
	else app.join(name);
}

function refuse(why, at = field) {
	error.textContent = why;
	for (const input of [field, passwordField]) attributes(input, { 'aria-invalid': input === at && !!why });
	if (why) at.focus();
	else if (at === passwordField) at.focus();
}

function askForPassword() {
	passwordPart.hidden = false;
}

// What this is, which room, how many are here, who can read it and for how long.
async function askAbout() {
	if (!isRoomName(wanted)) {
		const name = likely(wanted);
		put(aboutLine, t.maybeRoom(isolated(name || 'lobby')));
		const link = aboutLine.appendChild(document.createElement('a'));
		link.href = addressOf(name || 'lobby');
		link.textContent = `${t.open} ${name || 'lobby'}`;
		return;
	}
	if (isPair) return;
	let about = null;
	try {
		const answer = await fetch(new URL(`r/${room}/about`, base), { cache: 'no-store' });
		about = answer.ok ? await answer.json() : null;
	} catch { /* then without it */ }
	entry.about = about;
	app.knows(about);
	if (!about) return;
	const { userCount, keepDays, password, locked } = about;
	if (password) askForPassword();
	const lines = [
		userCount === undefined ? '' : t.hereNow(userCount),
		password || locked ? t.closed : keepDays ? t.keptFor(keepDays) : t.kept,
	];
	put(aboutLine, [t.about(isolated(room)), ...lines].filter(Boolean).join(' '));
}
