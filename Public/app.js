// Wires the page: the connection's news go to the log, the people, the status and the title; what the person does goes to
// the connection.

import { Connection, Store, claim } from './connection.js';
import { Log } from './log.js';
import { LIMITS, collator, hue, make, mentionOf, names, number, plain, put, scalars, t, translate } from './text.js';

const base = new URL('.', import.meta.url);
const room = /\/r\/([a-z0-9-]{1,32})$/.exec(location.pathname)?.[1] ?? 'lobby';
const addressOf = (name) => new URL(name === 'lobby' ? '.' : `r/${name}`, base).href;
const page = Object.fromEntries([...document.querySelectorAll('[id]')].map((element) => [element.id, element]));

const scope = `chatloop ${base.pathname}`;
const browser = new Store(() => localStorage, `${scope} `);
const tab = new Store(() => sessionStorage, `${scope} `);
const here = new Store(() => sessionStorage, `${scope} ${room} `);

translate(document);
page.room.textContent = room;
document.title = `${room} · Chatloop`;
page.username.value = browser.get('name') ?? '';
await claim(tab, scope);

const connection = new Connection({
  address: Object.assign(new URL(`chat?room=${room}`, base), { protocol: base.protocol.replace('http', 'ws') }),
  store: here, receive, changed,
});
const log = new Log({
  scroller: page.log, button: page.unread, ask: (before) => connection.older(before, 100), act: handleRefused, announce,
});

// Arriving.

let guest = newGuest();
let asGuest = false;
const arriving = () => !page.entry.hidden;

function newGuest() {
  const name = `${t.guestName} ${1000 + Math.floor(Math.random() * 9000)}`;
  page.guest.textContent = t.guest(name);
  return name;
}

page.entry.addEventListener('submit', (event) => {
  event.preventDefault();
  const name = page.username.value.trim();
  if (scalars(name) > LIMITS.username) return refuseName({ code: 'username_invalid' });
  asGuest = !name;
  connection.join(name || guest);
});
page.username.addEventListener('input', () => refuseName(null));

function refuseName(error) {
  if (error?.code === 'username_taken' && asGuest) {
    guest = newGuest();
    return connection.join(guest);
  }
  page.usernameError.textContent = error ? t.errors[error.code] ?? error.message : '';
  page.username.setAttribute('aria-invalid', String(Boolean(error)));
  if (error) page.username.focus();
}

/** Shows the form, or the chat in its place. After a long absence the name may be gone: then the form lies over the log. */
function show(chat) {
  page.entry.hidden = chat;
  page.entry.inert = false;
  page.composer.hidden = !chat;
  page.log.hidden = page.side.hidden = page.menu.hidden = !chat && !people.size;
  page.skip.href = chat ? '#message' : '#username';
}

function receive(message) {
  RECEIVE[message.type]?.(message);
}

const RECEIVE = {
  welcome({ username, users, userCount, history, resumed, restarted, gap }) {
    people = new Set(users);
    headcount = userCount;
    rename(username);
    const first = arriving();
    show(true);
    if (first) {
      page.message.focus();
      if (!asGuest) browser.set('name', username);
    }
    const events = history.map(annotate);
    if (!resumed || restarted) log.fill(events, events.length > 0);
    else {
      if (gap && events.length) log.missed(events[0]);
      log.add(events, true);
      log.older(null); // what was asked for on the old connection
    }
    noticed(events.filter((event) => resumed && isNews(event)).length);
    typing.clear();
    showTyping();
    showPeople();
  },

  message(event) {
    log.add([annotate(event)]);
    stopTyping(event.username);
    if (isNews(event)) noticed(1, event.mention && event);
  },

  join(event) {
    log.add([event]);
    if (event.username !== connection.name && !people.has(event.username)) headcount += 1;
    people.add(event.username);
    showPeople();
  },

  leave(event) {
    log.add([event]);
    headcount -= 1;
    people.delete(event.username);
    stopTyping(event.username);
    showPeople();
  },

  rename(event) {
    log.add([event]);
    stopTyping(event.username);
    people.delete(event.username);
    people.add(event.to);
    if (event.to === connection.name) rename(event.to);
    showPeople();
  },

  typing({ username }) {
    clearTimeout(typing.get(username));
    typing.set(username, setTimeout(stopTyping, 5_000, username));
    showTyping();
  },

  history({ events, more }) {
    log.older(events.map(annotate), more);
  },

  error(error) {
    if (connection.phase === 'out') {
      show(false);
      refuseName(error);
    } else if (error.code === 'rate_limited') setTimeout(() => log.older(null), error.retryAfter ?? 1_000);
    else note(t.errors[error.code] ?? error.message);
  },

  reload: () => location.reload(),
};

