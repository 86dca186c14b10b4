// Events become rows: days, messages in groups, runs of notices, the line before what is unread, gaps.

import { who } from './people.js';

const GROUPED_WITHIN = 5 * 60_000;
const EDITED_WITHIN = 24 * 3_600_000;

// Events that are shown as they come; the others change what is shown already.
const SHOWN = new Set(['message', 'gap', 'join', 'leave', 'rename', 'moderation']);

export const isShown = ({ type }) => SHOWN.has(type);
export const isNotice = ({ type }) => type !== 'message' && type !== 'gap';

/**
 * Adds what one more event at the end comes to.
 *
 * `mark` is the first unread event, `pending(id)` the row that showed a message while it was on its way.
 */
export function extend(rows, event, { mark, noticesShown, pending }) {
	const { seq, type } = event;
	const kind = isNotice(event) ? 'notices' : type;
	// What hosts do is shown to those, too, who do not care who comes and goes.
	if (kind === 'notices' && !noticesShown && type !== 'moderation') return;
	const date = event.date ??= new Date(event.time).toDateString();
	const push = (row) => rows.push({ seq, date, event, stale: true, ...row });
	if (date !== rows[rows.length - 1]?.date) push({ kind: 'day' });
	if (seq === mark) push({ kind: 'unread' });
	const before = rows[rows.length - 1];
	if (kind === 'notices' && before.kind === kind) {
		before.events.push(event);
		before.stale = true;
		return;
	}
	// A message keeps the element that showed it while it waited: nothing moves, and nothing is read out twice.
	push({ kind, events: [event], element: pending(event.id)?.element, ...under(before, event) });
}

/** The rows of messages that are no events yet, after the other rows. */
export function pendingRows(rows, messages, pending) {
	let before = rows[rows.length - 1];
	return messages.map((event) => {
		const { element } = pending(event.id) ?? {};
		const state = event.reason ? 'refused' : 'sending';
		before = { kind: 'message', seq: Infinity, event, element, state, stale: true, ...under(before, event) };
		return before;
	});
}

// Rows of one author within five minutes of the first of them stand under one name.
function under(before, event) {
	const { type, time, reply, text } = event;
	const same = type === 'message' && before?.kind === 'message' && who(before.event) === who(event)
		&& before.event.username === event.username && !reply && !isAction(text) && !isAction(before.event.text);
	return same && time - before.since < GROUPED_WITHIN ? { under: true, since: before.since } : { since: time };
}

/** Whether one may still change it: one's own words may be, for a day. */
export const mayEdit = ({ own, deleted, seq, time }) => own && !deleted && seq > 0 && Date.now() - time < EDITED_WITHIN;

/** Whether a text is what its author does: "/me waves". */
export const isAction = (text) => /^\/me \S/.test(text ?? '');
