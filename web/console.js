// The console: puts the parts together. The page's hash is the request; everything on the screen follows from it.
import {curlLine, hashOf, requestOf} from './request.js';
import {controlText} from './control_text.js';
import {EventList} from './event_list.js';
import {Offsets} from './offsets.js';
import {OffsetsView} from './offsets_view.js';
import {RequestForm} from './request_form.js';
import {Tail} from './tail.js';
import {TopicList} from './topic_list.js';

const byId = (id) => document.getElementById(id);
const kTickMs = 250;
const kRateTicks = 8;  // records/s is over two seconds
const kStateText = {
  idle: 'Loading', connecting: 'Connecting', open: 'Live', waiting: 'Reconnecting', paused: 'Paused', ended: 'Ended', failed: 'Stopped',
};
const kEmptyRows = 3;  // so many control events leave room to say that there is no record yet

let request = null;
let state = {kind: 'idle'};
let received = 0;
const receivedBefore = new Array(kRateTicks).fill(0);

const list = new EventList(byId('events'), {copy, startAfter: (id) => show({...request, from: id})}, (count) => {
  byId('newer').hidden = count === 0;
  byId('newer').textContent = `${count.toLocaleString('en')} newer ↓`;
});

const tail = new Tail({
  onRecord: (envelope, id) => {
    ++received;
    list.addRecord(envelope, id);
  },
  onControl: note,
  onState: (now) => {
    state = now;
    offsets.isIdle = now.kind === 'waiting';
    byId('pause').textContent = {paused: 'Continue', ended: 'Again', failed: 'Try again', waiting: 'Retry now'}[now.kind] ?? 'Pause';
    drawState();
  },
});

const topicList = new TopicList(byId('topics'), byId('find-topic'), (topic) => {
  closeSide();
  show({topic, partition: null, key: '', from: 'latest'});
});
const offsetsView = new OffsetsView(byId('offsets').tBodies[0], byId('behind'), byId('offsets-note'));
const form = new RequestForm(byId('request'), (changed) => show({...request, ...changed}));

const offsets = new Offsets({
  onTopics: (topics) => {
    topicList.draw(topics, request?.topic);
    if (request === null && topics.length > 0) show({topic: topics[0].name, partition: null, key: '', from: 'latest'});
    else if (topics.length === 0) byId('empty').textContent = 'This server exposes no topic.';
  },
  onOffsets: (topic) => {
    form.setPartitions(topic.partitions.map((each) => each.partition));
    offsetsView.draw(topic, request.partition, tail.id);
  },
  onError: (text) => offsetsView.fail(text),
});

// Shows another request. The hash does it, so that the browser's way back works and the address can be given to others.
function show(next) {
  const hash = hashOf(next);
  if (location.hash === hash) begin(next);
  else location.hash = hash;
}

function begin(next) {
  request = next;
  received = 0;
  receivedBefore.fill(0);
  list.clear();
  document.title = `${request.topic} · tailgate`;
  byId('topic-name').textContent = request.topic;
  byId('curl').textContent = curlLine(request);
  byId('pause').disabled = false;
  form.fill(request);
  topicList.mark(request.topic);
  offsetsView.clear();
  offsets.watch(request.topic);
  tail.start(request);
}

function note(name, data, id) {
  list.addControl(...controlText(name, data, id));
}

// The seconds stand apart: a screen reader says the state when it changes, not the time that passes.
function drawState() {
  const seconds = state.kind === 'waiting' ? Math.ceil((state.retryAt - Date.now()) / 1000) : 0;
  byId('state').dataset.kind = state.kind;
  byId('countdown').textContent = seconds > 0 ? ` in ${seconds} s` : '';
  if (byId('state-text').textContent !== kStateText[state.kind]) byId('state-text').textContent = kStateText[state.kind];
}

// What changes with every record is drawn four times a second: nobody reads faster.
function tick() {
  receivedBefore.push(received);
  const rate = (received - receivedBefore.shift()) * 1000 / (kTickMs * kRateTicks);
  byId('received').textContent = received.toLocaleString('en');
  byId('rate').textContent = Math.round(rate).toLocaleString('en');
  byId('id').textContent = tail.id || '–';
  byId('copy-id').disabled = tail.id === '';
  drawEmpty();
  offsetsView.follow(tail.id);
  drawState();
}

function drawEmpty() {
  if (request === null) return;
  byId('empty').hidden = received > 0 || state.kind !== 'open' || byId('events').childElementCount > kEmptyRows;
  byId('empty').textContent = request.key === '' ? 'Waiting for the next record' : `Waiting for the next record with the key ${request.key}`;
}

async function copy(button, text) {
  const before = button.textContent;
  try {
    await navigator.clipboard.writeText(text);
    button.textContent = 'Copied';
  } catch {  // not a secure origin, or not allowed
    button.textContent = 'Not allowed';
  }
  setTimeout(() => { button.textContent = before; }, 1200);
}

function togglePause() {
  if (['open', 'connecting'].includes(state.kind)) tail.pause();
  else if (state.kind === 'ended' || state.kind === 'failed') begin(request);
  else tail.resume();
}

function closeSide() {
  byId('side').classList.remove('open');
  byId('show-topics').setAttribute('aria-expanded', 'false');
}

byId('pause').addEventListener('click', togglePause);
byId('newer').addEventListener('click', () => list.follow());
byId('copy-curl').addEventListener('click', (event) => copy(event.currentTarget, byId('curl').textContent));
byId('copy-id').addEventListener('click', (event) => copy(event.currentTarget, tail.id));
byId('show-topics').addEventListener('click', (event) => {
  const isOpen = byId('side').classList.toggle('open');
  event.currentTarget.setAttribute('aria-expanded', String(isOpen));
});

document.addEventListener('keydown', (event) => {
  const isTyping = event.target.closest('input, select, textarea') !== null;
  if (event.key === 'Escape' && byId('side').classList.contains('open')) closeSide();
  if (isTyping || event.ctrlKey || event.metaKey || event.altKey) return;
  if (event.key === ' ' && !event.target.closest('button') && request !== null) togglePause();
  else if (event.key === '/') byId('key').focus();
  else return;
  event.preventDefault();
});

window.addEventListener('hashchange', () => {
  const next = requestOf(location.hash);
  if (next !== null) begin(next);
});

setInterval(tick, kTickMs);
const asked = requestOf(location.hash);
if (asked === null) offsets.watch('');
else begin(asked);
