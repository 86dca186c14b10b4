// Who came, went and was renamed, and what hosts did: quiet lines, summed up where there are many.

import { isolated, make, put, trim } from './dom.js';
import { who } from './people.js';
import { clock, moment, names, t } from './words.js';

/** Shows a run of notices in an element, or brings it up to date, touching what changes alone. */
export function showNotices(element, events) {
	const lines = sumUp(events);
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
}

// Draws the lines behind so many other elements.
function draw(parent, lines, behind = 0) {
	lines.forEach(({ clauses, time }, index) => {
		const line = parent.children[behind + index] ?? parent.appendChild(make('p', '', make('span'), ' ', make('time')));
		put(line.firstChild, said(clauses));
		stamp(time, line.lastChild);
	});
	return trim(parent, behind + lines.length);
}

/** A time of day as an element. */
export function stamp(time, element = make('time'), words = clock(time)) {
	if (element.textContent !== words) element.textContent = words;
	element.dateTime = new Date(time).toISOString();
	return element;
}

const CHANGES = { joinjoin: ['joined'], leavejoin: ['back'], leaveleave: ['left'], joinleave: ['joined', 'left'] };

// What a run of notices comes to: one line for each person who came or went, and one for each new name and each thing a host
// did. Whoever did both has both said of them: "Bo joined · Bo left". A name's next owner is somebody else.
function sumUp(events) {
	const people = new Map(); // who → line
	const lines = new Set();
	for (const event of events) {
		const { type, username, to, time, changed } = event;
		const line = people.get(who(event)) ?? { first: type };
		people.delete(who(event));
		if (type === 'moderation') lines.add({ time, clauses: [[hostDid(event)]] });
		else if (type === 'rename') {
			lines.add({ time, clauses: [[t.renamed(isolated(username), isolated(to))]] });
			if (lines.has(line)) people.set(who({ ...event, username: to }), line);
		} else {
			people.set(who(event), line);
			const kinds = changed ? ['changedHands'] : CHANGES[line.first + type];
			lines.add(Object.assign(line, { time, clauses: kinds.map((kind) => [kind, username]) }));
		}
	}
	return [...lines];
}

// "Ada, Bo and 4 others joined · Cy left"
function said(clauses) {
	const alike = new Map(); // kind → people
	for (const [kind, person] of clauses) alike.set(kind, [...(alike.get(kind) ?? []), person]);
	return [...alike].map(([kind, people]) => (t[kind] ? t[kind](names(people)) : kind)).join(' · ');
}

/** What a host did, in words. */
export function hostDid({ action, username, to, seconds, text, until, reason }) {
	const by = isolated(username);
	const kind = action === 'slow' && !seconds ? 'noSlow' : action === 'topic' && !text ? 'noTopic' : action;
	const about = { slow: seconds, topic: isolated(text ?? '') }[action] ?? isolated(to ?? '');
	const words = t.did[kind] ? call(t.did[kind], by, about) : `${by}: ${action}`;
	return words + (until ? t.until(moment(until)) : '') + (reason ? t.because(isolated(reason)) : '');
}

const call = (words, ...given) => (typeof words === 'function' ? words(...given) : words);

/** Notices as plain text, for what is saved. */
export const noticesAsText = (events) => sumUp(events).map(({ clauses }) => said(clauses).replace(/[\u2068\u2069]/g, ''));
