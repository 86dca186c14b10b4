// Everything that is text: the page's own words in two languages, and how other people's words are shown.
//
// A translation is one more table like `german`, with the same keys. Words that stand in index.html are found by the
// keys in its data-text, data-label and data-placeholder. Names go through `name()`, so that one written from right to
// left does not turn the sentence around it.

export const LIMITS = { username: 32, text: 4000 };

const name = (who) => `\u2068${who}\u2069`; // first strong isolate … pop: `put` makes a <bdi> of it

const english = {
  skip: 'Skip to the message field', welcome: 'Pick a name and talk', connection: 'Connection',
  username: 'Username', join: 'Join', message: 'Message', messages: 'Messages', send: 'Send',
  people: 'People', side: 'People and rooms', rooms: 'Rooms', roomName: 'Room name', otherRoom: 'another room',
  open: 'Open', copyLink: 'Copy this room’s link', copied: 'Copied', options: 'Options',
  showNotices: 'Show who joins and leaves', notify: 'Tell me when I am mentioned',
  guest: (who) => `Leave it empty to come in as ${who}.`,
  guestName: 'Guest',
  connecting: 'Connecting…', unreachable: 'The server does not answer yet. Trying again…',
  connected: 'Connected', reconnecting: 'Reconnecting', offline: 'Offline',
  inSeconds: (n) => ` in ${n} s`,
  full: ' – the server is full', slow: ' – this page could not keep up',
  elsewhere: 'Offline – this conversation went on in another window',
  now: 'Now', nowLabel: 'Reconnect now', here: 'Continue here',
  joined: (who) => `${who} joined`, left: (who) => `${who} left`,
  back: (who) => `${who} left and came back`, visited: (who) => `${who} joined and left`,
  renamed: (from, to) => `${name(from)} is now ${name(to)}`,
  renames: (n) => `${n} changed their names`,
  andOthers: (n) => `${n} others`,
  unread: 'New', newMessages: (n) => `New messages (${n})`, toEnd: 'To the end',
  arrived: (n) => (n === 1 ? '1 new message' : `${n} new messages`),
  gap: 'Loading what was missed…',
  lost: 'What happened here was missed and cannot be had any more.',
  earlier: 'Loading what was said earlier…', beginning: 'This is where the room begins.',
  you: 'you', sent: 'Sent', sending: 'Sending', refused: (why) => `Not sent: ${why}`,
  edit: 'Edit', resend: 'Send again', drop: 'Drop',
  typing: (who) => `${name(who)} is typing…`, severalTyping: 'Several people are typing…',
  remaining: (n) => `${n} left`, tooLong: (n) => `${n} too many`,
  who: (list) => `Here: ${list}`,
  help: 'Enter sends, Shift+Enter starts a new line, Tab completes a name, Up in the empty field brings back what you '
    + 'said last. `code` and ```more code``` stay as typed. /rename NAME changes your name, /who tells who is here, '
    + '/help shows this. To start a message with a slash, write two.',
  noCommand: (word) => `There is no command /${word}; /help shows all. To say it, start with two slashes.`,
  rename: 'Write /rename and the new name.', notNow: 'This works once the page is connected again.',
  badRoom: 'Small letters a–z, digits and hyphens, at most 32.',
  mentioned: (who, room) => `${who} in ${room}`,
  more: (n) => `and ${n} more`,
  errors: {
    username_invalid: 'A name has 1 to 32 characters, all of them visible.',
    username_taken: 'Someone here has this name, or one that looks like it. Pick another.',
    room_invalid: 'There is no room of this name.', text_empty: 'There is nothing in it.',
    text_too_long: 'It is longer than 4,000 characters.', bad_field: 'It has characters that cannot be sent.',
    rate_limited: 'Too much at once. Wait a moment.', storage_failed: 'The server could not keep it. Try again later.',
  },
};

