// Strangers, two by two: waiting for somebody, being brought together, going on to the next.

import { composer } from './composer.js';
import { attributes, button, make, set } from './dom.js';
import { entry } from './entry.js';
import * as log from './log.js';
import { noticed } from './noticing.js';
import { base, here, key, safely } from './store.js';
import { number, t } from './words.js';

const PUT_OUT = 4003;
const LONGEST_WAIT = 10_000;

let app; // { connection, chatAddress(room), show(chat, waits) }
let name = ''; // under which one meets the next
let socket = null;
let timer = 0; // for the next try
let tries = 0;

const words = attributes(make('p'), { role: 'status' });
const view = attributes(make('div', 'waiting', words), { tabindex: -1 });

export function beginPairing(given) {
	app = given;
	view.hidden = true;
	view.append(button('quiet', t.stopWaiting, giveUp));
	document.querySelector('main').append(view);
}

/** Leaves whom one was with, if there was somebody, and waits for the next. */
export function nextStranger(called) {
	leave();
	name = called;
	log.fill([], false);
	app.show(true, true);
	view.hidden = false;
	set(words, t.waiting(number(1)));
	view.focus({ preventScroll: true });
	tries = 0;
	wait();
}

/** The room for two is no more, or not for this one. */
export function strangerGone() {
	leave();
	app.show(false);
	entry.refused({ message: t.strangerGone });
}

// What was not said to the one who was here is for nobody else.
function leave() {
	stop();
	composer.cancel();
	here.set('pair', null);
	app.connection.begin(null);
}

function wait() {
	const address = Object.assign(new URL('pair', base), { protocol: base.protocol.replace('http', 'ws') });
	socket = Object.assign(new WebSocket(address, ['chatloop.v1']), {
		onopen: ask,
		onmessage: ({ data }) => heard(safely(JSON.parse, data) ?? {}),
		onclose: ({ code }) => {
			if (code === PUT_OUT) return refused({ code: 'banned' });
			timer = setTimeout(wait, Math.min(LONGEST_WAIT, 500 * 2 ** tries) * (0.5 + Math.random() / 2));
			tries += 1;
			return set(words, t.reconnecting);
		},
	});
}

const ask = () => socket.send(JSON.stringify({ type: 'join', key: key(), password: entry.password() }));

function heard(message) {
	const { type, count, room, invite, code, retryAfter = 1_000 } = message;
	tries = 0;
	if (type === 'waiting') set(words, t.waiting(number(count)));
	else if (type === 'paired') met({ room, invite });
	else if (code === 'rate_limited') timer = setTimeout(ask, retryAfter);
	else if (type === 'error') refused(message);
}

function met(pair) {
	stop();
	here.set('pair', pair);
	app.connection.begin(app.chatAddress(pair.room));
	app.show(true);
	app.connection.join(name);
	composer.focus();
	safely(noticed, 1);
}

function refused(error) {
	stop();
	app.show(false);
	entry.refused(error);
}

function giveUp() {
	stop();
	app.show(false);
	entry.invite();
}

function stop() {
	clearTimeout(timer);
	if (socket) Object.assign(socket, { onopen: null, onmessage: null, onclose: null }).close(1000);
	socket = null;
	view.hidden = true;
}
