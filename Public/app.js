// Wires the page: what the connection hears goes to the log, the people, the status and the title; what one does, to it.

import { beginComposer, composer, note } from './composer.js';
import { Connection } from './connection.js';
import { isolated, on, put } from './dom.js';
import { entry } from './entry.js';
import * as log from './log.js';
import { mentionOf } from './mentions.js';
import { clear, nameTitle, noticed } from './noticing.js';
import { beginPeople, follow, isMe, me, meetEveryone, startTyping, stopTyping } from './people.js';
import { hold, isOthers, reading } from './reading.js';
import { addressOf, beginRooms, goTo, heardOf, isPair, room, sawUpTo, wanted, watch } from './rooms.js';
import { beginStatus, isOver, showStatus } from './status.js';
import { base, browser, here, luggage, meetOtherTabs, safely, settleIn } from './store.js';
import { speak, t } from './words.js';

const KEPT_OFFLINE = 100; // messages that a tab keeps for a reload

const part = (id) => document.getElementById(id);

// What a link carries besides the room goes out of the address bar before anything else.
const carried = new URLSearchParams(location.hash.slice(1));
if (carried.has('invite') || carried.has('operator')) history.replaceState(null, '', location.pathname + location.search);
let wantedMessage = Number(carried.get('m')) || 0;

entry.prefill();
await speak();
await settleIn(isPair ? 'pair' : room);
if (carried.has('invite')) browser.set(`invite ${room}`, carried.get('invite'));
let operator = carried.get('operator') ?? undefined;
const pair = () => (isPair ? here.get('pair') : null); // the room for two that this tab is in, and its invitation
let about = null;
let asked = 0; // when slow mode was last told of

const title = isPair ? t.pairRoom : wanted;
part('room').textContent = title;
safely(nameTitle, title);

const connection = new Connection({
	address: chatAddress(pair()?.room ?? wanted), store: here, receive, changed,
	credentials: () => ({ password: entry.password(), operator, invite: pair()?.invite ?? browser.get(`invite ${room}`) ?? undefined }),
});
connection.ends = isPair;

function chatAddress(name) {
	const address = new URL(`chat?room=${encodeURIComponent(name)}`, base);
	return Object.assign(address, { protocol: base.protocol.replace('http', 'ws') });
}

// The log asks, and offers.
const rows = {
	mention: null,
	annotate,
	ask: (question, done) => connection.ask(question, done),
	drawn: () => actions.module && safely(actions.module.keepCurrent),
	invite: isPair ? null : () => part('invite').click(),
	act(what, event, more) {
		// A row is kept from when its message was on its way, and the message has a seq by now.
		if (what === 'menu') actions(({ messageMenu }) => messageMenu(more, log.eventOf(more.parentElement) ?? event));
		else if (what === 'reveal') reveal(event.seq);
		else if (what === 'react') react(event, more);
		else if (what === 'resend') connection.outbox.resend(event.id);
		else {
			const { text } = connection.outbox.find(event.id).message;
			connection.outbox.drop(event.id);
			if (what === 'edit') composer.putBack(text);
			else composer.focus();
		}
	},
};
log.begin(rows);

// Parts that are not needed to read and to write are loaded when somebody turns to them.
function later(load, begin = () => { /* nothing to begin with */ }) {
	let loading = null;
	const use = (act) => {
		loading ??= load().then((module) => {
			begin(module);
			return (use.module = module);
		});
		return loading.then(act, () => {
			loading = null; // the next time, again
			note(t.reconnecting, 'error');
		});
	};
	return use;
}

const react = ({ seq }, emoji, isOn = !log.find(seq)?.reactions?.[emoji]?.mine) =>
	connection.outbox.put({ type: 'react', target: seq, emoji, on: isOn });
const linkTo = isPair ? null : (seq) => `${addressOf(room)}#m=${seq}`;
const actions = later(() => import('./actions.js'), ({ beginActions }) => beginActions({
	connection, composer, pickEmoji, react, linkTo, changeName: () => options(({ openOptions }) => openOptions(true)),
}));
const commands = later(() => import('./commands.js'), ({ beginCommands }) => beginCommands({ connection, goTo, search, rename, react }));
const options = later(() => import('./options.js'), ({ beginOptions }) => beginOptions({ connection, room, rename, leave }));
const inviting = later(() => import('./inviting.js'));
const finder = later(() => import('./search.js'), ({ beginSearch }) => beginSearch({ connection, reveal }));
const emoji = later(() => import('./emoji.js'));
const pairing = later(() => import('./pair.js'), ({ beginPairing }) => beginPairing({ connection, chatAddress, show }));

const reveal = (seq) => log.reveal(seq, () => note(t.notHere));
const pickEmoji = (opener, done) => emoji((picker) => picker.pickEmoji(opener, done));

// What the server says.

function receive(message) {
	const { type, seq, username } = message;
	if (type !== 'typing' && username) safely(stopTyping, username);
	if (type !== 'welcome') safely(follow, message);
	if (seq && !['welcome', 'unread', 'done'].includes(type)) log.add([annotate(message)]);
	RECEIVE[type]?.(message);
}

