// What the console shows: one topic, all or one of its partitions, all or one key, and where it starts.
// A request has three forms: the stream's URL, the curl line, and the page's hash, which says what stands behind /streams/.

// Percent-encoding that leaves alone what ids and times are made of: legal in a path and a query, and easier to read.
// Not a single quote, which would end the one around the curl line's address.
function encode(text) {
  return encodeURIComponent(text).replace(/%(3A|2C|40)/g, (escape) => decodeURIComponent(escape)).replaceAll("'", '%27');
}

function pathOf(request) {
  return encode(request.topic) + (request.partition === null ? '' : '/' + request.partition);
}

function queryOf(request) {
  const parts = [];
  if (request.from !== 'latest') parts.push('from=' + encode(request.from));
  if (request.key !== '') parts.push('key=' + encode(request.key));
  return parts;
}

function withQuery(path, parts) {
  return parts.length === 0 ? path : path + '?' + parts.join('&');
}

// The address for an EventSource; `id` is where to go on, or ''. Relative, so that the console also works under a path of a proxy.
export function streamUrl(request, id, ...more) {
  const parts = [...queryOf(request), 'format=envelope', ...more];
  if (id !== '') parts.push('last_event_id=' + encode(id));
  return withQuery('streams/' + pathOf(request), parts);
}

// In single quotes, which no shell looks into.
export function curlLine(request) {
  const url = new URL(withQuery('streams/' + pathOf(request), queryOf(request)), document.baseURI);
  return `curl -N '${url.href}'`;
}

export function hashOf(request) {
  return '#' + withQuery(pathOf(request), queryOf(request));
}

// The request that a hash names, or null.
export function requestOf(hash) {
  const [path, query = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  const [topic, partition = ''] = path.split('/');
  if (topic === '') return null;
  const parameters = new URLSearchParams(query.replaceAll('+', '%2B'));
  try {
    return {
      topic: decodeURIComponent(topic),
      partition: /^\d{1,10}$/.test(partition) ? Number(partition) : null,
      key: parameters.get('key') ?? '',
      from: parameters.get('from') ?? 'latest',
    };
  } catch {  // a hash that was cut inside an escape
    return null;
  }
}
