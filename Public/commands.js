// Slash commands: the same here and in `chatloop talk`.
//
// A command is given what follows its name, and tells whether it could be obeyed; if not, its text stays in the field. A
// message is the newest that fits, or the one whose number stands first: "#17". A person is named as in the list.

import { composer, note, say } from './composer.js';
import { isolated, touchOnly } from './dom.js';
import * as log from './log.js';
import { isOneEmoji } from './marks.js';
import { everyone, headcount, isHost } from './people.js';
import { mayEdit } from './rows.js';
import { moment, names, number, t } from './words.js';

let app; // { connection, goTo(room), search(words), rename(name), react(event, emoji) }

export function beginCommands(given) {
	app = given;
}

/** Obeys a command; whether it could be. */
export function obey(word, rest) {
	const command = COMMANDS[word];
	if (command) return command(rest);
	note(help());
	return false;
}

const help = () => [touchOnly() ? t.touchKeys : t.keys, t.help, isHost() && t.hostHelp].filter(Boolean).join('\n');

const tell = (words) => {
	note(words);
	return true;
};

const refuse = (words) => {
	note(words, 'error');
	return false;
};

const usage = (words) => refuse(t.usage(words));

// "#17 the rest", or the newest message that fits.
function messageAnd(rest, fits) {
	const [, seq, words] = /^#(\d+)\s*(.*)$/s.exec(rest) ?? [];
	const messages = log.all().filter((event) => event.type === 'message' && !event.deleted);
	const event = seq ? messages.find((one) => one.seq === Number(seq)) : messages.filter(fits).pop();
	return { event, words: seq ? words : rest };
}

function onMessage(fits, act) {
	return (rest) => {
		const { event, words } = messageAnd(rest, fits);
		return event ? act(event, words) : refuse(t.noMessage);
	};
}

const isMine = (event) => event.own;
const isTheirs = (event) => !event.own;

// The longest name that the words begin with, of those who are here; else the first word, for somebody who has left.
function personAnd(rest) {
	const like = (text) => text.toLowerCase().normalize('NFC');
	const found = everyone().filter(({ username }) => like(rest).startsWith(like(username))
		&& !/^[\p{L}\p{N}]/u.test(rest.slice(username.length))).sort((a, b) => b.username.length - a.username.length)[0];
	const [, quoted, first] = /^(?:"([^"]+)"|(\S+))/.exec(rest) ?? [];
	const username = found?.username ?? quoted ?? first;
	const taken = found ? found.username.length : quoted ? quoted.length + 2 : (first ?? '').length;
	return { person: found?.user ? { user: found.user } : { username }, username, words: rest.slice(taken).trim() };
}

// Something that a host does with somebody: "/ban NAME [MINUTES] [REASON]".
function onPerson(action, { minutes = false, reason = false, more = {} } = {}) {
	return (rest) => {
		const { person, username, words } = personAnd(rest.replace(/^@/, ''));
		if (!username) return usage(`/${action} NAME${minutes ? ' [MINUTES]' : ''}${reason ? ' [REASON]' : ''}`);
		const [, time, why] = /^(\d+)?\s*(.*)$/s.exec(words);
		const fields = { ...person, ...more };
		if (minutes && time) fields.minutes = Number(time);
		const because = minutes ? why : words;
		if (reason && because) fields.reason = because;
		return moderate(action, fields);
	};
}

function moderate(action, fields = {}) {
	if (/^(bans|whois|invite|lock)$/.test(action)) return app.connection.send({ type: 'moderate', action, ...fields }) || refuse(t.reconnecting);
	app.connection.outbox.put({ type: 'moderate', action, ...fields });
	return true;
}

const rename = (rest) => (rest ? app.rename(rest) || refuse(t.reconnecting) : usage('/rename NAME'));

const COMMANDS = {
	help: () => tell(help()),
	who: () => tell(t.who(headcount() > everyone().length
		? t.andMore(names(everyone().map(({ username }) => username), Infinity), number(headcount() - everyone().length))
		: names(everyone().map(({ username }) => username), Infinity))),
	rename, nick: rename,
	search: (rest) => (rest ? app.search(rest) : usage('/search WORDS')),
	join: (rest) => (rest ? app.goTo(rest) : usage('/join ROOM')),
	topic: (rest) => moderate('topic', { text: rest }),
	reply: onMessage(isTheirs, (event, words) => (words ? say(words, { reply: event.seq }) : composer.reply(event) ?? true)),
	edit: onMessage(isMine, (event, words) => {
		if (!mayEdit(event)) return refuse(t.errors.not_allowed);
		if (words) app.connection.outbox.put({ type: 'edit', target: event.seq, text: words });
		else setTimeout(() => composer.edit(event)); // once this command is out of the field
		return true;
	}),
	delete: onMessage(isMine, ({ seq }) => app.connection.outbox.put({ type: 'delete', target: seq }) ?? true),
	react: (rest) => {
		const { event, words } = messageAnd(rest, isTheirs);
		if (!event) return refuse(t.noMessage);
		if (!isOneEmoji(words)) return usage('/react EMOJI');
		app.react(event, words);
		return true;
	},
	kick: onPerson('kick', { reason: true }),
	ban: onPerson('ban', { minutes: true, reason: true }),
	unban: onPerson('unban'),
	bans: () => moderate('bans'),
	mute: onPerson('mute', { minutes: true }),
	unmute: onPerson('unmute'),
	purge: onPerson('purge', { minutes: true }),
	host: onPerson('host'),
	unhost: onPerson('unhost'),
	whois: onPerson('whois'),
	slow: (rest) => (/^\d+$/.test(rest) ? moderate('slow', { seconds: Number(rest) }) : usage('/slow SECONDS')),
	lock: () => moderate('lock'),
	unlock: () => moderate('unlock'),
	invite: () => moderate('invite'),
};

/** The answers to what hosts ask for. */
export const answers = {
	bans: ({ bans = [] }) => note(bans.length ? t.bans(bans.map((ban) => `${isolated(ban.username ?? ban.to ?? ban.user)} (${ban.until ? moment(ban.until) : t.forEver})`).join(', ')) : t.noBans),
	whois: ({ username, user, since, addresses = [] }) => note(t.whois(isolated(username ?? ''), user, since ? moment(since) : '–', addresses.join(', '))),
};

