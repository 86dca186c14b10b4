// The messages on the screen: events become rows, and a window of the rows becomes elements.
//
//   events (all that is known, by seq) -> rows (days, groups, runs of notices) -> elements of rows[first..<last]
//
// Changes are gathered and drawn once a frame. A reader at the end follows; for anyone else the first row in view is
// measured before a change and put back where it was after it, to the pixel. (style.css turns the browser's own
// anchoring off: not every browser has it, and two would fight.)

import { safely } from './connection.js';
import { looks, make, number, set, t } from './text.js';

const GROUPED_WITHIN = 5 * 60_000;
const AT_END = 100; // px from the end within which a reader follows
const WINDOW = 200; // rows that are kept as elements before the end, or to either side of the view
const KEPT = 20_000; // events in memory; older ones can be asked for again
const READ_OUT = 5; // more new rows than that at once are counted for a screen reader, not read

const [scroller, button, announcer] = document.querySelectorAll('#log, #unread, #announcer');
const list = scroller.querySelector('ol');
const start = make('li', 'start');

let events = [];
let rows = [];
let outbox = [];
let pending = new Map(); // rows of the outbox, by message id
const rowOf = new WeakMap(); // by element
let first = 0;
let last = 0;
let complete = true; // the end is among the elements
let following = true;
let more = false; // the server has something older,
let asked = false; // and was asked for it
let seen = 0; // the newest event that was in view
let unread = 0; // messages after that
let mark = 0; // the first unread event: a line stands before it
let noticesShown = true;
let scheduled = null;
let lastTop = 0; // scrollTop as last known
let leaving = 0; // a timer, while the reader goes up
let place = null; // what is at the top of the view, for when its size changes
let going = null; // the place to go to with the next drawing
let hushed = 0; // a timer, while nothing is to be read out
let unsaid = 0;

let hooks;

/** Starts it. It calls `ask(before)` for history, and `act(what, id)` on a refused message. */
export function begin(given) {
	hooks = given;
	scroller.addEventListener('scroll', scrolled);
	button.addEventListener('click', toUnread);
	document.addEventListener('visibilitychange', schedule);
	new ResizeObserver(hold).observe(scroller);
}

// What comes in.

/** The first events of all, or all anew. */
export function fill(history, hasMore) {
	following = true;
	events = history;
	more = hasMore;
	asked = false;
	mark = unsaid = 0;
	seen = newest();
	rebuild();
	hush();
}

/** New events. After a resume they are summed up for a screen reader, not read out. */
export function add(news, resumed = false) {
	for (const event of news) {
		if (event.seq <= newest()) {
			merge([event]); // a receipt given again
			continue;
		}
		if (isOthers(event)) {
			if (!unread && (resumed || !following || document.hidden)) moveMark(event.seq);
			unread += 1;
			unsaid += 1;
		}
		events.push(event);
		extend(event);
	}
	if (following && events.length > KEPT) fill(events.slice(KEPT / 4), true);
	if (resumed) hush();
	schedule();
}

/** The answer to `ask`; without events, none will come. */
export function older(history = [], hasMore = more) {
	if (!asked) return; // a probe's
	asked = false;
	more = hasMore;
	hush();
	merge(history);
}

function merge(some) {
	const known = new Set(events.map((event) => event.seq));
	events.push(...some.filter((event) => !known.has(event.seq)));
	events.sort((a, b) => a.seq - b.seq);
	rebuild();
}

/** One's own messages that are no events yet. */
export function setOutbox(items) {
	outbox = items;
	schedule();
}

/** One spoke: what there was to read is read, and the own words are to be seen. */
export function spoke() {
	moveMark(0);
	following = true;
	schedule();
}

export function showNotices(shown) {
	noticesShown = shown;
	hush();
	rebuild();
}

export const newest = () => events.at(-1)?.seq ?? 0;

/** What it takes to come back to the same place after a reload. */
export function save() {
	const at = following ? null : anchor();
	const index = events.findIndex((event) => event.seq >= at?.seq);
	const saved = events.slice(index < 0 ? -WINDOW : Math.max(0, index - WINDOW));
	const hasMore = more || saved.length < events.length;
	return { events: saved, more: hasMore, seen, mark, place: at && { seq: at.seq, top: at.top } };
}

export function restore(saved) {
	fill(saved.events, saved.more);
	seen = saved.seen;
	moveMark(saved.mark);
	go(saved.place);
}