/** Whose a message is and whom it speaks of is decided when it arrives: names change hands. */
function annotate(event) {
  if (event.type === 'message') {
    event.own = event.username === connection.name;
    event.mention = !event.own && log.mention.test(event.text);
  }
  return event;
}

const isNews = (event) => event.type === 'message' && !event.own;

function rename(name) {
  log.mention = mentionOf(name);
}

// The status, and the outbox.

let ticking = 0;

function changed() {
  log.setOutbox(connection.outbox.map((item) => ({ ...item, username: connection.name })));
  showStatus();
}

function showStatus() {
  clearTimeout(ticking);
  const { phase, why, nextTry } = connection;
  const seconds = Math.ceil((nextTry - Date.now()) / 1000);
  const waiting = phase === 'waiting' && seconds > 0;
  const offline = !navigator.onLine && phase !== 'joined';
  const state = phase === 'joined' ? 'connected' : phase === 'taken' ? 'elsewhere' : offline ? 'offline' : 'reconnecting';
  const counted = state === 'reconnecting' ? (waiting ? t.inSeconds(seconds) : '…') : '';
  [t[state], counted, why && state === 'reconnecting' ? t[why] : ''].forEach((text, index) => {
    // Only what changed: a screen reader reads a status whenever it is set. The seconds are not for its ears.
    const part = page.status.children[index];
    if (part.textContent !== text) part.textContent = text;
  });
  page.status.dataset.state = state;
  page.status.hidden = phase === 'out' || (arriving() && phase === 'trying');
  page.retry.hidden = phase !== 'taken' && (state !== 'reconnecting' || connection.tries < 2); // not for a mere hiccup
  page.retry.textContent = phase === 'taken' ? t.here : t.now;
  page.retry.setAttribute('aria-label', phase === 'taken' ? t.here : t.nowLabel);
  if (arriving() && phase !== 'out') page.guest.textContent = phase === 'trying' ? t.connecting : t.unreachable;
  if (waiting) ticking = setTimeout(showStatus, 1_000);
}

page.retry.addEventListener('click', () => {
  connection.hurry(true);
  (arriving() ? page.username : page.message).focus(); // the button goes
});
addEventListener('online', () => connection.hurry());
addEventListener('offline', () => {
  connection.offline();
  showStatus();
});

// Who is here.

let people = new Set();
let headcount = 0;
let drawing = 0;
const typing = new Map(); // name → timer

function showPeople() {
  drawing ||= setTimeout(() => {
    drawing = 0;
    const rows = [...people].sort(collator.compare).map((name) => {
      const row = make('li');
      row.style.setProperty('--hue', hue(name));
      row.append(make('bdi', '', name), ...(name === connection.name ? [' ', make('span', 'you', t.you)] : []));
      return row;
    });
    if (headcount > people.size) rows.push(make('li', 'more', t.more(number.format(headcount - people.size))));
    page.people.replaceChildren(...rows);
    page.headcount.textContent = page.peopleCount.textContent = number.format(headcount);
  }, 30);
}

function stopTyping(name) {
  clearTimeout(typing.get(name));
  if (typing.delete(name)) showTyping();
}

function showTyping() {
  const [name] = typing.keys();
  put(page.typing, typing.size > 1 ? t.severalTyping : name ? t.typing(name) : '');
}

// Writing.

const LINES = 6;
let completion = null;

