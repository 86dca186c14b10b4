// What makes somebody aware who looks elsewhere: the title, the icon, the badge, notifications, a sound.

import { on } from './dom.js';
import { inOneLine } from './marks.js';
import { browser, safely } from './store.js';
import { t } from './words.js';

const icon = document.querySelector('#icon');
const plainIcon = icon.href;
let place = '';
let missed = 0;

/** Where one is, for the title. */
export function nameTitle(name) {
	place = name;
	showCount();
}

/** Messages of others have come: how many, and the newest, if they came one by one. */
export function noticed(count, event) {
	const away = document.hidden || !document.hasFocus();
	if (event && away) {
		if (event.mention && browser.get('notify')) safely(notify, event);
		if (browser.get('sound')) safely(ring);
	}
	if (!document.hidden) return clear();
	missed += count;
	showCount();
}

/** Somebody looks again. */
export function clear() {
	if (!missed) return;
	missed = 0;
	showCount();
}

function showCount() {
	document.title = `${missed ? `(${missed}) ` : ''}${place} · Chatloop`;
	icon.href = missed ? badge(missed) : plainIcon;
	if (missed) navigator.setAppBadge?.(missed)?.catch?.(() => { /* none, then */ });
	else navigator.clearAppBadge?.()?.catch?.(() => { /* none, then */ });
}

// An icon that is a number: at its size, there is room for nothing else.
const badge = (count) => `data:image/svg+xml,${encodeURIComponent(`<svg xmlns="http://www.w3.org/2000/svg"
	viewBox="0 0 32 32"><rect width="32" height="32" rx="9" fill="#c62f1d"/><text x="16" y="24" font-size="22"
	font-family="sans-serif" text-anchor="middle" fill="#fff">${Math.min(count, 99)}</text></svg>`)}`;

// Android shows notifications through a service worker alone; its constructor throws.
async function notify({ username, text }) {
	if (!('Notification' in window) || Notification.permission !== 'granted') return;
	const title = `${username} · ${place}`;
	const options = { body: inOneLine(text, 200), tag: place };
	try {
		const note = new Notification(title, options);
		note.onclick = () => window.focus();
	} catch {
		const worker = await navigator.serviceWorker?.getRegistration();
		await worker?.showNotification(title, options);
	}
}

/** Why this page cannot notify, in words; null where it can or may ask. */
export function whyNotNotify() {
	if (!('Notification' in window)) return t.notifyMissing;
	return Notification.permission === 'denied' ? t.notifyDenied : null;
}

/** Asks whether it may; whether it may. */
export async function askToNotify() {
	try {
		return await Notification.requestPermission() === 'granted';
	} catch {
		return false;
	}
}

// Two short tones.
let sounds = null;
function ring() {
	sounds ??= new (window.AudioContext ?? window.webkitAudioContext)();
	const at = sounds.currentTime;
	for (const [start, pitch] of [[0, 660], [0.09, 880]]) {
		const [tone, volume] = [sounds.createOscillator(), sounds.createGain()];
		tone.frequency.value = pitch;
		volume.gain.setValueAtTime(0.06, at + start);
		volume.gain.exponentialRampToValueAtTime(0.001, at + start + 0.15);
		tone.connect(volume).connect(sounds.destination);
		tone.start(at + start);
		tone.stop(at + start + 0.16);
	}
}

/** A browser lets a page sound only after it was touched: this is called then, and sounds as it will. */
export const trySound = () => safely(ring);

on(document, 'visibilitychange', () => document.hidden || clear());
on(window, 'focus', clear);