const german = {
  skip: 'Zum Nachrichtenfeld springen', welcome: 'Namen wählen und mitreden', connection: 'Verbindung',
  username: 'Name', join: 'Eintreten', message: 'Nachricht', messages: 'Nachrichten', send: 'Senden',
  people: 'Anwesende', side: 'Anwesende und Räume', rooms: 'Räume', roomName: 'Name des Raums',
  otherRoom: 'anderer Raum', open: 'Öffnen', copyLink: 'Link zu diesem Raum kopieren', copied: 'Kopiert',
  options: 'Einstellungen', showNotices: 'Zeigen, wer kommt und geht',
  notify: 'Melden, wenn mein Name fällt',
  guest: (who) => `Leer lassen, um als ${who} einzutreten.`,
  guestName: 'Gast',
  connecting: 'Verbinde…', unreachable: 'Der Server antwortet noch nicht. Neuer Versuch…',
  connected: 'Verbunden', reconnecting: 'Verbinde neu', offline: 'Offline',
  inSeconds: (n) => ` in ${n} s`,
  full: ' – der Server ist voll', slow: ' – diese Seite kam nicht mit',
  elsewhere: 'Offline – dieses Gespräch ging in einem anderen Fenster weiter',
  now: 'Jetzt', nowLabel: 'Jetzt neu verbinden', here: 'Hier fortsetzen',
  joined: (who, n) => `${who} ${n > 1 ? 'sind' : 'ist'} gekommen`,
  left: (who, n) => `${who} ${n > 1 ? 'sind' : 'ist'} gegangen`,
  back: (who, n) => `${who} ${n > 1 ? 'sind' : 'ist'} gegangen und wiedergekommen`,
  visited: (who, n) => `${who} ${n > 1 ? 'waren' : 'war'} kurz da`,
  renamed: (from, to) => `${name(from)} heißt jetzt ${name(to)}`,
  renames: (n) => `${n} haben ihren Namen geändert`,
  andOthers: (n) => `${n} weitere`,
  unread: 'Neu', newMessages: (n) => `Neue Nachrichten (${n})`, toEnd: 'Ans Ende',
  arrived: (n) => (n === 1 ? '1 neue Nachricht' : `${n} neue Nachrichten`),
  gap: 'Verpasstes wird geladen…',
  lost: 'Was hier geschah, wurde verpasst und ist nicht mehr zu haben.',
  earlier: 'Früheres wird geladen…', beginning: 'Hier beginnt der Raum.',
  you: 'du', sent: 'Gesendet', sending: 'Wird gesendet', refused: (why) => `Nicht gesendet: ${why}`,
  edit: 'Bearbeiten', resend: 'Nochmals senden', drop: 'Verwerfen',
  typing: (who) => `${name(who)} schreibt…`, severalTyping: 'Mehrere schreiben…',
  remaining: (n) => `noch ${n}`, tooLong: (n) => `${n} zu viel`,
  who: (list) => `Hier: ${list}`,
  help: 'Enter sendet, Umschalt+Enter beginnt eine neue Zeile, Tab ergänzt einen Namen, Pfeil hoch im leeren Feld holt '
    + 'das zuletzt Gesagte zurück. `Code` und ```mehr Code``` bleiben wie getippt. /rename NAME ändert den eigenen '
    + 'Namen, /who nennt die Anwesenden, /help zeigt dies. Für einen Schrägstrich am Anfang zwei schreiben.',
  noCommand: (word) => `Den Befehl /${word} gibt es nicht; /help zeigt alle. Zum Sagen mit zwei Schrägstrichen beginnen.`,
  rename: '/rename und den neuen Namen schreiben.', notNow: 'Das geht erst wieder mit Verbindung.',
  badRoom: 'Kleinbuchstaben a–z, Ziffern und Bindestriche, höchstens 32.',
  mentioned: (who, room) => `${who} in ${room}`,
  more: (n) => `und ${n} mehr`,
  errors: {
    username_invalid: 'Ein Name hat 1 bis 32 Zeichen, alle sichtbar.',
    username_taken: 'So oder sehr ähnlich heißt hier schon jemand. Bitte anders.',
    room_invalid: 'Einen Raum dieses Namens gibt es nicht.', text_empty: 'Es steht nichts darin.',
    text_too_long: 'Sie ist länger als 4.000 Zeichen.', bad_field: 'Sie enthält Zeichen, die nicht gesendet werden können.',
    rate_limited: 'Zu viel auf einmal. Bitte kurz warten.',
    storage_failed: 'Der Server konnte sie nicht aufbewahren. Später nochmals versuchen.',
  },
};

const tables = { en: english, de: german };
const locale = navigator.languages.find((tag) => tag.slice(0, 2) in tables) ?? 'en';
export const t = tables[locale.slice(0, 2)];

