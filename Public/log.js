// The messages on the screen: events become rows, and a window of the rows becomes elements.
//
//   events (all that is known, by seq) ──▶ rows (days, groups, folded notices) ──▶ elements of rows[first..<last]
//
// Changes are gathered and drawn once a frame. A reader at the end follows; for anyone else the first row in view is
// measured before a change and put back where it was after it, to the pixel. (style.css turns the browser's own anchoring
// off: not every browser has it, and two would fight.)

import { draw, make, number, t } from './text.js';

const GROUPED_WITHIN = 5 * 60_000;
const AT_END = 100;    // px from the end within which a reader follows
const WINDOW = 200;    // rows that are kept as elements before the end, or to either side of the view
const KEPT = 20_000;   // events in memory; older ones can be asked for again
const SAVED = 3_000;   // events kept across a reload
const READ_OUT = 5;    // more new rows than that at once are counted for a screen reader, not read

export class Log {
  following = true;
  #events = [];
  #rows = [];
  #outbox = [];
  #pending = new Map();     // rows of the outbox, by message id
  #rowOf = new WeakMap();   // by element
  #first = 0;
  #last = 0;
  #complete = true;         // the end is among the elements; rows that were added since do not count
  #more = false;            // the server has something older
  #asked = null;            // what history is under way for: the start, or a gap
  #seen = 0;                // the newest event that was in view
  #unread = 0;              // messages after that
  #mark = 0;                // the first unread event: a line stands before it
  #notices = true;
  #scheduled = null;
  #top = 0;                 // scrollTop as last known
  #leaving = 0;             // a timer, while the reader goes up
  #place = null;            // what is at the top of the view, for when its size changes
  #going = null;            // where to go with the next drawing
  #hushed = 0;              // a timer, while nothing is to be read out
  #unsaid = 0;

