// The page's own words, and how numbers, times and lists are written.
//
// A translation is one more file like words-de.js with the same keys, loaded where the reader's language asks for it, and
// named in `TRANSLATED`. {} is where something goes in; what depends on a number has a form for each of the language's
// plural categories. Words that stand in index.html are found by the keys in its data-text, data-label and data-hint.

const TRANSLATED = ['de', 'fr'];

/** The words in English, by which a translation is measured. */
export const english = {
	skip: 'Skip to the message field', connection: 'Connection', messages: 'Messages', message: 'Message', send: 'Send',
	hint: 'Message, or /help', topic: 'Topic',

	// Coming in.
	welcome: 'Pick a name and talk', username: 'Username', password: 'Password', join: 'Join', connecting: 'Connecting…',
	guest: 'Guest {}', leaveEmpty: 'Leave it empty to come in as {}.',
	about: 'This is a group chat; this room is {}.',
	hereNow: { one: '1 person is here.', other: '{} people are here.', zero: 'Nobody is here yet.' },
	keptFor: { one: 'Everyone with the link can read what is said here for a day.', other: 'Everyone with the link can read what is said here for {} days.' },
	kept: 'Everyone with the link can read what is said here.',
	closed: 'Only people who were let in can read what is said here.',
	already: 'You are here already in another tab, as {}.', goOnHere: 'Go on here', orElse: 'Or come in as somebody else:',
	maybeRoom: 'There is no room of this name. Did you mean {}?',

	// The connection.
	connected: 'Connected', reconnecting: 'Reconnecting', inSeconds: ' in {} s', offline: 'Offline',
	full: ' – the server is full', slow: ' – this page could not keep up', now: 'Try now', saysWhy: ' – the server says: {}',
	noSockets: ' – something between here and the server lets no WebSocket through',
	elsewhere: 'Offline – this chat went on in another window', here: 'Continue here',
	putOut: 'Offline – a host has put you out', ended: 'Offline – the other person has left', leftChat: 'Offline – you have left', comeBack: 'Come back',
	notKeeping: 'The server cannot keep messages at the moment.',

	// Who is here, and where.
	people: 'People', morePeople: 'and {} more', you: 'you', host: 'host', operator: 'operator',
	personActions: 'Person actions: {}', mention: 'Mention', mute: 'Mute', kick: 'Kick', ban: 'Ban',
	purge: 'Delete messages', makeHost: 'Make host', unhost: 'Take the host role back',
	banSure: 'Ban {}? They cannot come in again.', purgeSure: 'Delete what {} said in the last hour?',
	rooms: 'Rooms', roomName: 'Room name', open: 'Open', unreadIn: 'unread', invite: 'Invite', copyLink: 'Copy room link', copied: 'Copied',
	aboutPair: 'You meet one person whom you do not know, and go on to the next when you like. Nothing of it is kept.',
	strangerGone: 'The other person is gone.', stopWaiting: 'Stop waiting',
	pairRoom: 'Two strangers', next: 'Next stranger', waiting: { one: 'Waiting for somebody to talk to…', other: 'Waiting for somebody to talk to… ({} are waiting)' },
	badRoom: 'Only a–z, 0–9 and hyphens, at most 32.',

	// The log.
	joined: '{} joined', left: '{} left', back: '{} left and came back', renamed: '{} is now {}', others: '{} others',
	changedHands: '{} joined – not the person who had this name before',
	unread: 'New', newMessages: 'New messages ({})', toEnd: 'To the end',
	arrived: { one: '1 new message', other: '{} new messages' },
	earlier: 'Loading what was said earlier…', beginning: 'This is where the room begins.', later: 'Loading what was said later…',
	empty: 'Nobody has said anything yet.', inviteThem: 'Invite somebody',
	missed: 'Some of what happened before this was missed.',
	sent: 'Sent', sending: 'Sending', refused: 'Not sent', resend: 'Try again', drop: 'Drop',
	edited: 'edited', deleted: 'This message was deleted.', deletedBy: 'This message was deleted by {}.',
	showAll: 'Show all', showLess: 'Show less', bot: 'bot',
	actions: 'Message actions', reply: 'Reply', react: 'React', edit: 'Edit', delete: 'Delete', copyText: 'Copy text', copyMessageLink: 'Copy link',
	replyTo: 'Reply to {}', editing: 'Editing', cancel: 'Cancel', goneReply: 'a message that is not here any more',
	reactedWith: '{} with {}', newReaction: '{} reacted with {} to your message: {}', deletedYours: '{} deleted a message of yours.',
	notHere: 'This message is not here any more.',

	// What hosts did.
	did: {
		kick: '{} put {} out', ban: '{} banned {}', unban: '{} lifted the ban of {}', mute: '{} muted {}', unmute: '{} let {} speak again',
		slow: '{} set slow mode: one message in {} s', noSlow: '{} ended slow mode', lock: '{} locked the room', unlock: '{} opened the room',
		topic: '{} set the topic: {}', noTopic: '{} removed the topic', purge: '{} deleted messages of {}', host: '{} made {} a host', unhost: '{} took the host role from {}',
	},
	until: ' until {}', because: ': {}',

	// Writing.
	isTyping: '{} is typing…', areTyping: '{} are typing…', severalTyping: 'Several people are typing…',
	remaining: '{} left', tooMany: '{} too many', who: 'Here: {}', andMore: '{}, and {} more', matches: 'Matching names', emoji: 'Emoji', emojiSearch: 'Search emoji', frequent: 'Frequent',
	nothingFound: 'Nothing found.', slowed: 'Slow mode: this is said in {} s.',
	keys: 'Shift+Enter: new line. Tab: complete a name. Up in the empty field: edit what you said last. In the messages, R replies and E edits.',
	touchKeys: 'Return: new line. Send: says it.',
	help: '*bold*, _italic_, ~struck~, `code`, ```longer code```, > quote, - list. :name: emoji, @ names.\n'
		+ '/rename NAME: change your name. /who: who is here. /me DOES. /topic TEXT. /search WORDS. /join ROOM.\n'
		+ '/reply TEXT, /edit TEXT, /delete, /react EMOJI: the newest message; or with #NUMBER first.\n'
		+ 'Two slashes start a message with one.',
	hostHelp: 'For hosts: /kick /ban /unban /mute /unmute /purge /host /unhost /whois NAME, /bans, /slow SECONDS, /lock /invite /unlock.',
	usage: 'So: {}', noMessage: 'There is no such message.',
	bans: 'Banned: {}', noBans: 'Nobody is banned.', forEver: 'for ever', whois: '{} ({}), since {} {}',

	// Finding.
	search: 'Search messages', results: 'Results', searching: 'Searching…', moreResults: 'Older results', close: 'Close', found: { one: '1 message', other: '{} messages' },

	// Options.
	more: 'Menu', yourName: 'Your name', change: 'Change', changeName: 'Change name', showNotices: 'Show who joins and leaves', notify: 'Tell me when I am mentioned',
	notifyDenied: 'This browser does not let this page notify you; the title counts.', notifyMissing: 'Notifications need https; the title counts.',
	sound: 'A sound for each message', looks: 'Looks', system: 'As the system', light: 'Light', dark: 'Dark',
	save: 'Save as text', leave: 'Leave',

	errors: {
		username_invalid: 'A name has 1 to 32 visible characters.',
		username_taken: 'Someone here has this name, or one that looks like it.',
		text_too_long: 'It is longer than 4,000 characters.', text_empty: 'There is nothing in it.',
		bad_field: 'It has characters that cannot be sent.', rate_limited: 'Too much at once. Wait a moment.',
		storage_failed: 'The server could not keep it. Try again later.',
		password_required: 'This chat has a password.', password_wrong: 'This is not the password.',
		invite_required: 'This room is locked. Ask somebody who is in it for an invitation.',
		banned: 'You may not come in here.', muted: 'You may not speak here at the moment.', slow_mode: 'Slow mode: wait a moment.',
		not_allowed: 'You may not do this.', not_found: 'It is not there any more.', too_late: 'It is too old to be changed.',
		room_invalid: 'There is no such room.', room_limit: 'No new rooms can be opened at the moment.', unknown_type: 'This server cannot do that.',
	},
};