const RECEIVE = {
	welcome(message) {
		const { username, history: events, resumed, restarted, gap, seq, keeping = true, topic, locked } = message;
		const first = entry.isShown;
		safely(meetEveryone, message);
		safely(beCalled, username);
		show(true);
		if (first) composer.focus();
		if (first) entry.accepted(username);
		operator = undefined; // whoever has it is one now, by `user`
		const known = events.map(annotate);
		if (resumed && !restarted && !gap) log.add(known, true);
		else {
			// What was said before can still be asked for; who came and went meanwhile cannot.
			const [next = { seq: seq + 1, time: Date.now() }] = known;
			const missing = { seq: next.seq - 0.5, time: next.time, type: 'gap' };
			log.fill([...(resumed ? [missing] : []), ...known], seq > 0 && !isPair);
		}
		safely(showTopic, topic);
		isOpen = !locked && !about?.password && !isPair;
		note(keeping ? '' : t.notKeeping, 'error');
		if (resumed) safely(noticed, known.filter(isOthers).length);
		connection.offer({ type: 'pace', slow: document.hidden });
		safely(watch);
		if (wantedMessage) reveal(wantedMessage);
		wantedMessage = 0;
	},

	message(event) {
		if (isOthers(event)) safely(noticed, 1, event);
		if (reading.following && !document.hidden) safely(sawUpTo, event.seq);
	},

	rename: () => {
		safely(beCalled, connection.name);
		options.module?.newNameTaken();
	},
	typing: ({ username }) => safely(startTyping, username),
	delete: (event) => composer.forget(event),
	unread: heardOf,
	state: ({ keeping }) => note(keeping ? '' : t.notKeeping, 'error'),

	moderation({ action, text }) {
		if (action === 'topic') showTopic(text);
		if (/lock$/.test(action)) isOpen = action === 'unlock' && !about?.password;
	},

	invite: (message) => inviting(({ invited }) => invited(message)),
	bans: (message) => commands(({ answers }) => answers.bans(message)),
	whois: (message) => commands(({ answers }) => answers.whois(message)),

	// Something that was asked for, other than a message, is refused.
	refused: ({ item: { reason: { code, message } } }) => note(t.errors[code] ?? message, 'error'),

	error(error) {
		const { code, message } = error;
		const why = t.errors[code] ?? message;
		if (connection.phase !== 'out') {
			if (/^username/.test(code) && options.module?.refuseNewName(why)) return;
			note(why, 'error');
			if (/^username/.test(code) && composer.isEmpty()) composer.select(composer.lastSaid()); // a /rename
			return;
		}
		if (pair() && code === 'invite_required') return pairing(({ strangerGone }) => strangerGone());
		if (/^(username|password)/.test(code)) show(false);
		else if (code === 'invite_required' || code === 'banned' || !entry.isShown) show(false);
		entry.refused(error);
	},

	reload: () => location.reload(),
};

// Whose a message is and whom it speaks of is decided when it arrives: names change hands.
function annotate(event) {
	if (event.type === 'message') {
		event.own = isMe(event);
		event.mention = isOthers(event) && !!(event.text && rows.mention?.(event.text));
	}
	return event;
}

function beCalled(name) {
	rows.mention = null;
	rows.mention = mentionOf(name);
}

// What is on view.

let isOpen = true; // everyone with the link may read: then a tab keeps what it shows, for when it is offline

/** The chat, or the form to come in; while a stranger is waited for neither of them. */
function show(chat, waits = false) {
	entry.show(!chat, log.all().length > 0);
	part('composer').hidden = !chat || waits;
	if (chat && !waits) composer.fit();
	for (const id of ['log', 'side', 'menu', 'more', 'finding']) part(id).hidden = waits || (!chat && !log.all().length);
	for (const id of ['openSearch', 'invite']) part(id).hidden = isPair || part('more').hidden; // two strangers need the place
	part('next').hidden = !pair();
	part('openRooms').hidden = false;
}

function showTopic(text) {
	put(part('topicText'), text ? isolated(text) : '');
	part('topic').hidden = !text;
	hold();
}

function changed() {
	log.setOutbox(connection.outbox.messages.map(({ id, time, reason, message }) =>
		({ id, time, reason, type: 'message', own: true, username: connection.name, user: me.user, role: me.role, text: message.text, reply: message.reply })));
	showStatus();
	if (isPair && isOver(connection.phase)) {
		if (composer.hasFocus()) part('next').focus();
		part('composer').hidden = true; // nobody is there to be told anything
	}
	entry.showState(connection.phase);
	const { slowed } = connection.outbox;
	if (slowed && slowed !== asked) note(t.slowed(Math.ceil((slowed - performance.now()) / 1_000)));
	asked = slowed;
}

beginStatus({
	connection, isArriving: () => entry.isShown,
	retried() {
		connection.hurry(true);
		(entry.isShown ? part('username') : part('message')).focus(); // the button goes
	},
});
on(window, 'online', () => connection.hurry());
on(window, 'offline', () => (connection.offline(), showStatus()));

