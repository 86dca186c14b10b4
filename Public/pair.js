// Strangers, two by two: waiting for somebody, being brought together, going on to the next.

import { base, key } from './store.js';
import { number, t } from './words.js';

/**
 * Waits for a stranger: `paired({ room, invite })` is called when there is one; `waiting(words)` while there is none;
 * `refused(error)` where one may not wait.
 */
export function waitForStranger({ password, waiting, paired, refused }) {
	let timer = 0;
	let tries = 0;
	let over = false;
	let socket = null;
	const open = () => {
		const address = Object.assign(new URL('pair', base), { protocol: base.protocol.replace('http', 'ws') });
		socket = Object.assign(new WebSocket(address, ['chatloop.v1']), {
			onopen: () => socket.send(JSON.stringify({ type: 'join', key: key(), password: password() })),
			onmessage: ({ data }) => {
				const message = JSON.parse(data);
				tries = 0;
				if (message.type === 'waiting') waiting(t.waiting(number(message.count)));
				else if (message.type === 'error') stop(refused, message);
				else if (message.type === 'paired') stop(paired, message);
			},
			onclose: () => {
				if (over) return;
				timer = setTimeout(open, Math.min(10_000, 500 * 2 ** tries) * (0.5 + Math.random() / 2));
				tries += 1;
				waiting(t.reconnecting);
			},
		});
	};
	const stop = (tell, message) => {
		over = true;
		clearTimeout(timer);
		socket?.close();
		tell?.(message);
	};
	waiting(t.waiting(1));
	open();
	return () => stop();
}