page.composer.addEventListener('submit', (event) => {
  event.preventDefault();
  const text = page.message.value.trimEnd();
  note('');
  if (!text) return;
  const [, word, rest] = /^\/(\w+)(?:\s+(.*))?$/s.exec(text) ?? [];
  if (word ? !obey(word, rest) : !say(text.replace(/^\/\//, '/'))) return;
  write('');
  page.message.focus();
});

function say(text) {
  if (scalars(text) > LIMITS.text) return void note(t.errors.text_too_long);
  here.set('said', text);
  connection.say(text.toWellFormed?.() ?? text);
  log.spoke();
  return true;
}

/** Whether the command was one that could be obeyed. */
function obey(word, rest) {
  if (word === 'help') note(t.help);
  else if (word === 'who') note(t.who(names([...people].sort(collator.compare), Infinity)));
  else if (word !== 'rename') return void note(t.noCommand(word));
  else if (!rest) return void note(t.rename);
  else if (!connection.rename(rest.trim())) return void note(t.notNow);
  return true;
}

function note(text) {
  page.note.textContent = plain(text);
}

page.message.addEventListener('input', () => {
  completion = null;
  written();
  if (page.message.value.trim() && !page.message.value.startsWith('/')) connection.typing();
});

page.message.addEventListener('keydown', (event) => {
  const { key, shiftKey, isComposing, keyCode } = event;
  if (isComposing || keyCode === 229) return; // an input method's: Safari ends the composition before this event
  const act = key === 'Enter' && !shiftKey ? () => page.composer.requestSubmit()
    : key === 'ArrowUp' && !page.message.value ? bringBack
      : key === 'Tab' && !shiftKey ? complete()
        : key === 'Escape' && page.note.textContent ? () => note('') : null;
  if (!act) return;
  event.preventDefault();
  act();
});

function write(text) {
  page.message.value = text;
  written();
}

/** Whatever follows from what stands in the field: its height, the count, and the draft. */
function written() {
  const { value, style } = page.message;
  here.set('draft', value || null);
  const left = LIMITS.text - scalars(value);
  page.count.textContent = left > 200 ? '' : left < 0 ? t.tooLong(number.format(-left)) : t.remaining(number.format(left));
  page.message.setAttribute('aria-invalid', String(left < 0));
  style.height = 'auto';
  style.height = `${page.message.scrollHeight}px`; // style.css stops it at six lines
}

function bringBack() {
  const refused = connection.outbox.findLast((item) => item.reason);
  if (refused) handleRefused('edit', refused.id);
  else write(here.get('said') ?? '');
}

function handleRefused(what, id) {
  const item = connection.outbox.find((other) => other.id === id);
  if (what === 'resend') return connection.resend(id);
  connection.drop(id);
  if (what === 'edit') write([item.text, page.message.value].filter(Boolean).join('\n'));
  page.message.focus();
}

/** What Tab does here: the next name that the word before the caret may become; nothing (so that Tab leaves) after the last. */
function complete() {
  const { value, selectionStart: caret } = page.message;
  if (!completion) {
    const start = value.slice(0, caret).search(/[^\s@]*$/);
    const begun = value.slice(start, caret).toLowerCase();
    const found = [...people].filter((name) => name !== connection.name && name.toLowerCase().startsWith(begun));
    completion = begun && { start, rest: value.slice(caret), names: found.sort(collator.compare) };
  }
  const name = completion && completion.names.shift();
  if (!name) return completion = null;
  const { start, rest } = completion;
  return () => {
    const done = `${value.slice(0, start)}${name}${start ? ' ' : ': '}`;
    write(done + rest);
    page.message.setSelectionRange(done.length, done.length);
  };
}

// Whoever types while nothing has the focus means to write.
document.addEventListener('keydown', ({ key, ctrlKey, metaKey, altKey }) => {
  const idle = [document.body, page.log].includes(document.activeElement);
  if (idle && key.length === 1 && key !== ' ' && !ctrlKey && !metaKey && !altKey) page.message.focus();
});

// Noticing.

const plainIcon = page.icon.getAttribute('href');
let missed = 0;

function noticed(count, mention) {
  if (mention && document.hidden && browser.get('notify')) notify(mention);
  const before = missed;
  missed = document.hidden ? missed + count : 0;
  if (missed === before) return;
  document.title = `${missed ? `(${missed}) ` : ''}${room} · Chatloop`;
  const badge = `<circle cx='21' cy='21' r='11' fill='%23c62f1d'/><text x='21' y='26' font-size='14' font-weight='700'
    font-family='sans-serif' text-anchor='middle' fill='%23fff'>${Math.min(missed, 99)}</text></svg>`;
  page.icon.href = missed ? plainIcon.replace('</svg>', badge) : plainIcon;
}

/** A notification where the person and the browser allow it, a sound where not. */
function notify({ username, text }) {
  try {
    if (Notification.permission !== 'granted') return chime();
    new Notification(t.mentioned(username, room), { body: text.slice(0, 200), tag: room });
  } catch { // there are none without https, and on some phones
    chime();
  }
}

function chime() {
  if (!navigator.userActivation?.hasBeenActive) return; // the browser would refuse, and complain
  const audio = new AudioContext();
  const [tone, volume] = [audio.createOscillator(), audio.createGain()];
  tone.frequency.value = 740;
  volume.gain.setValueAtTime(0.08, 0);
  volume.gain.exponentialRampToValueAtTime(0.0001, 0.3);
  tone.connect(volume).connect(audio.destination);
  tone.onended = () => audio.close();
  tone.start();
  tone.stop(0.3);
}

function announce(text) {
  page.announcer.textContent = text;
}

// Rooms, and options.

function remember() {
  const recent = [room, ...(browser.get('rooms') ?? []).filter((name) => name !== room)].slice(0, 6);
  browser.set('rooms', recent);
  page.rooms.replaceChildren(...[...new Set(['lobby', ...recent])].sort().map((name) => {
    const link = make('a', '', name);
    link.href = addressOf(name);
    if (name === room) link.ariaCurrent = 'page';
    link.addEventListener('click', () => tab.set('enter', { room: name, name: connection.name }));
    const row = make('li');
    row.append(link);
    return row;
  }));
}

page.openRoom.addEventListener('submit', (event) => {
  event.preventDefault();
  const name = page.roomName.value.trim().toLowerCase().replace(/\s+/g, '-');
  const valid = /^[a-z0-9-]{1,32}$/.test(name);
  page.roomError.textContent = valid ? '' : t.badRoom;
  page.roomName.setAttribute('aria-invalid', String(!valid));
  if (!valid) return;
  tab.set('enter', { room: name, name: connection.name });
  location.assign(addressOf(name));
});

page.copy.addEventListener('click', async () => {
  try {
    await navigator.clipboard.writeText(addressOf(room));
  } catch { // without https
    const field = make('textarea');
    field.value = addressOf(room);
    page.copy.after(field);
    field.select();
    document.execCommand('copy');
    field.remove();
  }
  page.copy.textContent = t.copied;
  announce(t.copied);
  setTimeout(() => { page.copy.textContent = t.copyLink; }, 2_000);
});

page.showNotices.checked = browser.get('notices') ?? true;
log.showNotices(page.showNotices.checked);
page.showNotices.addEventListener('change', () => {
  browser.set('notices', page.showNotices.checked);
  log.showNotices(page.showNotices.checked);
});

page.notify.checked = browser.get('notify') ?? false;
page.notify.addEventListener('change', async () => {
  browser.set('notify', page.notify.checked);
  if (page.notify.checked && await globalThis.Notification?.requestPermission() !== 'granted') chime(); // what it will be
});

// Coming back and going away.

document.addEventListener('visibilitychange', () => {
  if (document.hidden) return save();
  connection.hurry();
  noticed(0);
});
addEventListener('pagehide', save);
addEventListener('pageshow', ({ persisted }) => persisted && location.reload()); // its socket is gone, its claim perhaps too

function save() {
  if (!connection.session || arriving()) return;
  here.set('log', log.save());
  here.set('focus', document.activeElement === page.message);
}

matchMedia('(min-width: 45rem)').addEventListener('change', () => page.side.matches(':popover-open') && page.side.hidePopover());

// iOS lays its keyboard over the page; the others resize it.
visualViewport?.addEventListener('resize', () => {
  if (visualViewport.scale === 1) document.body.style.setProperty('--height', `${visualViewport.height}px`);
  scrollTo(0, 0);
});

remember();
const enter = tab.get('enter');
tab.set('enter', null);
if (connection.session) {
  show(true);
  const saved = here.get('log');
  if (saved) log.restore(saved);
  connection.seq = log.newest;
  write(here.get('draft') ?? '');
  if (here.get('focus')) page.message.focus({ preventScroll: true });
  connection.join(connection.name);
} else if (enter?.room === room) connection.join(enter.name);
else {
  show(false);
  if (!matchMedia('(pointer: coarse)').matches) page.username.focus(); // a phone would open its keyboard
}
