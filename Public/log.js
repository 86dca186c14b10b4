// The messages on the screen: a window of the rows becomes elements.
//
//   events (all that is known, by seq) -> rows.js -> rows -> elements of rows[first..<last]
//
// Changes are gathered and drawn once a frame. A reader at the end follows; for anyone else the first row in view is
// measured before a change and put back where it was after it, to the pixel. (The style sheet turns the browser's own
// anchoring off: not every browser has it, and two would fight.)
//
// A link or a search result may lead to a time long ago. Then what is around it is shown alone, and `live` holds what goes
// on at the end meanwhile, until the two meet or the reader goes back to the end.

import { apply } from './changes.js';
import { announce, arrange, button, firstOf, make, set } from './dom.js';
import { looks, plainly } from './looks.js';
import { isMe } from './people.js';
import { isOthers, reading } from './reading.js';
import { extend, isShown, pendingRows } from './rows.js';
import { safely } from './store.js';
import { t } from './words.js';

const WINDOW = 200; // rows that are kept as elements before the end, or to either side of the view
const KEPT = 20_000; // events in memory; older ones can be asked for again
const READ_OUT = 5; // more new rows than that at once are counted for a screen reader, not read
const PAGE = 100; // events that are asked for at once

const scroller = document.querySelector('#log');
const list = scroller.querySelector('ol');
const start = make('li', 'start');
const end = make('li', 'start');

let events = [];
let live = null; // { events, more } of the end, while another time is shown
let rows = [];
let outbox = [];
let pending = new Map(); // rows of the outbox, by message id
const rowOf = new WeakMap(); // by element
let first = 0;
let last = 0;
let complete = true; // the end is among the elements
let more = false; // the server has something older,
let asked = false; // and was asked for it, or for something later
let mark = 0; // the first unread event: a line stands before it
let noticesShown = true;
let scheduled = null;
let hushed = 0; // a timer, while nothing is to be read out
let unsaid = 0;
let hooks;

/**
 * Starts it. It calls `ask(question, done)` for history; `act(what, event, …)` for what a row offers; `mention(text)` finds
 * the reader's name.
 */
export function begin(given) {
	hooks = Object.assign(given, { find, fetch });
	reading.begin({ list, scroller, rowOf, state: () => ({ rows, complete, tail: tail(), pending: !!live }), draw, schedule, reachedEdge, toEnd });
	document.addEventListener('visibilitychange', schedule);
}

const tail = () => live?.events ?? events;
export const newest = () => tail()[tail().length - 1]?.seq ?? 0;
export const all = () => events;

/** What a row of the log shows. */
export const eventOf = (element) => rowOf.get(element)?.event;

/** A known event by its seq. */
export function find(seq) {
	const at = (some) => some[firstOf(some, (event) => event.seq >= seq)];
	const found = at(events);
	if (found?.seq === seq) return found;
	const other = live && at(live.events);
	return other?.seq === seq ? other : undefined;
}

// What comes in.

/** The first events of all, or all anew. */
export function fill(history, hasMore) {
	live = null;
	events = history.filter(isShown);
	more = hasMore;
	asked = false;
	mark = unsaid = 0;
	reading.fromTheEnd(newest());
	rebuild();
	hush();
}

/** New events. After a resume they are summed up for a screen reader, not read out. */
export function add(news, resumed = false) {
	const fresh = new Set(resumed ? news.filter(({ type }) => type === 'message').map(({ seq }) => seq) : []);
	for (const event of news) {
		// A message that comes with them is as it is now already.
		if (!isShown(event) || event.action === 'purge') if (!fresh.has(event.target)) change(event);
		if (!isShown(event)) continue;
		if (event.seq <= newest()) {
			merge([event]); // a receipt given again
			continue;
		}
		if (isOthers(event)) {
			if (!reading.unread && (resumed || !reading.following || document.hidden)) moveMark(event.seq);
			reading.unread += 1;
			unsaid += 1;
		}
		tail().push(event);
		if (!live) extend(rows, event, rules());
	}
	if (reading.following && events.length > KEPT) fill(events.slice(KEPT / 4), true);
	if (resumed) hush();
	schedule();
}