let languages = navigator.languages?.length ? [...navigator.languages] : [navigator.language ?? 'en'];
const spoken = languages.find((tag) => ['en', ...TRANSLATED].includes(tag.slice(0, 2).toLowerCase())) ?? 'en';
const language = spoken.slice(0, 2).toLowerCase();
try {
	Intl.getCanonicalLocales(languages);
} catch {
	languages = ['en'];
}

/** The words by key: a text, or a function of what goes in the place of each {}. */
export const t = {};

let plural = null; // it takes long to make, as all of them do
const formOf = (count) => (plural ??= new Intl.PluralRules(language)).select(count);

function learn(table, into) {
	const fill = (words, given) => words.replace(/\{\}/g, () => given.shift());
	for (const [name, words] of Object.entries(table)) {
		if (words.other) into[name] = (n, ...rest) => fill((Number(n) === 0 && words.zero) || words[formOf(Number(n))] || words.other, [n, ...rest]);
		else if (typeof words === 'object') into[name] = learn(words, into[name] ?? {});
		else into[name] = words.includes('{}') ? (...given) => fill(words, given) : words;
	}
	return into;
}

learn(english, t);

/** Learns the reader's language, and gives the standing words of the page their translation. */
export async function speak() {
	if (language !== 'en') {
		try {
			learn((await import(`./words-${language}.js`)).default, t);
		} catch { /* then it is in English */ }
	}
	document.documentElement.lang = spoken;
	for (const element of document.querySelectorAll('[data-text], [data-label], [data-hint]')) {
		const { text, label, hint } = element.dataset;
		if (text) element.textContent = t[text];
		if (label) element.setAttribute('aria-label', t[label]);
		if (label && element.matches('button')) element.title = t[label];
		if (hint) element.placeholder = t[hint];
	}
}

// A day's and a clock's form follow the reader's first language, whether or not the page speaks it. What writes them takes
// long to make: it is made once, when it is first needed.
function once(make) {
	let made = null;
	return (value) => (made ??= make()).format(value);
}

const dates = (options) => once(() => new Intl.DateTimeFormat(languages, options));

export const clock = dates({ hour: 'numeric', minute: '2-digit' });
export const calendar = dates({ dateStyle: 'full' });
export const moment = dates({ dateStyle: 'medium', timeStyle: 'short' });
export const byName = (one, other) => (order ??= new Intl.Collator(languages, { numeric: true })).compare(one, other);
let order = null;
export const number = once(() => new Intl.NumberFormat(languages));

const joined = once(() => new Intl.ListFormat(spoken));
const conjunction = (list) => (Intl.ListFormat ? joined(list) : list.join(', '));

/** "Ada", "Ada and Bo", "Ada, Bo and Cy", "Ada, Bo and 4 others"; each name isolated. */
export function names(list, most = 3) {
	const isolated = list.map((name) => `\u2068${name}\u2069`);
	return conjunction(list.length > most ? [...isolated.slice(0, 2), t.others(number(list.length - 2))] : isolated);
}
