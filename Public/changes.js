// What events do to messages that were there before: edits, deletions, reactions, and what hosts delete.
//
// A message comes as it is at that moment (`edited`, `deleted`, `reactions`); what happens to it later comes as events that
// name it as their `target`.

import { isMe, me } from './people.js';

const REMEMBERED = 20; // names of those who reacted, a kind

/**
 * Applies an event to the messages it is about.
 *
 * `messages` are those that are known. What was changed is returned.
 */
export function apply(event, messages) {
	const { type, action, target } = event;
	if (type === 'moderation' && action === 'purge') {
		return messages.filter((message) => message.type === 'message' && message.user && message.user === event.toUser
			&& message.time >= event.from && message.seq < event.seq && remove(message, event));
	}
	const message = messages.find(({ seq }) => seq === target);
	const change = { edit, delete: remove, react }[type];
	return message && change && change(message, event) ? [message] : [];
}

function edit(message, { text, time }) {
	if (message.deleted || text === undefined || message.edited > time) return false;
	Object.assign(message, { text, edited: time });
	return true;
}

function remove(message, { username, user }) {
	if (message.deleted) return false;
	Object.assign(message, { deleted: true, text: undefined, reactions: undefined, edited: undefined });
	message.deletedBy = user && user === message.user ? null : username;
	return true;
}

function react(message, event) {
	if (message.deleted) return false;
	const { emoji, on = true, user, username } = event;
	const all = message.reactions ??= {};
	const one = all[emoji] ?? { count: 0, names: [], users: [] };
	const users = one.users ?? [];
	const known = users.indexOf(user);
	const mine = isMe(event) && me.user !== null;
	if (on) {
		if (known >= 0 || (mine && one.mine)) return false;
		one.count += 1;
		if (users.length < REMEMBERED) {
			users.push(user);
			one.names = [...(one.names ?? []), username];
		}
	} else {
		if (!one.count) return false;
		one.count -= 1;
		if (known >= 0) {
			users.splice(known, 1);
			one.names.splice(known, 1);
		}
	}
	if (mine) one.mine = on;
	one.users = users;
	if (one.count > 0) all[emoji] = one;
	else delete all[emoji];
	return true;
}
