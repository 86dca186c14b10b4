// Bringing others in: the link to the room, with its invitation where the room is locked.

import { announce, copy } from './dom.js';
import { isHost } from './people.js';
import { addressOf, room } from './rooms.js';
import { browser } from './store.js';
import { t } from './words.js';

const label = document.getElementById('inviteText');

/** Shares the link: as it is where everyone with it may come in; else a host asks (`ask()`) for the invitation that holds. */
export function invite(isOpen, ask) {
	if (isOpen) share(addressOf(room));
	else if (!isHost() || !ask()) share(linkWith(browser.get(`invite ${room}`)));
}

/** The server has told which invitation holds. */
export function invited({ invite: code }) {
	browser.set(`invite ${room}`, code);
	share(linkWith(code));
}

const linkWith = (invite) => addressOf(room) + (invite ? `#invite=${encodeURIComponent(invite)}` : '');

// By the system's own way where there is one on a phone; else into the clipboard.
async function share(link) {
	if (navigator.share && matchMedia('(pointer: coarse)').matches) {
		try {
			return await navigator.share({ title: `${room} · Chatloop`, url: link });
		} catch (error) {
			if (error.name === 'AbortError') return undefined;
		}
	}
	if (!await copy(link, t.copyLink)) return undefined;
	announce(t.copied);
	label.textContent = t.copied;
	return setTimeout(() => (label.textContent = t.invite), 2_000);
}