// The parts of the page.

beginPeople((opener, person) => actions(({ personMenu }) => personMenu(opener, person)));
beginComposer({
	connection, pickEmoji, obey: (word, rest) => commands(({ obey }) => obey(word, rest)), spoken: () => sawUpTo(log.newest()),
});
// With the first touch of the page, or the focus in the log, there is somebody who may act on messages.
part('log').addEventListener('focusin', () => actions(() => { /* they listen now */ }), { once: true });
addEventListener('touchstart', () => actions(() => { /* they listen now */ }), { once: true, passive: true });
beginRooms({ connection, name: () => (connection.phase === 'out' ? null : connection.name) });
on(part('more'), 'click', () => options(({ openOptions }) => openOptions()));
on(part('finding'), 'submit', (event) => {
	event.preventDefault();
	const words = part('search').value.trim();
	if (words) search(words);
});

on(part('openSearch'), 'click', () => {
	const isFinding = document.querySelector('header').classList.toggle('finding');
	hold();
	if (isFinding) part('search').focus();
});

// The people beside the log: on a small page in a drawer over it, on a large one put away on wish.
on(part('menu'), 'click', () => {
	const side = part('side');
	if (getComputedStyle(side).display !== 'none') return setPeople(false);
	if (matchMedia('(min-width: 45rem)').matches) return setPeople(true);
	part('drawer').append(side);
	return part('drawer').showModal();
});
on(part('drawer'), 'click', (event) => event.target === part('drawer') && part('drawer').close());
on(part('drawer'), 'close', () => part('drawer').before(part('side')));
on(window, 'resize', () => part('drawer').open && matchMedia('(min-width: 45rem)').matches && part('drawer').close());

function setPeople(shown) {
	document.body.classList.toggle('withoutPeople', !shown);
	browser.set('people', shown);
	hold();
}
setPeople(browser.get('people') ?? true);
log.showNotices(browser.get('notices') ?? true);

on(part('invite'), 'click', () => inviting(({ invite }) => invite(isOpen, () => connection.send({ type: 'moderate', action: 'invite' }))));

function search(words) {
	finder((found) => found.search(words) || note(t.nothingFound));
	return true;
}

function rename(username) {
	here.set('said', `/rename ${username}`);
	return connection.send({ type: 'rename', username });
}

function leave() {
	connection.leave();
	here.set('log', null);
	document.activeElement?.blur();
}

const nextStranger = (name) => pairing((strangers) => strangers.nextStranger(name));
on(part('next'), 'click', () => nextStranger(connection.name));

// Coming in.

entry.begin({
	join(name) {
		if (isPair && !pair()) nextStranger(name);
		else connection.join(name);
	},
	takeOver: (theirs) => connection.takeOver(theirs),
	knows: (known) => (about = known),
});
if (!isPair) meetOtherTabs(room, () => (connection.phase === 'joined' ? { name: connection.name, session: connection.session } : null), entry.foundOther);

// Going away and coming back.

on(document, 'visibilitychange', () => {
	connection.offer({ type: 'pace', slow: document.hidden });
	if (document.hidden) return save();
	clear();
	sawUpTo(reading.seen);
	return connection.hurry();
});
on(window, 'pagehide', save);
on(window, 'pageshow', ({ persisted }) => persisted && location.reload()); // its socket is gone
on(window, 'hashchange', () => {
	const seq = Number(new URLSearchParams(location.hash.slice(1)).get('m'));
	if (seq) reveal(seq);
	else if (/invite|operator/.test(location.hash)) location.reload();
});
for (const type of ['dragover', 'drop']) on(window, type, (event) => {
	if ([...(event.dataTransfer?.types ?? [])].includes('Files')) event.preventDefault(); // no file replaces the page
});

function save() {
	if (!connection.session || entry.isShown) return;
	const saved = log.save(KEPT_OFFLINE);
	here.set('log', isOpen ? saved : null);
	here.set('seq', isOpen ? connection.seq : 0);
	here.set('focus', composer.hasFocus());
}

// iOS lays its keyboard over the page; others resize it.
if (window.visualViewport) on(visualViewport, 'resize', () => {
	if (visualViewport.scale === 1) document.body.style.setProperty('--height', `${visualViewport.height}px`);
	scrollTo(0, 0);
	hold();
});

const entering = luggage.take();
if (connection.session) {
	show(true);
	const saved = here.get('log');
	if (saved) {
		Object.assign(me, { username: connection.name });
		log.restore(saved);
		connection.seq = here.get('seq') ?? 0;
	}
	if (here.get('focus')) composer.focus();
	connection.join(connection.name);
} else if (entering?.room === room && !isPair) connection.join(entering.name);
else {
	showStatus();
	show(false);
	entry.invite();
}

// What makes the page open without a network comes when everything else is there.
if (navigator.serviceWorker && isSecureContext) {
	setTimeout(() => navigator.serviceWorker.register(new URL('worker.js', base)).catch(() => { /* then without */ }), 3_000);
}