// Events → rows.

function moveMark(seq) {
	if (mark === seq) return;
	mark = seq;
	rebuild();
}

// Makes the rows anew. Elements, and the window, stay with what they showed.
function rebuild() {
	const key = (row) => row.kind + row.seq;
	const elements = new Map(rows.filter((row) => row.element).map((row) => [key(row), row.element]));
	const edges = [rows[first]?.seq ?? 0, rows[last]?.seq ?? Infinity];
	rows = [];
	events.forEach(extend);
	for (const row of rows) row.element ??= elements.get(key(row));
	[first, last] = edges.map(indexOf);
	schedule();
}

const indexOf = (seq) => firstOf(rows, (row) => row.seq >= seq);

// One more event at the end of the rows.
function extend(event) {
	const { seq, type } = event;
	const kind = type === 'message' || type === 'gap' ? type : 'notices';
	if (kind === 'notices' && !noticesShown) return;
	const date = event.date ??= new Date(event.time).toDateString();
	const push = (row) => rows.push({ seq, date, event, stale: true, ...row });
	if (date !== rows.at(-1)?.date) push({ kind: 'day' });
	if (seq === mark) push({ kind: 'unread' });
	const before = rows.at(-1);
	if (kind === 'notices' && before.kind === kind) {
		before.events.push(event);
		before.stale = true;
		return;
	}
	// A message keeps the element that showed it while it waited: nothing moves, and nothing is read out twice.
	push({ kind, events: [event], element: pending.get(event.id)?.element, ...under(before, event) });
}

function outboxRows() {
	const waiting = new Map();
	let before = rows.at(-1);
	for (const item of outbox) {
		const event = { ...item, type: 'message', own: true };
		const { element } = pending.get(item.id) ?? {};
		const state = item.reason ? 'refused' : 'sending';
		before = { kind: 'message', seq: Infinity, event, element, state, stale: true, ...under(before, event) };
		waiting.set(item.id, before);
	}
	pending = waiting;
	return waiting.values();
}

// Rows of one author within five minutes of the first of them stand under one name.
function under(before, { type, username, time }) {
	const same = type === 'message' && before?.kind === 'message' && before.event.username === username;
	return same && time - before.since < GROUPED_WITHIN ? { under: true, since: before.since } : { since: time };
}

// Rows → elements.

function schedule() {
	scheduled ??= { frame: requestAnimationFrame(draw), timer: setTimeout(draw, 250) }; // a hidden page gets no frames
}

function draw() {
	cancelAnimationFrame(scheduled?.frame);
	clearTimeout(scheduled?.timer);
	scheduled = null;
	if (!following || unsaid > READ_OUT) hush();
	else if (!hushed) unsaid = 0;
	const at = choose(going ?? anchor());
	going = null;
	show();
	put(at);
	settle();
}

// Chooses the rows to show, and tells what is to stay where it is: nothing, where the end is.
function choose(at) {
	const end = rows.length;
	const around = (index) => {
		first = Math.max(0, index - WINDOW);
		last = Math.min(end, index + WINDOW);
	};
	complete = true;
	if (following || !at) {
		if (end - last > WINDOW) around(end);
		else if (last - first > 2 * WINDOW) {
			// Trimming gets a frame of its own: so nothing is seen to move.
			first = last - WINDOW;
			schedule();
			return at;
		}
		first = Math.max(0, Math.min(first, end - WINDOW)); // what came in before them shows where there is room
		last = end;
		return null;
	}
	const index = indexOf(at.seq);
	const near = (first > 0 && index - first < WINDOW / 2) || (last < end && last - index < WINDOW / 2);
	if (near || last - first > 3 * WINDOW) around(index);
	complete = last === end;
	return at;
}

// Makes the list's elements those of the window, moving none that may stay.
function show() {
	const wanted = [...rows.slice(first, last), ...(complete ? outboxRows() : [])].map(elementOf);
	if (first === 0) wanted.unshift(set(start, more ? t.earlier : t.beginning));
	const keep = new Set(wanted);
	for (const element of [...list.children]) {
		if (keep.has(element)) continue;
		element.remove();
		const row = rowOf.get(element);
		if (row) row.element = null; // what is out of the window costs nothing
	}
	let next = list.firstChild;
	for (const element of wanted) {
		if (element === next) next = next.nextSibling;
		else list.insertBefore(element, next);
	}
}

