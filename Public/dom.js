// Elements and their texts.

/** Bounds a name by invisible characters, until `put` makes an element of it: one from right to left turns no sentence. */
export const isolated = (who) => `\u2068${who}\u2069`;

/** The parts of the page with these ids. */
export const parts = (...ids) => ids.map((id) => document.getElementById(id));

export const on = (target, type, act) => target.addEventListener(type, act);

/** A new element with a class and content; texts stay texts. */
export function make(tag, className = '', ...content) {
	const element = document.createElement(tag);
	if (className) element.className = className;
	element.append(...content);
	return element;
}

/** Sets attributes by their names; null takes one away. (Older browsers do not reflect all of them as properties.) */
export function attributes(element, values) {
	for (const [name, value] of Object.entries(values)) {
		if (value === null) element.removeAttribute(name);
		else if (element.getAttribute(name) !== String(value)) element.setAttribute(name, value);
	}
	return element;
}

/** A button that says what it does, in words or (with an icon) to those who do not see it. */
export function button(className, words, act, icon = null) {
	const element = make('button', className);
	element.type = 'button';
	if (icon) attributes(element, { 'aria-label': words, title: words }).append(drawing(icon));
	else element.textContent = words;
	on(element, 'click', act);
	return element;
}

// Lines of 20 × 20.
const DRAWINGS = {
	more: 'M4 10h.01M10 10h.01M16 10h.01',
	smile: 'M10 18a8 8 0 1 0 0-16 8 8 0 0 0 0 16zM6.5 11.5c1.5 3 5.5 3 7 0M7.5 7.5v.01M12.5 7.5v.01',
	close: 'M5 5l10 10M15 5L5 15',
};

export function drawing(name) {
	const svg = document.createElementNS('http://www.w3.org/2000/svg', 'svg');
	attributes(svg, { viewBox: '0 0 20 20', 'aria-hidden': true, class: `icon ${name}` });
	const path = document.createElementNS('http://www.w3.org/2000/svg', 'path');
	svg.append(attributes(path, { d: DRAWINGS[name] }));
	return svg;
}

const announcer = document.querySelector('#announcer');
let announced = 0;

/** Has a screen reader say something once; what was said is not left to be found later. */
export function announce(words) {
	announcer.textContent = words;
	clearTimeout(announced);
	announced = setTimeout(() => (announcer.textContent = ''), 5_000);
}

/** Touches a text only where it changes: what a screen reader has read, it would read again. */
export function set(element, text) {
	if (element.textContent !== text) element.textContent = text;
	return element;
}

/** Sets an element's text; what is `isolated` becomes a <bdi>: no invisible character is left in the page. */
export function put(element, sentence) {
	const parts = sentence.split(/\u2068(.*?)\u2069/s);
	parts.forEach((part, index) =>
		set(element.childNodes[index] ?? element.appendChild(index % 2 ? make('bdi') : new Text()), part));
	return trim(element, parts.length);
}

export function trim(element, length) {
	while (element.childNodes.length > length) element.lastChild.remove();
	return element;
}

/** A length in Unicode scalars: an emoji is one, where a string's own length says two. */
export const scalars = (text) => [...text].length;

let segmenter = null; // it takes long to make

/** What a person sees as one character each; where the browser cannot tell, what an emoji is commonly made of. */
export const characters = (text) => (Intl.Segmenter
	? [...(segmenter ??= new Intl.Segmenter()).segment(text)].map(({ segment }) => segment)
	: text.match(/\p{RI}{2}|\P{M}[\p{M}\ufe0f\p{EMod}]*(?:\u200d\P{M}[\p{M}\ufe0f\p{EMod}]*)*/gu) ?? []);

/** The first of them. */
export const firstCharacter = (text) => (/^[\x21-\x7e](?![^\x00-\x7f])/.test(text) ? text[0] : characters(text)[0] ?? '');

/**
 * Has something done with the next frame, once; a hidden page gets none, and is served by a timer. What comes back calls
 * it off.
 */
export function soon(act) {
	const end = () => {
		cancelAnimationFrame(frame);
		clearTimeout(timer);
	};
	const begin = () => {
		end();
		act();
	};
	const frame = requestAnimationFrame(begin);
	const timer = setTimeout(begin, 250);
	return end;
}

/** Makes these the children of an element, in this order, moving none that may stay. */
export function arrange(parent, wanted, removed = () => { /* nothing more */ }) {
	const keep = new Set(wanted);
	for (const element of [...parent.children]) {
		if (keep.has(element)) continue;
		element.remove();
		removed(element);
	}
	let next = parent.firstChild;
	for (const element of wanted) {
		if (element === next) next = next.nextSibling;
		else parent.insertBefore(element, next);
	}
}

/** Has a dialog close where it is clicked beside its content, or at its buttons of this class. */
export function prepareDialog(dialog) {
	on(dialog, 'click', ({ target }) => (target === dialog || target.closest('.closes')) && dialog.close());
	return dialog;
}

/** The index of the first that is so, as are all after it: looked for by halves. */
export function firstOf(all, is) {
	let [low, high] = [0, all.length];
	while (low < high) {
		const middle = (low + high) >> 1;
		if (is(all[middle])) high = middle;
		else low = middle + 1;
	}
	return low;
}

/** Puts a text into the clipboard; where the page may not, shows it to be copied by hand. */
export async function copy(text, question) {
	try {
		await navigator.clipboard.writeText(text);
		return true;
	} catch {
		prompt(question, text);
		return false;
	}
}

/** Whether fingers are the only way to point: then Return makes lines, and nothing opens a keyboard unasked. */
export const touchOnly = () => matchMedia('(hover: none) and (pointer: coarse)').matches;
