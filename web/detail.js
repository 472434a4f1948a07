// What a record shows when it is opened: all of its envelope, the value laid out, and what can be done from here.
import {appendPretty} from './json_text.js';
import {fullTime} from './record.js';

export function detailOf(record, envelope, id, actions) {
  const detail = document.createElement('div');
  detail.className = 'detail';

  const facts = document.createElement('dl');
  const fact = (name, text) => {
    const pair = document.createElement('div');
    const term = document.createElement('dt');
    const description = document.createElement('dd');
    term.textContent = name;
    description.textContent = text;
    pair.append(term, description);
    facts.append(pair);
  };
  fact('Topic', `${record.topic}, partition ${record.partition}, offset ${record.offset}`);
  fact('Time', fullTime(record.timestamp));
  fact('Key', record.key ?? 'none');
  for (const header of record.headers) fact(header.name, header.value ?? 'null');
  fact('Id after it', id);

  const value = document.createElement('pre');
  value.tabIndex = 0;
  value.setAttribute('aria-label', 'Value');
  if (record.encoding === 'json') appendPretty(value, record.value);
  else value.textContent = record.value === '' ? 'no value' : record.value;

  const buttons = document.createElement('p');
  buttons.className = 'buttons';
  const button = (text, act) => {
    const made = document.createElement('button');
    made.type = 'button';
    made.className = 'quiet';
    made.textContent = text;
    made.addEventListener('click', () => act(made));
    buttons.append(made);
  };
  button('Copy value', (made) => actions.copy(made, record.value));
  button('Copy envelope', (made) => actions.copy(made, envelope));
  button('Copy id', (made) => actions.copy(made, id));
  button('Start after this', () => actions.startAfter(id));

  detail.append(facts, value, buttons);
  return detail;
}