function elementOf(row) {
	// A row that cannot be shown as it should is shown all the same.
	if (!row.element || (row.stale && !plainly.has(row.element))) row.element = safely(looks[row.kind], row, hooks) ?? plain(row);
	row.stale = false;
	rowOf.set(row.element, row);
	return row.element;
}

const plainly = new WeakSet();

function plain(row) {
	const element = make('li', '', row.event.text ?? '');
	plainly.add(element);
	return element;
}

// Where the reader is.

function scrolled() {
	if (scroller.scrollTop < lastTop - 1) {
		// Going up: let go of the end at once, or new rows would pull back a reader who has not gone 100 px yet.
		clearTimeout(leaving);
		leaving = setTimeout(() => settle(leaving = 0), 250);
	}
	lastTop = scroller.scrollTop;
	settle();
	if (!following) requestAnimationFrame(schedule); // the window may have to move
}

function settle() {
	const { scrollTop, clientHeight, scrollHeight } = scroller;
	if (!clientHeight) return;
	const below = scrollHeight - scrollTop - clientHeight;
	following = complete && (below <= 1 || (!leaving && (following || below <= AT_END)));
	place = following ? null : anchor();
	if (!document.hidden) see();
	showButton();
	if (more && !asked && !first && events.length && scrollTop < clientHeight) asked = hooks.ask(Math.ceil(events[0].seq));
}

function see() {
	const { bottom } = scroller.getBoundingClientRect();
	const lowest = child((box) => box.top >= bottom)?.previousSibling ?? list.lastChild;
	seen = Math.max(seen, following ? newest() : rowOf.get(lowest)?.events?.at(-1).seq ?? 0);
}

function showButton() {
	unread = events.slice(firstOf(events, (event) => event.seq > seen)).filter(isOthers).length;
	set(button, unread ? t.newMessages(number(unread)) : t.toEnd);
	button.classList.toggle('quiet', !unread);
	button.hidden = following;
}

function toUnread() {
	const event = events.find((some) => some.seq > seen && isOthers(some));
	// A line above it has its seq; without one, there is room for its name.
	go(event && { seq: event.seq, top: rows[indexOf(event.seq)].kind === 'message' ? 30 : 0 });
	scroller.focus({ preventScroll: true }); // the button may be gone
}

// Goes to a place; without one, to the end.
function go(at) {
	following = !at;
	going = at;
	draw();
}

// The first message or notice in view, and where.
function anchor() {
	const { top } = scroller.getBoundingClientRect();
	let element = child((box) => box.bottom > top);
	while (element && !rowOf.get(element)?.events) element = element.nextSibling;
	return element ? { element, seq: rowOf.get(element).seq, top: topOf(element) - top } : null;
}

// By its text: the name above goes when older rows of its author come before it.
const topOf = (element) => (element.querySelector('.text') ?? element).getBoundingClientRect().top;

/** Keeps what is in view when the log's size changed: a scrollTop cut by that looks like the reader's. */
export const hold = () => put(following ? null : place);

// Puts a place back where it was; without one, the end.
function put(at) {
	const element = at?.element ?? rows[indexOf(at?.seq)]?.element;
	if (!at) scroller.scrollTop = scroller.scrollHeight;
	else if (element?.isConnected) {
		scroller.scrollTop += topOf(element) - scroller.getBoundingClientRect().top - at.top;
	}
	lastTop = scroller.scrollTop;
}

const child = (beyond) => list.children[firstOf(list.children, (element) => beyond(element.getBoundingClientRect()))];

// Keeps the log from being read out while it changes otherwise than by a few rows at its end.
function hush() {
	scroller.setAttribute('aria-live', 'off');
	clearTimeout(hushed);
	hushed = setTimeout(() => {
		hushed = 0;
		scroller.setAttribute('aria-live', 'polite');
		if (unsaid) announcer.textContent = t.arrived(unsaid);
		unsaid = 0;
	}, 500);
}

export const isOthers = (event) => event.type === 'message' && !event.own;

// The index of the first that is so, as are all after it: looked for by halves.
function firstOf(all, is) {
	let [low, high] = [0, all.length];
	while (low < high) {
		const middle = (low + high) >> 1;
		if (is(all[middle])) high = middle;
		else low = middle + 1;
	}
	return low;
}
