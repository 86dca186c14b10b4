// Where the reader is in the log: at the end, and then following it, or somewhere above; and what is unread.

import { attributes, firstOf, set } from './dom.js';
import { safely } from './store.js';
import { number, t } from './words.js';

const AT_END = 100; // px from the end within which a reader follows

export const isOthers = (event) => event.type === 'message' && !event.own && !event.deleted;

const button = document.querySelector('#unread');

let list;
let scroller;
let log;
let lastTop = 0; // scrollTop as last known
let leaving = 0; // a timer, while the reader goes up
let place = null; // what is at the top of the view, for when its size changes
let going = null; // the place to go to with the next drawing

export const reading = {
	following: true,
	seen: 0, // the newest event that was in view
	unread: 0, // messages after that

	/** Starts it, with what it needs of the log. */
	begin(given) {
		({ list, scroller } = given);
		log = given;
		scroller.addEventListener('scroll', scrolled);
		button.addEventListener('click', toUnread);
		// Without the observer, the log keeps its place all the same when it is drawn.
		safely(() => new ResizeObserver(hold).observe(scroller));
	},

	fromTheEnd(newest) {
		this.following = true;
		this.seen = newest;
	},

	/** What the next drawing is to keep, or to go to. */
	target() {
		const at = going ?? anchor();
		going = null;
		return at;
	},

	anchor,
	put,
	settle,

	/** Goes to a place; without one, to the end. */
	go(at) {
		this.following = !at;
		going = at;
		log.draw();
	},

	/** Shows a message in the middle, and that it is this one. */
	visit(event) {
		this.go({ seq: event.seq, top: scroller.clientHeight / 3 });
		const row = [...list.children].find((element) => log.rowOf.get(element)?.event?.seq === event.seq && element.matches('.message'));
		if (!row) return;
		row.classList.add('visited');
		setTimeout(() => row.classList.remove('visited'), 3_000);
		attributes(row, { tabindex: -1 });
		row.focus({ preventScroll: true });
	},
};

function scrolled() {
	if (scroller.scrollTop < lastTop - 1) {
		// Going up: let go of the end at once, or new rows would pull back a reader who has not gone 100 px yet.
		clearTimeout(leaving);
		leaving = setTimeout(() => settle(leaving = 0), 250);
	}
	lastTop = scroller.scrollTop;
	settle();
	if (!reading.following) requestAnimationFrame(log.schedule); // the window may have to move
}

function settle() {
	const { scrollTop, clientHeight, scrollHeight } = scroller;
	if (!clientHeight) return;
	const { complete } = log.state();
	const below = scrollHeight - scrollTop - clientHeight;
	reading.following = complete && (below <= 1 || (!leaving && (reading.following || below <= AT_END)));
	place = reading.following ? null : anchor();
	if (!document.hidden) see();
	showButton();
	if (scrollTop < clientHeight) log.reachedEdge(true);
	if (below < clientHeight) log.reachedEdge(false);
}

function see() {
	const { tail, pending } = log.state();
	if (pending) return; // another time is shown
	const { bottom } = scroller.getBoundingClientRect();
	const lowest = child((box) => box.top >= bottom)?.previousSibling ?? list.lastChild;
	const newest = tail[tail.length - 1]?.seq ?? 0;
	const shown = log.rowOf.get(lowest)?.events;
	reading.seen = Math.max(reading.seen, reading.following ? newest : shown?.[shown.length - 1].seq ?? 0);
}

function showButton() {
	const { tail } = log.state();
	reading.unread = tail.slice(firstOf(tail, (event) => event.seq > reading.seen)).filter(isOthers).length;
	set(button, reading.following ? '' : reading.unread ? t.newMessages(number(reading.unread)) : t.toEnd);
	button.classList.toggle('quiet', !reading.unread);
	button.hidden = reading.following;
}

function toUnread() {
	log.toEnd();
	const { tail, rows } = log.state();
	const event = tail.find((some) => some.seq > reading.seen && isOthers(some));
	// A line above it has its seq; without one, there is room for its name.
	const row = event && rows[firstOf(rows, ({ seq }) => seq >= event.seq)];
	reading.go(event && { seq: event.seq, top: row.kind === 'message' ? 30 : 0 });
	scroller.focus({ preventScroll: true }); // the button may be gone
}

// The first message or notice in view, and where.
function anchor() {
	const { top } = scroller.getBoundingClientRect();
	let element = child((box) => box.bottom > top);
	while (element && !log.rowOf.get(element)?.events) element = element.nextSibling;
	return element ? { element, seq: log.rowOf.get(element).seq, top: topOf(element) - top } : null;
}

// By its text: the name above goes when older rows of its author come before it.
const topOf = (element) => (element.querySelector('.text') ?? element).getBoundingClientRect().top;

/** Keeps what is in view when the log's size changed: a scrollTop cut by that looks like the reader's. */
export const hold = () => put(reading.following ? null : place);

// Puts a place back where it was; without one, the end.
function put(at, indexOf = (seq) => firstOf(log.state().rows, (row) => row.seq >= seq)) {
	const element = at?.element ?? log.state().rows[indexOf(at?.seq)]?.element;
	if (!at) scroller.scrollTop = scroller.scrollHeight;
	else if (element?.isConnected) {
		scroller.scrollTop += topOf(element) - scroller.getBoundingClientRect().top - at.top;
	}
	lastTop = scroller.scrollTop;
}

const child = (beyond) => list.children[firstOf(list.children, (element) => beyond(element.getBoundingClientRect()))];
