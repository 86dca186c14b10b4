// Menus that open at a button: by mouse, by keyboard, by a long press.

import { attributes, make, on } from './dom.js';

let open = null; // { menu, opener }

/** Opens a menu at a button; pressed again, the button closes it. An item is { label, act, grave }. */
export function openMenu(opener, items) {
	const again = open?.opener === opener;
	closeMenu();
	if (again || !items.length) return;
	const menu = attributes(make('div', 'menu'), { role: 'menu', 'aria-label': opener.getAttribute('aria-label') ?? opener.textContent });
	for (const { label, act, grave } of items) {
		const item = attributes(make('button', grave ? 'grave' : '', label), { type: 'button', role: 'menuitem', tabindex: -1 });
		on(item, 'click', () => {
			closeMenu(true);
			act();
		});
		menu.append(item);
	}
	on(menu, 'keydown', move);
	(opener.closest('dialog, aside, main, header') ?? document.body).append(menu);
	open = { menu, opener };
	attributes(opener, { 'aria-expanded': true });
	position(menu, opener);
	menu.firstChild.focus();
}

/** Closes the open menu, if any; `back` gives the focus to its button again. */
export function closeMenu(back = false) {
	if (!open) return;
	const { menu, opener } = open;
	open = null;
	menu.remove();
	attributes(opener, { 'aria-expanded': false });
	if (back && opener.isConnected) opener.focus({ preventScroll: true });
}

// Below its button where there is room, else above; never outside of the window.
function position(menu, opener) {
	const at = opener.getBoundingClientRect();
	const { offsetWidth: width, offsetHeight: height } = menu;
	const below = at.bottom + height + 8 < innerHeight;
	const top = below ? at.bottom + 4 : Math.max(8, at.top - height - 4);
	const left = Math.max(8, Math.min(innerWidth - width - 8, at.right - width));
	Object.assign(menu.style, { top: `${top}px`, left: `${left}px` });
}

function move(event) {
	const items = [...open.menu.children];
	const at = items.indexOf(document.activeElement);
	const typed = event.key.length === 1
		&& items.findIndex((item, index) => index > at && item.textContent.toLowerCase().startsWith(event.key.toLowerCase()));
	const to = { ArrowDown: at + 1, ArrowUp: at - 1 + items.length, Home: 0, End: items.length - 1 }[event.key]
		?? (typed === false || typed < 0 ? null : typed);
	if (to !== null) items[to % items.length].focus();
	else if (event.key === 'Escape' || event.key === 'Tab') closeMenu(true);
	if (to !== null || event.key === 'Escape') {
		event.preventDefault();
		event.stopPropagation();
	}
}

on(document, 'pointerdown', ({ target }) => open && !open.menu.contains(target) && !open.opener.contains(target) && closeMenu());
on(window, 'resize', () => closeMenu());
on(document, 'focusin', ({ target }) => open && !open.menu.contains(target) && target !== open.opener && closeMenu());
