// Everything that is text: the page's own words in two languages, and how other people's words are shown.
//
// A translation is one more table like `german`: the same keys, {} where something goes in. Words that stand in
// index.html are found by the keys in its data-text and data-label.

import { safely } from './connection.js';

export const isolated = (who) => `\u2068${who}\u2069`; // else a name written from right to left turns the sentence

const english = {
	skip: 'Skip to the message field', connection: 'Connection', messages: 'Messages', message: 'Message',
	hint: 'Message, or /help', send: 'Send', welcome: 'Pick a name and talk', username: 'Username', join: 'Join', connecting: 'Connecting…',
	guest: 'Guest {}', leaveEmpty: 'Leave it empty to come in as {}.',
	people: 'People', rooms: 'Rooms', roomName: 'Room name', open: 'Open', copyLink: 'Copy room link', copied: 'Copied',
	options: 'Options', showNotices: 'Show who joins and leaves', notify: 'Tell me when I am mentioned',
	connected: 'Connected', reconnecting: 'Reconnecting', inSeconds: ' in {} s', offline: 'Offline',
	full: ' – the server is full', slow: ' – this page could not keep up', now: 'Try now',
	elsewhere: 'Offline – this chat went on in another window', here: 'Continue here',
	joined: '{} joined', left: '{} left',
	back: '{} left and came back', renamed: '{} is now {}', others: '{} others',
	unread: 'New', newMessages: 'New messages ({})', toEnd: 'To the end',
	arrived: (n) => (n === 1 ? '1 new message' : `${n} new messages`),
	earlier: 'Loading what was said earlier…', beginning: 'This is where the room begins.',
	missed: 'Some of what happened before this was missed.',
	you: 'you', sent: 'Sent', sending: 'Sending', refused: 'Not sent', edit: 'Edit', resend: 'Try again', drop: 'Drop',
	typing: '{} is typing…', areTyping: '{} are typing…', severalTyping: 'Several people are typing…',
	remaining: '{} left', who: 'Here: {}',
	help: 'Shift+Enter: new line. Tab: complete a name. Up in the empty field: what you said last.\n'
		+ '`code` and ```longer code``` stay as typed.\n/rename NAME: change your name. /who: who is here.\n'
		+ 'Two slashes start a message with one.',
	badRoom: 'Only a–z, 0–9 and hyphens, at most 32.',
	errors: {
		username_invalid: 'A name has 1 to 32 visible characters.',
		username_taken: 'Someone here has this name, or one that looks like it.',
		text_too_long: 'It is longer than 4,000 characters.',
		bad_field: 'It has characters that cannot be sent.', rate_limited: 'Too much at once. Wait a moment.',
		storage_failed: 'The server could not keep it. Try again later.',
	},
};

