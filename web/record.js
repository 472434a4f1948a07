// A record as the stream's envelope gives it, taken apart for the screen.

const kJsonValue = '"encoding":"json","value":';
const kOffset = /^\{"topic":"(?:[^"\\]|\\.)*","partition":\d+,"offset":(\d+)/;  // above 2^53 too

// `value` is text to show: JSON as it was written, a string, base64, or ''.
export function recordOf(envelope) {
  // Inside a JSON string every quote is escaped: the first match is the envelope's own.
  const found = envelope.indexOf(kJsonValue);
  const isJson = found >= 0;
  const at = found + kJsonValue.length;
  const fields = JSON.parse(isJson ? envelope.slice(0, at) + 'null}' : envelope);
  return {
    topic: fields.topic,
    partition: fields.partition,
    offset: kOffset.exec(envelope)?.[1] ?? String(fields.offset),
    timestamp: fields.timestamp,  // null: the record has none
    key: textOf(fields.key),
    headers: (fields.headers ?? []).map((header) => ({name: textOf(header.name), value: textOf(header.value)})),
    encoding: fields.encoding,
    value: isJson ? envelope.slice(at, envelope.lastIndexOf('}')) : fields.value ?? '',
    size: fields.size,
  };
}

// Keys, header names and values: a string, {"base64": …} when they are not UTF-8, or null.
function textOf(value) {
  if (value === null || value === undefined) return null;
  return typeof value === 'string' ? value : 'base64:' + value.base64;
}

// What stands beside a value that is not simply text, or ''.
export function tagOf(record) {
  switch (record.encoding) {
    case 'null': return 'tombstone';
    case 'base64': return 'binary';
    case 'oversize': return `oversize, ${record.size.toLocaleString('en')} bytes`;
    default: return '';
  }
}

// A producer may set any 64-bit number as the time, more than a Date takes.
const isTime = (timestamp) => timestamp !== null && !Number.isNaN(new Date(timestamp).getTime());

export function clockTime(timestamp) {
  if (!isTime(timestamp)) return '–';
  const date = new Date(timestamp);
  const two = (number) => String(number).padStart(2, '0');
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${String(date.getMilliseconds()).padStart(3, '0')}`;
}

export function fullTime(timestamp) {
  if (!isTime(timestamp)) return timestamp === null ? 'none' : String(timestamp);
  return `${new Date(timestamp).toISOString()} (${timestamp})`;
}