// Events about messages that are here.
function change(event) {
	const candidates = event.action === 'purge' ? [...events, ...(live?.events ?? [])] : [find(event.target)].filter(Boolean);
	const changed = apply(event, candidates);
	for (const message of changed) {
		restyle(message);
		if (message.own && !isMe(event)) tell(event, message);
	}
	if (changed.length) hush();
}

function restyle({ seq }) {
	for (let at = indexOf(seq); rows[at]?.seq === seq; at += 1) rows[at].stale = true;
	for (const row of rows) if (row.event.reply === seq) row.stale = true; // it is quoted there
	lookedUp.delete(seq);
	schedule();
}

// Only what happens to one's own messages is said aloud, and once.
function tell({ type, username, emoji, on = true }, { text = '' }) {
	if (type === 'react' && on) announce(t.newReaction(username, emoji, text.slice(0, 80)));
	else if (type !== 'react') announce(t.deletedYours(username));
}

// The answer to a question for more; without events, none will come.
function answered(answer, isOlder) {
	asked = false;
	if (answer?.type !== 'history') return;
	hush();
	if (isOlder) more = answer.more;
	merge(answer.events.map(hooks.annotate));
	const meets = live && !isOlder && (!answer.more || events[events.length - 1].seq >= live.events[0]?.seq);
	if (meets) join();
	schedule();
}

// What was looked up and what is at the end are one again.
function join() {
	const rest = live.events;
	live = null;
	merge(rest);
}

function merge(some) {
	const known = new Set(events.map((event) => event.seq));
	events.push(...some.filter((event) => isShown(event) && !known.has(event.seq)));
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
	if (live) toEnd();
	moveMark(0);
	reading.following = true;
	schedule();
}

export function showNotices(shown) {
	noticesShown = shown;
	hush();
	rebuild();
}

// Other times.

/** Goes to a message, wherever it is; `missing()` is called where there is none. */
export function reveal(seq, missing) {
	if (live && !events.some((event) => event.seq === seq) && find(seq)) toEnd();
	const event = find(seq);
	if (event) return reading.visit(event);
	const found = ({ events: before, more: hasMore }) => {
		if (!before.some((one) => one.seq === seq)) return missing();
		hooks.ask({ type: 'history', after: seq, limit: PAGE / 2 }, (answer) => {
			live ??= { events, more };
			events = [...before, ...(answer?.events ?? [])].map(hooks.annotate);
			more = hasMore;
			if (!answer?.more || events[events.length - 1].seq >= live.events[0]?.seq) join();
			rebuild();
			reading.visit(find(seq));
		});
	};
	hooks.ask({ type: 'history', before: seq + 1, limit: PAGE / 2 }, (answer) =>
		(answer?.type === 'history' ? found(answer) : missing()));
	return undefined;
}

/** Goes back to what is going on. */
function toEnd() {
	if (!live) return;
	({ events, more } = live);
	live = null;
	rows = [];
	rebuild();
	reading.following = true;
}

// Looks up a single message, for a quote of it.
const lookedUp = new Map();
function fetch(seq, done) {
	if (lookedUp.has(seq)) return done(lookedUp.get(seq));
	if (lookedUp.size > 200) lookedUp.clear();
	hooks.ask({ type: 'history', before: seq + 1, limit: 1 }, (answer) => {
		const [event] = answer?.events ?? [];
		lookedUp.set(seq, event?.seq === seq ? event : null);
		done(lookedUp.get(seq));
	});
	return undefined;
}

// The reader is near an edge of what is known.
function reachedEdge(atTop) {
	if (asked || !events.length) return;
	if (atTop && more && !first) {
		asked = hooks.ask({ type: 'history', before: Math.ceil(events[0].seq), limit: PAGE }, (answer) => answered(answer, true));
	} else if (!atTop && live && last === rows.length) {
		asked = hooks.ask({ type: 'history', after: events[events.length - 1].seq, limit: PAGE }, (answer) => answered(answer, false));
	}
}

// What is kept through a reload.

/** What it takes to come back to the same place; of the messages, those around it. */
export function save(most) {
	const at = reading.following || live ? null : reading.anchor();
	const kept = tail();
	const index = at ? kept.findIndex((event) => event.seq >= at.seq) : -1;
	const saved = kept.slice(index < 0 ? -most : Math.max(0, index - most));
	const hasMore = (live?.more ?? more) || saved.length < kept.length;
	return { events: saved, more: hasMore, seen: reading.seen, mark, place: at && { seq: at.seq, top: at.top } };
}

