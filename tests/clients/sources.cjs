// node sources.cjs PACKAGES LIBRARY URL...: one event source a URL, by a library of npm, until it is killed.
// One line of JSON an event: {"source":0,"type":"message","id":"0:1","data":"…"}.
'use strict';
const { createRequire } = require('node:module');
const fs = require('node:fs');
const [packages, library, ...urls] = process.argv.slice(2);
const requireFrom = createRequire(packages + '/');
const types = ['message', 'position', 'tombstone', 'binary', 'oversize', 'gap', 'reset', 'busy', 'end', 'fault', 'reconnect'];

function print(source, type, id, data) {
  fs.writeSync(1, JSON.stringify({ source, type, id, data }) + '\n');
}

function eventSource(EventSource, source, url) {
  const events = new EventSource(url);
  for (const type of types) events.addEventListener(type, (event) => print(source, type, event.lastEventId, event.data));
}

// fetch-event-source is made for pages: it asks for these two.
function fetchEventSource(source, url) {
  globalThis.window = globalThis;
  globalThis.document = { hidden: false, addEventListener() {}, removeEventListener() {} };
  requireFrom('@microsoft/fetch-event-source').fetchEventSource(url, {
    openWhenHidden: true,
    async onopen(response) {
      if (!response.ok) throw new Error('status ' + response.status);
    },
    onmessage(event) {
      if (event.data !== '') print(source, event.event || 'message', event.id, event.data);
    },
    onclose() {
      throw new Error('closed');  // an end of the stream is no reason to stop: onerror says when to come back
    },
    onerror() {
      return 100;
    },
  });
}

urls.forEach((url, source) => {
  if (library === 'fetch-event-source') fetchEventSource(source, url);
  else if (library === 'eventsource') eventSource(requireFrom('eventsource').EventSource, source, url);
  else eventSource(requireFrom(library), source, url);
});
