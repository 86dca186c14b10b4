// How other people's words are shown: what a message may hold besides text. Nothing of it is ever taken for markup: every
// part becomes an element or a text of its own.
//
// Blocks (```code```, > quotes, lists) are told apart by lines; within a line, `code` and links come first, then *bold*,
// _italic_, ~struck~, and the reader's own name.

import { characters, make } from './dom.js';
import { safely } from './store.js';

const FENCE = /^[ \t]*```(?:[\w+#-]*\n)?([\s\S]+?)\n?```[ \t]*(?:\n|$)|```(?:[\w+#-]*\n)?([\s\S]+?)\n?```\n?/m;

/** Shows `text` in `body`; `mention` is what finds the reader's name in it, or null. */
export function write(body, text, mention = null) {
	safely(() => {
		body.replaceChildren();
		let rest = text;
		for (let found; (found = FENCE.exec(rest));) {
			blocks(body, rest.slice(0, found.index).replace(/\n$/, ''), mention);
			body.append(make('pre', '', make('code', '', found[1] ?? found[2])));
			rest = rest.slice(found.index + found[0].length);
		}
		blocks(body, rest, mention);
	});
	if (!body.textContent) body.textContent = text; // it failed, or was nothing but signs
	return body;
}

// Lines that begin alike make one quote, or one list.
const BLOCKS = [
	{ line: /^> ?(.*)$/, make: (lines, mention) => quote(lines, mention) },
	{ line: /^[-*•] +(\S.*)$/, make: (lines, mention) => list('ul', lines, mention) },
	{ line: /^(\d{1,3})[.)] +(\S.*)$/, make: (lines, mention) => list('ol', lines, mention) },
];

function blocks(body, text, mention) {
	if (!text) return;
	const lines = text.split('\n');
	let plain = [];
	const flush = (more) => {
		if (plain.length) inline(body, plain.join('\n') + (more && plain[plain.length - 1] === '' ? '\n' : ''), INLINE, mention);
		plain = [];
	};
	for (let at = 0; at < lines.length;) {
		const block = BLOCKS.find(({ line }) => line.test(lines[at]));
		let end = at;
		while (block && end < lines.length && block.line.test(lines[end])) end += 1;
		// One line that begins with a hyphen or a number is a line, not a list.
		if (!block || (block !== BLOCKS[0] && end - at < 2)) {
			plain.push(lines[at]);
			at += 1;
			continue;
		}
		flush(true);
		body.append(block.make(lines.slice(at, end).map((line) => block.line.exec(line)), mention));
		at = end;
	}
	flush(false);
}

function quote(lines, mention) {
	const element = make('blockquote');
	inline(element, lines.map(([, text]) => text).join('\n'), INLINE, mention);
	return element;
}

function list(tag, lines, mention) {
	const element = make(tag);
	if (tag === 'ol') element.start = Number(lines[0][1]);
	for (const line of lines) {
		const item = element.appendChild(make('li'));
		inline(item, line[line.length - 1], INLINE, mention);
	}
	return element;
}

// Within a line. Bidirectional controls end an address: they could disguise it.
const END = '\\s<>"`\\u200e\\u200f\\u202a-\\u202e\\u2066-\\u2069';
const SITE = '(?:www\\.)?(?:[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\\.)+(?:com|org|net|edu|gov|io|dev|app|info|eu|de|at|ch|fr|uk|nl|be|it|es|pl|se|no|fi|dk|jp|cn|in|br|us|ca|au)';
const LINK = new RegExp(`(^|[^\\w@./-])(https?://[^${END}]+|www\\.[^${END}]+\\.[^${END}]+|${SITE}(?::\\d+)?/[^${END}]*)`, 'i');

// *so*: the sign touches what it marks on the inside, and a word's edge on the outside.
const between = (sign) => new RegExp(`(^|[^\\p{L}\\p{N}${sign}\\\\])${sign}(?=\\S)([^\\n${sign}]*[^\\s${sign}])${sign}(?![\\p{L}\\p{N}${sign}])`, 'u');

const INLINE = [
	{ pattern: /(`)([^`\n]+)`/, show: ([, , inner]) => make('code', '', inner), all: true },
	{ pattern: LINK, show: link },
	{ pattern: between('\\*'), show: (found, rest, mention) => inline(make('strong'), found[2], rest, mention) },
	{ pattern: between('_'), show: (found, rest, mention) => inline(make('em'), found[2], rest, mention) },
	{ pattern: between('~'), show: (found, rest, mention) => inline(make('s'), found[2], rest, mention) },
];

// Shows what the first kind finds, and with the other kinds what lies around that. A pattern's first group is what stands
// before, and is left there, but for the sign of code.
function inline(element, text, [kind, ...others], mention) {
	if (!kind) return name(element, text, mention);
	let rest = text;
	const around = (part) => part && inline(element, part, others, mention);
	for (let found; (found = kind.pattern.exec(rest));) {
		const start = found.index + (kind.all ? 0 : found[1].length);
		const shown = kind.show(found, INLINE.filter((one) => one !== kind && one.pattern !== LINK), mention);
		const [content, length] = Array.isArray(shown) ? shown : [shown, found[0].length - (start - found.index)];
		around(rest.slice(0, start));
		element.append(content);
		rest = rest.slice(start + length);
	}
	around(rest);
	return element;
}

function name(element, text, mention) {
	let rest = text;
	for (let found; mention && (found = mention(rest));) {
		element.append(rest.slice(0, found.start), make('mark', '', rest.slice(found.start, found.end)));
		rest = rest.slice(found.end);
	}
	element.append(rest);
	return element;
}

function link([, , all]) {
	const address = all.slice(0, addressEnd(all));
	const element = make('a', '', address);
	element.href = /^https?:/i.test(address) ? address : `https://${address}`;
	element.target = '_blank';
	element.rel = 'noopener';
	element.dir = 'ltr'; // an address keeps its order within a text from right to left
	return [element, address.length];
}

// Signs at the end belong to the sentence, and so does a closing bracket that the address has not opened.
function addressEnd(all) {
	let surplus = all.split(/[)\]]/).length - all.split(/[([]/).length;
	let end = all.length;
	for (; end > 0; end -= 1) {
		const last = all[end - 1];
		if (surplus > 0 && ')]'.includes(last)) surplus -= 1;
		else if (!'.,;:!?\'’”»…*_~'.includes(last)) break;
	}
	return end;
}

/** Up to three emoji and nothing else. */
export const isEmoji = (text) => text.length < 100 && /[^\x00-\x7f]/.test(text) && !/\p{L}/u.test(text)
	&& characters(text.replace(/\s/g, '')).every((one, index) => index < 3 && isOneEmoji(one));

export const isOneEmoji = (one) => /^(?:\p{Emoji_Presentation}|\p{Emoji}\ufe0f|\p{RI}{2})/u.test(one)
	&& characters(one).length === 1;

/** A message in one line, for a quote or a notification. */
export const inOneLine = (text, most = 120) => {
	const line = text.replace(/```\w*\n?/g, ' ').replace(/\s+/g, ' ').trim();
	const letters = [...line];
	return letters.length > most ? `${letters.slice(0, most).join('')}…` : line;
};