const german = {
	skip: 'Zum Nachrichtenfeld', connection: 'Verbindung', messages: 'Nachrichten', message: 'Nachricht',
	hint: 'Nachricht oder /help', send: 'Senden', welcome: 'Namen wählen und mitreden', username: 'Name',
	join: 'Eintreten', connecting: 'Verbinde…', guest: 'Gast {}', leaveEmpty: 'Leer lassen, um als {} einzutreten.',
	people: 'Anwesende', rooms: 'Räume', roomName: 'Raumname', open: 'Öffnen', copyLink: 'Link kopieren',
	copied: 'Kopiert', options: 'Einstellungen', showNotices: 'Zeigen, wer kommt und geht',
	notify: 'Melden, wenn mein Name fällt', connected: 'Verbunden', reconnecting: 'Verbinde neu', inSeconds: ' in {} s', offline: 'Offline',
	full: ' – der Server ist voll', slow: ' – diese Seite kam nicht mit', now: 'Jetzt versuchen',
	elsewhere: 'Offline – es ging in einem anderen Fenster weiter', here: 'Hier fortsetzen',
	joined: 'Neu hier: {}', left: 'Gegangen: {}', back: 'Wieder da: {}',
	renamed: '{} heißt jetzt {}', others: '{} weitere',
	unread: 'Neu', newMessages: 'Neue Nachrichten ({})', toEnd: 'Ans Ende',
	arrived: (n) => (n === 1 ? '1 neue Nachricht' : `${n} neue Nachrichten`),
	earlier: 'Früheres wird geladen…', beginning: 'Hier beginnt der Raum.', missed: 'Davor wurde manches verpasst.',
	you: 'du', sent: 'Gesendet', sending: 'Wird gesendet', refused: 'Nicht gesendet',
	edit: 'Bearbeiten', resend: 'Erneut versuchen', drop: 'Verwerfen',
	typing: '{} schreibt…', areTyping: '{} schreiben…', severalTyping: 'Mehrere schreiben…', remaining: 'noch {}',
	who: 'Hier: {}',
	help: 'Umschalt+Enter: neue Zeile. Tab: Namen ergänzen. Pfeil hoch im leeren Feld: das zuletzt Gesagte.\n'
		+ '`Code` und ```längerer Code``` bleiben wie getippt.\n/rename NAME: anders heißen. /who: wer da ist.\n'
		+ 'Zwei Schrägstriche beginnen eine Nachricht mit einem.',
	badRoom: 'Nur a–z, 0–9 und Bindestriche, höchstens 32.',
	errors: {
		username_invalid: 'Ein Name hat 1 bis 32 sichtbare Zeichen.',
		username_taken: 'So oder sehr ähnlich heißt hier schon jemand.',
		text_too_long: 'Mehr als 4.000 Zeichen.',
		bad_field: 'Manche Zeichen lassen sich nicht senden.', rate_limited: 'Zu viel auf einmal. Bitte kurz warten.',
		storage_failed: 'Der Server konnte es nicht aufbewahren. Später nochmals versuchen.',
	},
};

const tables = { en: english, de: german };
const locale = navigator.languages.find((tag) => tag.slice(0, 2) in tables) ?? 'en';

/** The words by key: a text, or a function of what goes in the place of each {}. */
export const t = Object.fromEntries(Object.entries(tables[locale.slice(0, 2)]).map(([key, words]) =>
	[key, String(words).includes('{}') ? (...given) => words.replace(/\{\}/g, () => given.shift()) : words]));

/** Gives the standing words of the page their language. */
export function translate() {
	document.documentElement.lang = locale;
	for (const element of document.querySelectorAll('[data-text], [data-label]')) {
		const { text, label, hint = label } = element.dataset;
		if (text) element.textContent = t[text];
		if (label) element.setAttribute('aria-label', t[label]);
		if ('placeholder' in element) element.placeholder = t[hint];
	}
}

const clock = new Intl.DateTimeFormat(locale, { hour: 'numeric', minute: '2-digit' });
const calendar = new Intl.DateTimeFormat(locale, { dateStyle: 'full' });
export const byName = new Intl.Collator(locale, { numeric: true }).compare;
export const number = new Intl.NumberFormat(locale).format;

/** "Ada", "Ada and Bo", "Ada, Bo and Cy", "Ada, Bo and 4 others". */
export const names = (list, most = 3) => conjunction(list.length > most
	? [...list.slice(0, 2).map(isolated), t.others(list.length - 2)] : list.map(isolated));

const conjunction = Intl.ListFormat ? (list) => new Intl.ListFormat(locale).format(list) : (list) => list.join(', ');

/** Sets an element's text; what is `isolated` becomes a <bdi>: no invisible character is left in the page. */
export function put(element, sentence) {
	const parts = sentence.split(/\u2068(.*?)\u2069/s);
	parts.forEach((part, index) =>
		set(element.childNodes[index] ?? element.appendChild(index % 2 ? make('bdi') : new Text()), part));
	return trim(element, parts.length);
}

function trim(element, length) {
	while (element.childNodes.length > length) element.lastChild.remove();
	return element;
}

export function make(tag, className = '', ...content) {
	const element = document.createElement(tag);
	if (className) element.className = className;
	element.append(...content);
	return element;
}

/** Touches a text only where it changes: what a screen reader has read, it would read again. */
export function set(element, text) {
	if (element.textContent !== text) element.textContent = text;
	return element;
}

/** A length in Unicode scalars: an emoji is one, where a string's own length says two. */
export const scalars = (text) => [...text].length;

