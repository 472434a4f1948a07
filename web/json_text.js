// JSON as text. It is never parsed into numbers: 9007199254740993 must be shown as it was written.

const kToken = /"(?:[^"\\]|\\.)*"|[{}[\],:]|[^\s{}[\],:"]+/gsy;
const kTokensMax = 20000;  // what a browser lays out without a pause; the rest stays as it is

// Appends `text` (valid JSON) to `parent`, indented, each token as a span with a class of its kind.
export function appendPretty(parent, text) {
  const fragment = document.createDocumentFragment();
  let plain = '';
  let depth = 0;
  let tokens = 0;
  const flush = () => {
    if (plain !== '') fragment.append(plain);
    plain = '';
  };
  const newLine = () => { plain += '\n' + '  '.repeat(Math.min(depth, 40)); };

  let at = 0;
  let previous = '';
  for (; at < text.length && tokens < kTokensMax; ++tokens) {
    while (' \t\n\r'.includes(text[at]) && at < text.length) ++at;
    kToken.lastIndex = at;
    const token = kToken.exec(text)?.[0];
    if (token === undefined) break;
    at += token.length;

    if (token === '}' || token === ']') {
      --depth;
      if (previous !== '{' && previous !== '[') newLine();
      plain += token;
    } else {
      if (previous === '{' || previous === '[' || previous === ',') newLine();
      if (token === '{' || token === '[') {
        ++depth;
        plain += token;
      } else if (token === ':') {
        plain += ': ';
      } else if (token === ',') {
        plain += token;
      } else {
        flush();
        const span = document.createElement('span');
        span.className = kindOf(token, text, at);
        span.textContent = token;
        fragment.append(span);
      }
    }
    previous = token;
  }
  plain += text.slice(at);
  flush();
  parent.append(fragment);
}

function kindOf(token, text, end) {
  if (token[0] === '"') return /^\s*:/.test(text.slice(end, end + 64)) ? 'name' : 'string';
  return /^[-\d]/.test(token) ? 'number' : 'word';
}