/** Gives the standing words of the page their language. */
export function translate(root) {
  root.documentElement.lang = locale;
  for (const element of root.querySelectorAll('[data-text]')) element.textContent = t[element.dataset.text];
  for (const element of root.querySelectorAll('[data-label]')) element.setAttribute('aria-label', t[element.dataset.label]);
  for (const element of root.querySelectorAll('[data-placeholder]')) element.placeholder = t[element.dataset.placeholder];
}

const clock = new Intl.DateTimeFormat(locale, { hour: '2-digit', minute: '2-digit' });
const calendar = new Intl.DateTimeFormat(locale, { weekday: 'long', day: 'numeric', month: 'long' });
const calendarWithYear = new Intl.DateTimeFormat(locale, { dateStyle: 'full' });
const conjunction = new Intl.ListFormat(locale, { type: 'conjunction' });
export const collator = new Intl.Collator(locale, { numeric: true });
export const number = new Intl.NumberFormat(locale);

export const time = (ms) => clock.format(ms);
export const day = (ms) =>
  (new Date(ms).getFullYear() === new Date().getFullYear() ? calendar : calendarWithYear).format(ms);

/** "Ada", "Ada and Bo", "Ada, Bo and Cy", "Ada, Bo and 4 others". */
export function names(list) {
  const shown = list.length > 3 ? [...list.slice(0, 2).map(name), t.andOthers(list.length - 2)] : list.map(name);
  return conjunction.format(shown);
}

/** Sets an element's text; what `name()` wrapped becomes a <bdi>, so that no invisible character is left in the page. */
export function put(element, sentence, ...more) {
  const parts = sentence.split(/\u2068(.*?)\u2069/s).map((part, index) => (index % 2 ? make('bdi', '', part) : part));
  element.replaceChildren(...parts, ...more);
  return element;
}

export const plain = (sentence) => sentence.replace(/[\u2068\u2069]/g, '');

export function make(tag, className = '', text = '') {
  const element = document.createElement(tag);
  if (className) element.className = className;
  if (text) element.textContent = text;
  return element;
}

/** Lengths are counted in Unicode scalars: an emoji is one, where a string's own length says two. */
export const scalars = (text) => [...text].length;

/** A name's hue (0–359) follows from the name however it is spelled (FNV-1a); style.css fixes lightness and chroma. */
export function hue(username) {
  let hash = 0x811c9dc5;
  for (const character of username.normalize('NFKC').toLowerCase()) {
    hash = Math.imul(hash ^ character.codePointAt(0), 0x01000193);
  }
  return (hash >>> 0) % 360;
}

/** A pattern that finds `username` in a text as a word of its own, however it is capitalised. */
export function mentionOf(username) {
  const literal = username.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&');
  return new RegExp(`(?<![\\p{L}\\p{N}_])@?${literal}(?![\\p{L}\\p{N}_])`, 'iu');
}

// How an event looks. One function for each kind of row makes its element, or brings it up to date.

export const draw = {
  day: ({ element, event }) => element ?? item('day', stamp(event.time, day)),
  unread: ({ element }) => element ?? item('unread', t.unread),
  gap: ({ event }) => item('gap', event.lost ? t.lost : t.gap),

  message(row, log) {
    const { event, under, state = 'sent' } = row;
    const element = row.element ?? newMessage(event, log.mention);
    const marks = [under && 'under', event.own && `own ${state}`, event.mention && 'mention'];
    element.className = ['message', ...marks.filter(Boolean)].join(' ');
    stamp(event.time, time, element.querySelector('time'));
    if (!event.own) return element;
    set(element.querySelector('.name'), event.username);
    element.querySelector('.state').setAttribute('aria-label', t[state]);
    const refused = element.querySelector('.refusal');
    if (!event.reason) refused?.remove();
    else if (!refused) element.append(refusal(event, log));
    return element;
  },

  notices(row) {
    const element = row.element ?? item('notices');
    const lines = sumUp(row.events);
    const drawn = lines.map((line) => put(make('p'), line.say, ' ', stamp(line.time, time)));
    if (lines.length < 3) {
      element.replaceChildren(...drawn);
      return element;
    }
    // What is there already stays: someone may be at it.
    const details = element.querySelector('details') ?? make('details');
    const summary = put(details.firstChild ?? make('summary'), fold(lines));
    if (!summary.isConnected) details.append(summary);
    while (summary.nextSibling) summary.nextSibling.remove();
    details.append(...drawn);
    if (details.parentNode !== element) element.replaceChildren(details);
    return element;
  },
};

function item(className, ...content) {
  const element = make('li', className);
  element.append(...content);
  return element;
}

