// How the connection fares, in words and as a sign.

import { on, parts, set } from './dom.js';
import { t } from './words.js';

const [net, line, retry] = parts('net', 'status', 'retry');
let app; // { connection, isArriving(), retried() }
let ticking = 0;

export function beginStatus(given) {
	app = given;
	on(retry, 'click', () => app.retried());
}

export const isOver = (phase) => ['put', 'ended', 'left'].includes(phase);

export function showStatus() {
	clearTimeout(ticking);
	const { phase, why, nextTry, tries } = app.connection;
	const ended = { joined: 'connected', taken: 'elsewhere', put: 'putOut', ended: 'ended', left: 'leftChat' }[phase];
	const state = ended ?? (navigator.onLine ? 'reconnecting' : 'offline');
	const hiccup = tries < 2 && !why && state === 'reconnecting';
	const seconds = phase === 'waiting' && state === 'reconnecting' ? Math.ceil((nextTry - performance.now()) / 1_000) : 0;
	const [status, countdown, reason] = line.children;
	set(status, t[state]);
	set(countdown, seconds > 0 ? t.inSeconds(seconds) : ''); // hidden from screen readers, who would hear each second
	set(reason, t[why] ?? (why ? t.saysWhy(why) : ''));
	const look = { connected: 'fine', reconnecting: hiccup ? 'fine turning' : 'turning' }[state] ?? 'off';
	line.className = `small ${look}`;
	line.hidden = phase === 'out' || (app.isArriving() && !tries && !ended);
	// Nobody comes back to a stranger.
	retry.hidden = isOver(phase) ? app.connection.ends : phase !== 'taken' && (hiccup || phase === 'joined' || phase === 'out');
	set(retry, phase === 'taken' ? t.here : isOver(phase) ? t.comeBack : t.now);
	net.classList.toggle('bad', !line.hidden && !/fine/.test(look));
	if (seconds > 0) ticking = setTimeout(showStatus, 1_000);
}