// A name's hue follows from the name; a golden angle keeps like names apart.
const hue = (username) =>
	[...username].reduce((sum, letter) => (sum * 31 + letter.codePointAt(0)) % 9973, 0) * 137.5 % 360;

/** A pattern that finds `username` in a text as a word of its own, however it is capitalised: its second group. */
export function mentionOf(username) {
	const literal = username.replace(/[\\^$.*+?()[\]{}|]/g, '\\$&'); // no others: with the u flag, they may not be escaped
	return new RegExp(`(^|[^\\p{L}\\p{N}_])(@?${literal})(?![\\p{L}\\p{N}_])`, 'iu');
}

/** The names that the word before the caret may become, and where it begins. */
export function completions(value, caret, people) {
	const start = value.slice(0, caret).search(/[^\s@]*$/);
	const begun = value.slice(start, caret).toLowerCase();
	const found = people.filter((name) => begun && name.toLowerCase().startsWith(begun)).sort(byName);
	return { start, rest: value.slice(caret), found };
}

/** An icon that is a number: at its size, there is room for nothing else. */
export const badge = (count) => `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg"
	viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="#c62f1d"/><text x="16" y="24" font-size="22"
	font-family="sans-serif" text-anchor="middle" fill="#fff">${Math.min(count, 99)}</text></svg>`)}`;

// How a row looks, by its kind: each makes its element, or brings it up to date.

export const looks = {
	day: ({ element, event }) => element ?? make('li', 'day', stamp(event.time, calendar)),
	unread: ({ element }) => element ?? make('li', 'unread', t.unread),
	gap: ({ element }) => element ?? make('li', 'gap', t.missed),

	message(row, log) {
		const { event, under, state = 'sent' } = row;
		const element = row.element ?? newMessage(event, log.mention);
		const marks = ['message', under && 'under', event.own && `own ${state}`, event.mention && 'mention'];
		element.className = marks.filter(Boolean).join(' ');
		stamp(event.time, clock, element.querySelector('time'));
		if (!event.own) return element;
		set(element.querySelector('.name'), event.username);
		element.querySelector('.state').setAttribute('aria-label', t[state]);
		const refused = element.querySelector('.refusal');
		if (!event.reason) refused?.remove();
		else if (!refused) element.append(refusal(event, log));
		return element;
	},

	notices(row) {
		const element = row.element ?? make('li', 'notices');
		const lines = sumUp(row.events);
		if (lines.length < 3) {
			element.querySelector('details')?.remove();
			return draw(element, lines);
		}
		// What folds already stays: someone may be at it. A crowd is drawn only where it is wanted.
		const details = element.querySelector('details') ?? make('details', '', make('summary'));
		put(details.firstChild, said(lines.flatMap(({ clauses }) => clauses)));
		details.ontoggle = () => draw(details, details.open ? lines : [], 1);
		details.ontoggle();
		if (!details.parentNode) element.replaceChildren(details);
		return element;
	},
};

// Brings lines up to date behind so many other elements, touching what changes alone.
function draw(parent, lines, behind = 0) {
	lines.forEach(({ clauses, time }, index) => {
		const line = parent.children[behind + index] ?? parent.appendChild(make('p', '', make('span'), ' ', make('time')));
		put(line.firstChild, said(clauses));
		stamp(time, clock, line.lastChild);
	});
	return trim(parent, behind + lines.length);
}

function stamp(ms, format, element = make('time')) {
	element.dateTime = new Date(ms).toISOString();
	return set(element, format.format(ms));
}

/** A row of the list of people. */
export const person = (name, isSelf) =>
	hued(name, make('li', '', make('bdi', '', name), ...(isSelf ? [' ', make('small', '', t.you)] : [])));

function hued(name, element) {
	element.style.setProperty('--hue', hue(name));
	return element;
}

function newMessage({ username, text, own }, mention) {
	const author = hued(username, make('bdi', 'name', username));
	const body = make('div', isEmoji(text) ? 'text large' : 'text');
	body.dir = 'auto';
	safely(write, body, text, own || !mention ? MARKS : [...MARKS, [mention, mark]]);
	if (body.textContent === '') body.textContent = text;
	const state = make('span', 'state');
	state.setAttribute('role', 'img');
	const head = make('p', 'head', author, ' ', ...(own ? [make('small', '', t.you), ' '] : []), make('time'));
	return make('li', '', head, body, ...(own ? [state] : []));
}

function refusal({ id, reason }, log) {
	const element = make('p', 'refusal', `${t.refused}: ${t.errors[reason.code] ?? reason.message}`);
	for (const what of ['edit', 'resend', 'drop']) {
		const button = make('button', 'quiet', t[what]);
		button.addEventListener('click', () => log.act(what, id));
		element.append(' ', button);
	}
	return element;
}

// What a run of notices comes to: one line for each person who came or went, and one for each new name. Whoever did both
// has both said of them: "Bo joined · Bo left".
function sumUp(events) {
	const people = new Map();
	const lines = new Set();
	for (const { type, username, to, time } of events) {
		const line = people.get(username) ?? { first: type };
		people.delete(username);
		if (type === 'rename') {
			lines.add({ time, clauses: [[t.renamed(isolated(username), isolated(to))]] });
			if (lines.has(line)) people.set(to, line);
			continue;
		}
		people.set(username, line);
		const kinds = { joinjoin: ['joined'], leavejoin: ['back'], leaveleave: ['left'], joinleave: ['joined', 'left'] };
		lines.add(Object.assign(line, { time, clauses: kinds[line.first + type].map((kind) => [kind, username]) }));
	}
	return [...lines];
}

// "Ada, Bo and 4 others joined · Cy left"
function said(clauses) {
	const alike = new Map();
	for (const clause of clauses) alike.set(clause[0], [...(alike.get(clause[0]) ?? []), clause]);
	return [...alike].map(([kind, same]) => t[kind]?.(names(same.map(([, who]) => who))) ?? kind).join(' · ');
}

// What a message may hold besides text. Bidirectional controls end an address: they could disguise it.
const MARKS = [
	[/\n?```(?:[\w+#-]*\n)?([\s\S]+?)\n?```\n?/, ([, inner]) => [make('pre', '', make('code', '', inner))]],
	[/`([^`\n]+)`/, ([, inner]) => [make('code', '', inner)]],
	[/\bhttps?:\/\/[^\s<>"`\u200e\u200f\u202a-\u202e\u2066-\u2069]+/i, link],
];