/** Touches the text only where it changes: what a screen reader has read, it would read again. */
function set(element, text) {
  if (element.textContent !== text) element.textContent = text;
  return element;
}

function stamp(ms, format, element = make('time')) {
  element.dateTime = new Date(ms).toISOString();
  return set(element, format(ms));
}

function newMessage({ username, text, own }, mention) {
  const author = make('bdi', 'name', username);
  author.style.setProperty('--hue', hue(username));
  const head = make('p', 'head');
  head.append(author, ' ', ...(own ? [make('span', 'you', t.you), ' '] : []), make('time'));
  const body = make('div', text.length < 100 && EMOJI.test(text) ? 'text large' : 'text');
  body.dir = 'auto';
  write(body, text, [[FENCE, block], [CODE, code], [LINK, link], ...(mention && !own ? [[mention, marked]] : [])]);
  const state = make('span', 'state');
  state.setAttribute('role', 'img');
  return item('', head, body, ...(own ? [state] : []));
}

function refusal({ id, reason }, log) {
  const element = make('p', 'refusal', t.refused(t.errors[reason.code] ?? reason.message));
  for (const what of ['edit', 'resend', 'drop']) {
    const button = make('button', 'quiet', t[what]);
    button.addEventListener('click', () => log.act(what, id));
    element.append(' ', button);
  }
  return element;
}

/** What a run of notices comes to: one line for each person who came or went, and one for each new name. */
function sumUp(events) {
  const people = new Map();
  const lines = new Set();
  for (const { type, username, to, time: ms } of events) {
    const line = people.get(username) ?? { first: type };
    people.delete(username);
    if (type === 'rename') {
      lines.add({ kind: 'renamed', time: ms, say: t.renamed(username, to) });
      if (lines.has(line)) people.set(to, line);
      continue;
    }
    people.set(username, line);
    const kind = line.first === type ? { join: 'joined', leave: 'left' }[type] : { join: 'back', leave: 'visited' }[type];
    lines.add(Object.assign(line, { kind, time: ms, username, say: t[kind](names([username]), 1) }));
  }
  return [...lines];
}

/** "Ada, Bo and 4 others joined; Cy left" */
function fold(lines) {
  const kinds = [...new Set(lines.map((line) => line.kind))];
  return kinds.map((kind) => {
    const same = lines.filter((line) => line.kind === kind);
    if (kind === 'renamed') return same.length > 1 ? t.renames(same.length) : same[0].say;
    return t[kind](names(same.map((line) => line.username)), same.length);
  }).join('; ');
}

// What a message may hold besides text. Bidirectional controls end an address: they could make it read as another one.
const FENCE = /\n?```(?:[\w+#-]*\n)?([\s\S]+?)```\n?/;
const CODE = /`([^`\n]+)`/;
const LINK = /\bhttps?:\/\/[^\s<>"`\u200e\u200f\u202a-\u202e\u2066-\u2069]+/i;
const EMOJI = (() => {
  try {
    return new RegExp('^(?:\\p{RGI_Emoji}\\s*){1,3}$', 'v');
  } catch { // a browser from before 2023
    return /^(?:\p{Extended_Pictographic}\ufe0f?\s*){1,3}$/u;
  }
})();

/** Shows what a person wrote: what the first pattern finds, and with the other patterns what lies around that. */
function write(element, text, [[pattern, show], ...others]) {
  let rest = text;
  const around = (part) => part && (others.length ? write(element, part, others) : element.append(part));
  for (let found; (found = pattern.exec(rest));) {
    const before = rest.slice(0, found.index);
    const [shown, used] = show(found);
    around(before);
    element.append(shown);
    rest = rest.slice(found.index + used);
  }
  around(rest);
}

function block([all, inner]) {
  const pre = make('pre');
  pre.append(make('code', '', inner.replace(/\n$/, '')));
  return [pre, all.length];
}

const code = ([all, inner]) => [make('code', '', inner), all.length];
const marked = ([all]) => [make('mark', '', all), all.length];

function link([all]) {
  const address = all.slice(0, addressEnd(all));
  if (!URL.canParse(address)) return [document.createTextNode(all), all.length];
  const anchor = make('a', '', address);
  anchor.href = address;
  anchor.target = '_blank';
  anchor.rel = 'noopener noreferrer';
  return [anchor, address.length];
}

/** Marks at the end belong to the sentence, not to the address; so does a closing bracket that the address never opened. */
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
