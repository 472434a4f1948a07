// Control events in words: [kind, title, text]. The kinds are what they look like: note, warn, bad.
const texts = {
  start: (_, id) => ['note', 'Connected', `starts after ${id}`],
  resume: (_, id) => ['note', 'Resumed', `after ${id}`],
  paused: (_, id) => ['note', 'Paused', id === '' ? 'connection closed' : `after ${id}; connection closed, continues with the next record`],
  lost: (_, id) => ['warn', 'Connection lost', id === '' ? 'no id yet, starts again' : `resumes after ${id}`],
  gap: (data) => ['warn', 'Gap', `${data.topic}, partition ${data.partition}: offsets ${data.from} to ${data.to} are gone (${data.reason})`],
  reset: (data) => ['warn', 'Reset',
    `${data.topic}, partition ${data.partition}: offset ${data.asked} was asked for and is beyond the end; goes on from ${data.from}`],
  busy: (data) => ['warn', 'Busy', `${data.reason}; again in ${data.retry_after} s`],
  expiring: (data) => ['warn', 'Expiring', `the token ends at ${new Date(data.at).toLocaleTimeString()}`],
  reconnect: (data) => ['note', 'Reconnect', `the server is going away; back in ${(data.after_ms / 1000).toFixed(1)} s`],
  end: (data) => ['note', 'End', `the stream ends here (${data.reason})`],
  fault: (data) => ['bad', 'Fault', `${data.code}: ${data.detail}`],
  refused: (data) => ['bad', 'Refused', data.detail],
};

export function controlText(name, data, id) {
  return texts[name](data, id);
}