  /** `ask(before)` asks for history, `act(what, id)` handles a refused message, `announce(text)` speaks. */
  constructor({ scroller, button, ask, act, announce }) {
    Object.assign(this, { scroller, button, ask, act, announce, mention: null });
    this.list = scroller.querySelector('ol');
    this.start = make('li', 'start');
    scroller.addEventListener('scroll', () => this.#scrolled(), { passive: true });
    button.addEventListener('click', () => this.#toUnread());
    document.addEventListener('visibilitychange', () => this.#schedule());
    new ResizeObserver(() => this.#put(this.following ? null : this.#place)).observe(scroller);
  }

  // What comes in.

  /** The first events of all, or all anew. */
  fill(events, more) {
    this.following = true;
    this.#events = events;
    this.#more = more;
    this.#asked = null;
    this.#mark = 0;
    this.#seen = this.newest;
    this.#unsaid = 0;
    this.#rebuild();
    this.#hush();
  }

  /** New events. After a resume they are summed up for a screen reader, not read out. */
  add(events, resumed = false) {
    const known = [];
    for (const event of events) {
      if (event.seq <= this.newest) {
        known.push(event); // a receipt given again
        continue;
      }
      if (isOthers(event)) {
        if (!this.#unread && (resumed || !this.following || document.hidden)) this.#line(event.seq);
        this.#unread += 1;
        this.#unsaid += 1;
      }
      this.#events.push(event);
      this.#extend(event);
    }
    if (known.length) this.#merge(known);
    if (this.following && this.#events.length > KEPT) {
      this.#events = this.#events.slice(KEPT / 4);
      this.#more = true;
      this.#rebuild();
    }
    if (resumed) this.#hush();
    this.#schedule();
  }

  /** Events between those known and those to come were left out; their messages can be asked for. */
  missed({ seq, time }) {
    this.#events.push({ type: 'gap', seq: seq - 0.5, time, lost: false });
    this.#rebuild();
  }

  /** The answer to `ask`, or null where none will come. */
  older(events, more) {
    const asked = this.#asked;
    this.#asked = null;
    this.#hush();
    this.#schedule();
    if (!asked || !events) return;
    const overlap = this.#merge(events);
    if (asked === this.start) this.#more = more;
    else {
      const isFirst = this.#events[0] === asked;
      if (overlap || (isFirst && !more)) this.#events.splice(this.#events.indexOf(asked), 1);
      else if (!more) asked.lost = true;
      else Object.assign(asked, { seq: events[0].seq - 0.5, time: events[0].time });
    }
    this.#rebuild();
  }

  /** One's own messages that are no events yet. */
  setOutbox(outbox) {
    this.#outbox = outbox;
    this.#schedule();
  }

  /** One spoke: what there was to read is read, and the own words are to be seen. */
  spoke() {
    this.#line(0);
    this.following = true;
    this.#schedule();
  }

  showNotices(shown) {
    this.#notices = shown;
    this.#hush();
    this.#rebuild();
  }

  get newest() {
    return Math.floor(this.#events.at(-1)?.seq ?? 0);
  }

  /** What it takes to come back to the same place after a reload. */
  save() {
    const place = this.following ? null : this.#anchor();
    const seq = place && this.#rowOf.get(place.element).seq;
    const from = place ? this.#events.findIndex((event) => event.seq >= seq) - WINDOW : -WINDOW;
    const events = this.#events.slice(place ? Math.max(0, from) : from).slice(-SAVED);
    const more = this.#more || events.length < this.#events.length;
    return { events, more, seen: this.#seen, mark: this.#mark, seq, top: place?.top };
  }

  restore({ events, more, seen, mark, seq, top }) {
    this.fill(events, more);
    this.#seen = seen;
    this.#line(mark);
    this.following = !seq;
    this.#going = seq ? { seq, top } : null;
    this.#draw();
  }

  // Events → rows.

  /** Takes in events that are not the newest, and says whether some of them were known. */
  #merge(events) {
    const known = new Set(this.#events.map((event) => event.seq));
    const fresh = events.filter((event) => !known.has(event.seq));
    this.#events = [...this.#events, ...fresh].sort((a, b) => a.seq - b.seq);
    if (fresh.length) this.#rebuild();
    return fresh.length < events.length;
  }

  #line(seq) {
    if (this.#mark === seq) return;
    this.#mark = seq;
    this.#rebuild();
  }

  /** Makes the rows anew. Elements, and the window, stay with what they showed. */
  #rebuild() {
    const old = new Map(this.#rows.filter((row) => row.element).map((row) => [row.key, row]));
    const [first, last] = [this.#rows[this.#first]?.seq ?? 0, this.#rows[this.#last]?.seq ?? Infinity];
    this.#rows = [];
    this.#events.sort((a, b) => a.seq - b.seq).forEach((event) => this.#extend(event));
    for (const row of this.#rows) {
      const { element } = old.get(row.key) ?? {};
      if (element) Object.assign(row, { element, stale: true });
    }
    this.#first = this.#index(first);
    this.#last = this.#index(last);
    this.#schedule();
  }

  #index(seq) {
    return firstOf(this.#rows, (row) => row.seq >= seq);
  }

  /** One more event at the end of the rows. */
  #extend(event) {
    const { seq, type } = event;
    const notice = type !== 'message' && type !== 'gap';
    if (notice && !this.#notices) return;
    const date = new Date(event.time).toDateString();
    if (date !== this.#rows.at(-1)?.date) this.#rows.push({ kind: 'day', key: `day${seq}`, seq, date, event });
    if (seq === this.#mark) this.#rows.push({ kind: 'unread', key: `unread${seq}`, seq, date });
    const before = this.#rows.at(-1);
    if (notice && before.kind === 'notices') {
      before.events.push(event);
      before.stale = true;
      return;
    }
    const kind = notice ? 'notices' : type;
    const row = { kind, key: kind + seq, seq, date, event, events: [event], ...under(before, event) };
    // A message keeps the element that showed it while it waited: nothing moves, and nothing is read out twice.
    const waiting = event.own && this.#pending.get(event.id)?.element;
    if (waiting) Object.assign(row, { element: waiting, stale: true });
    this.#rows.push(row);
  }

  #outboxRows() {
    const rows = new Map();
    let before = this.#rows.at(-1);
    for (const item of this.#outbox) {
      const event = { ...item, type: 'message', own: true };
      const state = item.reason ? 'refused' : 'sending';
      const row = { kind: 'message', seq: Infinity, event, state, stale: true, ...under(before, event) };
      row.element = this.#pending.get(item.id)?.element;
      rows.set(item.id, row);
      before = row;
    }
    this.#pending = rows;
    return rows.values();
  }

  // Rows → elements.

  #schedule() {
    if (this.#scheduled) return;
    const draw = () => this.#draw();
    const frame = requestAnimationFrame(draw);
    const timer = setTimeout(draw, 250); // a hidden page gets no frames
    this.#scheduled = { frame, timer };
  }

  #draw() {
    cancelAnimationFrame(this.#scheduled?.frame);
    clearTimeout(this.#scheduled?.timer);
    this.#scheduled = null;
    if (!this.following || this.#unsaid > READ_OUT) this.#hush();
    else if (!this.#hushed) this.#unsaid = 0;
    const place = this.#choose(this.#going ?? this.#anchor());
    this.#going = null;
    this.#show();
    this.#put(place);
    this.#settle();
  }

  /** Chooses the rows to show, and says what is to stay where it is: nothing, where the end is. */
  #choose(place) {
    const end = this.#rows.length;
    const around = (index) => {
      this.#first = Math.max(0, index - WINDOW);
      this.#last = Math.min(end, index + WINDOW);
    };
    this.#complete = true;
    if (this.following || !place) {
      if (end - this.#last > WINDOW) around(end);
      // Trimming gets a frame of its own: with nothing else happening in it, nothing is seen to move.
      else if (this.#last - this.#first > 2 * WINDOW) {
        this.#first = this.#last - WINDOW;
        this.#schedule();
        return place;
      }
      this.#last = end;
      return null;
    }
    const at = this.#index(place.seq);
    const near = (this.#first > 0 && at - this.#first < WINDOW / 2) || (this.#last < end && this.#last - at < WINDOW / 2);
    if (near || this.#last - this.#first > 3 * WINDOW) around(at);
    this.#complete = this.#last === end;
    return place;
  }

  /** Makes the list's elements those of the window, moving none that may stay. */
  #show() {
    const wanted = this.#rows.slice(this.#first, this.#last);
    if (this.#complete) wanted.push(...this.#outboxRows());
    const elements = wanted.map((row) => this.#element(row));
    if (this.#first === 0) elements.unshift(this.start);
    this.start.textContent = this.#more ? t.earlier : t.beginning;
    const keep = new Set(elements);
    for (const element of [...this.list.children]) if (!keep.has(element)) this.#discard(element);
    let next = this.list.firstChild;
    for (const element of elements) {
      if (element === next) next = next.nextSibling;
      else this.list.insertBefore(element, next);
    }
  }

  #element(row) {
    if (!row.element || row.stale) row.element = draw[row.kind](row, this);
    row.stale = false;
    this.#rowOf.set(row.element, row);
    return row.element;
  }

  #discard(element) {
    const row = this.#rowOf.get(element);
    if (row?.element === element) row.element = null;
    element.remove();
  }

  // Where the reader is.

  #scrolled() {
    if (this.scroller.scrollTop < this.#top - 1) {
      // Going up: let go of the end at once, or new rows would pull back a reader who has not gone 100 px yet.
      clearTimeout(this.#leaving);
      this.#leaving = setTimeout(() => {
        this.#leaving = 0;
        this.#settle();
      }, 250);
    }
    this.#top = this.scroller.scrollTop;
    this.#settle();
    if (!this.following) requestAnimationFrame(() => this.#schedule()); // the window may have to move
  }

  #settle() {
    const { scrollTop, clientHeight, scrollHeight } = this.scroller;
    if (!clientHeight) return;
    const below = scrollHeight - scrollTop - clientHeight;
    this.following = this.#complete && (below <= 1 || (below <= AT_END && !this.#leaving));
    this.#place = this.following ? null : this.#anchor();
    if (!document.hidden) this.#see();
    this.#showButton();
    const gap = this.#rows.slice(this.#first, this.#last).find(({ kind, event }) => kind === 'gap' && !event.lost);
    if (gap) this.#ask(gap.event, gap.seq + 0.5);
    else if (this.#more && !this.#first && scrollTop < clientHeight) this.#ask(this.start, this.#events[0]?.seq);
  }

  #ask(what, before) {
    if (!this.#asked && before && this.ask(Math.ceil(before))) this.#asked = what;
  }

  #see() {
    const { bottom } = this.scroller.getBoundingClientRect();
    const last = this.following ? null : this.#child((box) => box.top >= bottom)?.previousSibling ?? this.list.lastChild;
    const seq = last ? this.#rowOf.get(last)?.events?.at(-1).seq ?? 0 : this.newest;
    this.#seen = Math.max(this.#seen, seq);
  }

  #showButton() {
    this.#unread = 0;
    for (let index = this.#events.length - 1; index >= 0 && this.#events[index].seq > this.#seen; index -= 1) {
      if (isOthers(this.#events[index])) this.#unread += 1;
    }
    const text = this.#unread ? t.newMessages(number.format(this.#unread)) : t.toEnd;
    if (this.button.textContent !== text) this.button.textContent = text;
    this.button.classList.toggle('quiet', !this.#unread);
    this.button.hidden = this.following;
  }

  #toUnread() {
    const unread = this.#events.find((event) => event.seq > this.#seen && isOthers(event));
    this.following = !unread;
    // With the line, or the day, above it.
    this.#going = unread ? { seq: unread.seq, top: 0 } : null;
    this.#draw();
    this.scroller.focus({ preventScroll: true }); // the button may be gone
  }

  /** The first message or notice in view, and where its top is. */
  #anchor() {
    const { top } = this.scroller.getBoundingClientRect();
    let element = this.#child((box) => box.bottom > top);
    while (element && !this.#rowOf.get(element)?.events) element = element.nextSibling;
    return element ? { element, seq: this.#rowOf.get(element).seq, top: element.getBoundingClientRect().top - top } : null;
  }

  /** Puts a place back where it was; without one, the end. */
  #put(place) {
    const { scroller } = this;
    const element = place?.element ?? this.#rows[this.#index(place?.seq)]?.element;
    if (!place) scroller.scrollTop = scroller.scrollHeight;
    else if (element?.isConnected) {
      scroller.scrollTop += element.getBoundingClientRect().top - scroller.getBoundingClientRect().top - place.top;
    }
    this.#top = scroller.scrollTop;
  }

  #child(beyond) {
    const { children } = this.list;
    return children[firstOf(children, (element) => beyond(element.getBoundingClientRect()))];
  }

  // What a screen reader hears.

  /** Keeps the log from being read out while it changes otherwise than by a few rows at its end. */
  #hush() {
    this.scroller.setAttribute('aria-live', 'off');
    clearTimeout(this.#hushed);
    this.#hushed = setTimeout(() => {
      this.#hushed = 0;
      this.scroller.setAttribute('aria-live', 'polite');
      if (this.#unsaid) this.announce(t.arrived(this.#unsaid));
      this.#unsaid = 0;
    }, 500);
  }
}

/** The index of the first that is so, in a list that goes from "no" to "yes" once: looked for by halves. */
function firstOf(list, is) {
  let [low, high] = [0, list.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (is(list[middle])) high = middle;
    else low = middle + 1;
  }
  return low;
}

const isOthers = (event) => event.type === 'message' && !event.own;

/** Rows of one author within five minutes of the first of them stand under one name. */
function under(before, { type, username, time }) {
  const same = type === 'message' && before?.kind === 'message' && before.event.username === username;
  return same && time - before.since < GROUPED_WITHIN ? { under: true, since: before.since } : { since: time };
}