// Shows what a person wrote: what the first mark finds, and with the other marks what lies around that.
function write(element, text, [[pattern, show], ...others]) {
	let rest = text;
	const around = (part) => part && (others.length ? write(element, part, others) : element.append(part));
	for (let found; (found = pattern.exec(rest));) {
		const [shown, length = found[0].length, skipped = 0] = show(found);
		const start = found.index + skipped;
		around(rest.slice(0, start));
		element.append(shown);
		rest = rest.slice(start + length);
	}
	around(rest);
}

const mark = ([, before, name]) => [make('mark', '', name), name.length, before.length];

function link([all]) {
	const address = all.slice(0, addressEnd(all));
	return [Object.assign(make('a', '', address), { href: address, target: '_blank', rel: 'noopener' }), address.length];
}

// Marks at the end belong to the sentence, and so does a closing bracket that the address has not opened.
function addressEnd(all) {
	let surplus = all.split(/[)\]]/).length - all.split(/[([]/).length;
	let end = all.length;
	for (; end > 0; end -= 1) {
		const last = all[end - 1];
		if (surplus > 0 && ')]'.includes(last)) surplus -= 1;
		else if (!'.,;:!?\'’”»…*_~'.includes(last)) break;
	}
	return end;
}

// Up to three emoji and nothing else.
const isEmoji = (text) => text.length < 100
	&& segments(text.replace(/\s/g, '')).every((segment, index) =>
		index < 3 && /\p{Emoji_Presentation}|\p{Emoji}\ufe0f|\p{RI}{2}/u.test(segment));

// What a person sees as one character; where the browser cannot tell, what an emoji is commonly made of.
const segments = (text) => (Intl.Segmenter ? [...new Intl.Segmenter().segment(text)].map(({ segment }) => segment)
	: text.match(/\p{RI}{2}|\P{M}[\p{M}\ufe0f\p{EMod}]*(?:\u200d\P{M}[\p{M}\ufe0f\p{EMod}]*)*/gu) ?? []);
