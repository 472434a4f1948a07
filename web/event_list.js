// The newest records and control events on the screen: bounded, and written at most 20 times a second however many come.
//
// It follows the newest until somebody scrolls up or opens a record; then what is on the screen stays, and new ones wait.
import {clockTime, recordOf, tagOf} from './record.js';
import {detailOf} from './detail.js';

const kRowsMax = 500;
const kPreviewChars = 400;
const kWriteEveryMs = 45;
const kAtEndPx = 24;

export class EventList {
  #list;
  #waiting = [];
  #waitingCount = 0;  // also of those that more than fill the screen
  #isFollowing = true;
  #isFrameAsked = false;
  #writtenAt = 0;
  #actions;

  // `actions` are what a record's buttons do: {copy(button, text), startAfter(id)}. onHeld(count): so many new ones wait; 0: following.
  constructor(list, actions, onHeld) {
    this.#list = list;
    this.#actions = actions;
    this.onHeld = onHeld;
    list.addEventListener('scroll', () => this.#scrolled(), {passive: true});
    list.addEventListener('click', (event) => this.#clicked(event));
    list.addEventListener('keydown', (event) => this.#key(event));
    list.addEventListener('focusout', () => this.#scrolled());
  }

  get isEmpty() { return this.#list.childElementCount === 0 && this.#waiting.length === 0; }

  addRecord(envelope, id) {
    this.#add({envelope, id});
  }

  addControl(kind, title, text) {
    this.#add({kind, title, text, at: Date.now()});
  }

  clear() {
    this.#waiting = [];
    this.#waitingCount = 0;
    this.#list.replaceChildren();
    this.follow();
  }

  follow() {
    this.#isFollowing = true;
    this.#write();
  }

  // A hidden page draws no frames: what waits is bounded here, not by them.
  #add(entry) {
    this.#waiting.push(entry);
    ++this.#waitingCount;
    if (this.#waiting.length >= 2 * kRowsMax) this.#waiting.splice(0, this.#waiting.length - kRowsMax);
    if (this.#isFrameAsked) return;
    this.#isFrameAsked = true;
    requestAnimationFrame((now) => this.#frame(now));
  }

  #frame(now) {
    if (now - this.#writtenAt < kWriteEveryMs) {
      requestAnimationFrame((next) => this.#frame(next));
      return;
    }
    this.#writtenAt = now;
    this.#isFrameAsked = false;
    this.#write();
  }

  #write() {
    if (!this.#isFollowing) {
      this.onHeld(this.#waitingCount);
      return;
    }
    const entries = this.#waiting.slice(-kRowsMax);
    this.#waiting = [];
    this.#waitingCount = 0;
    this.onHeld(0);

    const rows = document.createDocumentFragment();
    for (const entry of entries) rows.append(entry.kind ? controlRow(entry) : recordRow(entry));
    for (let excess = this.#list.childElementCount + entries.length - kRowsMax; excess > 0; --excess) this.#list.firstElementChild?.remove();
    this.#list.append(rows);
    this.#list.scrollTop = this.#list.scrollHeight;
  }

  #scrolled() {
    const isAtEnd = this.#list.scrollHeight - this.#list.scrollTop - this.#list.clientHeight < kAtEndPx;
    if (!isAtEnd) {
      this.#isFollowing = false;
    } else if (!this.#isFollowing && !this.#list.querySelector('[aria-expanded="true"], .record:focus-visible')) {
      this.follow();
    }
  }

  #clicked(event) {
    const line = event.target.closest('button.record');
    if (!line) return;
    const isOpen = line.getAttribute('aria-expanded') === 'true';
    line.setAttribute('aria-expanded', String(!isOpen));
    if (isOpen) {
      line.nextElementSibling.remove();
      this.#scrolled();
      return;
    }
    this.#isFollowing = false;
    line.after(detailOf(recordOf(line.envelope), line.envelope, line.streamId, this.#actions));
    line.parentElement.scrollIntoView({block: 'nearest'});
  }

  // A record that has the focus must not scroll away under it.
  #hold(line) {
    if (!line) return;
    this.#isFollowing = false;
    line.focus();
  }

  // From the list itself, up goes to the newest record; End goes back to following.
  #key(event) {
    const line = event.target.closest('button.record');
    const step = {ArrowDown: 'nextElementSibling', ArrowUp: 'previousElementSibling'}[event.key];
    if (event.key === 'Escape' && line?.getAttribute('aria-expanded') === 'true') {
      line.click();
    } else if (event.key === 'ArrowUp' && event.target === this.#list) {
      this.#hold([...this.#list.querySelectorAll('button.record')].pop());
    } else if (step && line) {
      let row = line.parentElement[step];
      while (row && !row.querySelector('button.record')) row = row[step];
      this.#hold(row?.querySelector('button.record'));
    } else if (event.key === 'End') {
      this.#list.focus();
      this.follow();
    } else {
      return;
    }
    event.preventDefault();
  }
}

function element(name, className, text) {
  const made = document.createElement(name);
  made.className = className;
  made.textContent = text;
  return made;
}

function recordRow({envelope, id}) {
  const record = recordOf(envelope);
  const row = document.createElement('li');
  row.dataset.partition = record.partition;
  row.dataset.offset = record.offset;

  const line = document.createElement('button');
  line.type = 'button';
  line.className = 'record';
  line.tabIndex = -1;
  line.setAttribute('aria-expanded', 'false');
  line.envelope = envelope;
  line.streamId = id;

  const place = element('span', 'place', `${record.partition}:${record.offset}`);
  place.dataset.hue = record.partition % 6;
  line.append(element('time', 'time', clockTime(record.timestamp)), place, element('span', 'key', record.key ?? '–'));
  const value = element('span', 'value', record.value.slice(0, kPreviewChars));
  const tag = tagOf(record);
  if (tag !== '') value.prepend(element('em', 'tag', tag));
  line.append(value);
  row.append(line);
  return row;
}

function controlRow({kind, title, text, at}) {
  const row = element('li', 'control', '');
  row.dataset.kind = kind;
  row.append(element('time', 'time', clockTime(at)), element('strong', '', title), element('span', '', text));
  return row;
}
