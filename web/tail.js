// A stream that survives everything: the browser's EventSource, the id to go on from, and a new EventSource where the browser gives up.
//
// EventSource reconnects by itself with Last-Event-ID after a broken connection, and gives up for ever on any answer but 200. Then
// this asks once why: a refusal (4xx) is final and shown, everything else is tried again with ?last_event_id=, ever more slowly.
import {streamUrl} from './request.js';

const kControls = ['gap', 'reset', 'busy', 'expiring', 'reconnect', 'end', 'fault'];
const kRecords = ['message', 'tombstone', 'binary', 'oversize'];
const kBrowserRetryMs = 3000;  // the most that the server says in `retry:`, which a page cannot read
const kRetryMaxMs = 15000;

export class Tail {
  #request = null;
  #source = null;
  #timer = 0;
  #generation = 0;  // of connections: an answer that comes after its connection was given up is passed over
  #isOpen = false;  // and the server has not said that it will end
  #attempts = 0;
  #retryMs = kBrowserRetryMs;
  #id = '';

  // onRecord(data, id), onControl(name, data, id), onState({kind, retryAt}); kinds: connecting, open, waiting, paused, ended, failed.
  // Control events of our own: `start` and `resume` (what the first block of a connection says), `lost`, `paused`, `refused`.
  constructor({onRecord, onControl, onState}) {
    this.onRecord = onRecord;
    this.onControl = onControl;
    this.onState = onState;
  }

  get id() { return this.#id; }

  start(request) {
    this.#request = request;
    this.#id = '';
    this.#attempts = 0;
    this.#connect();
  }

  // Closes the connection: the id is all that is needed to go on, so that a paused console costs nobody anything.
  pause() {
    this.#close();
    this.onControl('paused', {}, this.#id);
    this.onState({kind: 'paused'});
  }

  resume() {
    this.#attempts = 0;
    this.#connect();
  }

  #close() {
    ++this.#generation;
    this.#isOpen = false;
    clearTimeout(this.#timer);
    this.#source?.close();
    this.#source = null;
  }

  #connect() {
    this.#close();
    this.onState({kind: 'connecting'});
    const source = new EventSource(streamUrl(this.#request, this.#id));
    let isFirstBlock = true;
    this.#source = source;

    source.onopen = () => {
      isFirstBlock = true;
      this.#isOpen = true;
      this.#attempts = 0;
      this.#retryMs = kBrowserRetryMs;
      this.onState({kind: 'open'});
    };
    source.onerror = () => {
      if (source !== this.#source) return;
      if (this.#isOpen) this.onControl('lost', {}, this.#id);
      this.#isOpen = false;
      if (source.readyState === EventSource.CLOSED) this.#gaveUp();
      else this.#wait(this.#retryMs);
    };

    const record = (event) => {
      this.#id = event.lastEventId;
      this.onRecord(event.data, event.lastEventId);
    };
    for (const name of kRecords) source.addEventListener(name, record);
    for (const name of kControls) source.addEventListener(name, (event) => this.#control(name, event));
    source.addEventListener('position', (event) => {
      const isResumed = this.#id !== '';
      this.#id = event.lastEventId;
      if (isFirstBlock) this.onControl(isResumed ? 'resume' : 'start', {}, this.#id);
      isFirstBlock = false;
    });
  }

  #control(name, event) {
    if (event.lastEventId !== '') this.#id = event.lastEventId;
    const data = JSON.parse(event.data);
    this.onControl(name, data, this.#id);
    if (name === 'busy' || name === 'reconnect') {
      this.#retryMs = name === 'busy' ? data.retry_after * 1000 : data.after_ms;
      this.#isOpen = false;
    }
    if (name === 'end' || (name === 'fault' && data.retry === false)) {
      this.#close();
      this.onState({kind: name === 'end' ? 'ended' : 'failed'});
    }
  }

  #wait(ms) {
    this.onState({kind: 'waiting', retryAt: Date.now() + ms});
  }

  async #gaveUp() {
    this.#close();
    const generation = this.#generation;
    const refusal = await this.#askWhy();
    if (generation !== this.#generation) return;
    if (refusal !== '') {
      this.onControl('refused', {detail: refusal}, this.#id);
      this.onState({kind: 'failed'});
      return;
    }
    const waitMs = Math.min(kRetryMaxMs, 1000 * 2 ** this.#attempts++) * (0.75 + Math.random() / 2);
    this.#wait(waitMs);
    this.#timer = setTimeout(() => this.#connect(), waitMs);
  }

  // The detail of a refusal that will not change by itself, or ''. EventSource tells nothing about an answer that it did not like.
  async #askWhy() {
    try {
      const url = streamUrl(this.#request, this.#id, 'as=json', 'wait=0', 'limit=1');
      const answer = await fetch(url, {signal: AbortSignal.timeout(5000), cache: 'no-store'});
      if (answer.status < 400 || answer.status >= 500 || [408, 425, 429].includes(answer.status)) return '';
      const isProblem = answer.headers.get('content-type')?.includes('json');
      const problem = isProblem ? await answer.json() : {};
      return problem.detail || problem.title || `the server answers ${answer.status}`;
    } catch {  // no answer at all, or half of one: worth another try
      return '';
    }
  }
}