export function restore(saved) {
	fill(saved.events, saved.more);
	reading.seen = saved.seen;
	moveMark(saved.mark);
	reading.go(saved.place);
}

// Events → rows.

const rules = () => ({ mark, noticesShown, pending: (id) => pending.get(id) });

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
	for (const event of events) extend(rows, event, rules());
	for (const row of rows) row.element ??= elements.get(key(row));
	[first, last] = edges.map(indexOf);
	schedule();
}

const indexOf = (seq) => firstOf(rows, (row) => row.seq >= seq);

// Rows → elements.

function schedule() {
	scheduled ??= { frame: requestAnimationFrame(draw), timer: setTimeout(draw, 250) }; // a hidden page gets no frames
}

function draw() {
	cancelAnimationFrame(scheduled?.frame);
	clearTimeout(scheduled?.timer);
	scheduled = null;
	if (!reading.following || unsaid > READ_OUT) hush();
	else if (!hushed) unsaid = 0;
	const at = choose(reading.target());
	show();
	reading.put(at, indexOf);
	reading.settle();
	hooks.drawn();
}

// Chooses the rows to show, and tells what is to stay where it is: nothing, where the end is.
function choose(at) {
	const count = rows.length;
	const around = (index) => {
		first = Math.max(0, index - WINDOW);
		last = Math.min(count, index + WINDOW);
	};
	complete = !live;
	if ((reading.following && !live) || !at) {
		if (count - last > WINDOW) around(count);
		else if (last - first > 2 * WINDOW) {
			// Trimming gets a frame of its own: so nothing is seen to move.
			first = last - WINDOW;
			schedule();
			return at;
		}
		first = Math.max(0, Math.min(first, count - WINDOW)); // what came in before them shows where there is room
		last = count;
		return null;
	}
	const index = indexOf(at.seq);
	const near = (first > 0 && index - first < WINDOW / 2) || (last < count && last - index < WINDOW / 2);
	if (near || last - first > 3 * WINDOW) around(index);
	complete = last === count && !live;
	return at;
}

// Makes the list's elements those of the window, moving none that may stay.
function show() {
	const waiting = complete ? pendingRows(rows, outbox, (id) => pending.get(id)) : [];
	pending = new Map(waiting.map((row) => [row.event.id, row]));
	const wanted = [...rows.slice(first, last), ...waiting].map(elementOf);
	const isEmpty = !more && !outbox.length && !tail().some(({ type }) => type === 'message');
	if (first === 0) wanted.unshift(startRow(isEmpty));
	if (live && last === rows.length) wanted.push(set(end, t.later));
	arrange(list, wanted, (element) => {
		const row = rowOf.get(element);
		if (row) row.element = null; // what is out of the window costs nothing
	});
}

// What stands before the first row. An empty room offers to invite somebody.
function startRow(isEmpty) {
	const words = more ? t.earlier : isEmpty && hooks.invite ? `${t.beginning} ${t.empty} ` : t.beginning;
	if (start.textContent.startsWith(words) && start.isEmpty === isEmpty) return start;
	start.isEmpty = isEmpty;
	start.replaceChildren(words, ...(isEmpty && hooks.invite ? [button('quiet', t.inviteThem, hooks.invite)] : []));
	return start;
}

const plain = new WeakSet(); // elements of rows that cannot be shown as they should be

function elementOf(row) {
	if (!row.element || (row.stale && !plain.has(row.element))) {
		row.element = safely(looks[row.kind], row, hooks) ?? null;
		if (!row.element) plain.add(row.element = plainly(row));
	}
	row.stale = false;
	rowOf.set(row.element, row);
	return row.element;
}

/** Keeps the log from being read out while it changes otherwise than by a few rows at its end. */
function hush() {
	scroller.setAttribute('aria-live', 'off');
	clearTimeout(hushed);
	hushed = setTimeout(() => {
		hushed = 0;
		scroller.setAttribute('aria-live', 'polite');
		if (unsaid) announce(t.arrived(unsaid));
		unsaid = 0;
	}, 500);
}
