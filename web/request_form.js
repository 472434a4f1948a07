// The form above the records: says what to show, and shows what is shown.

const isFixed = (from) => /^(latest|earliest|-\d+)$/.test(from);

export class RequestForm {
  #partitions = '';
  #partition = '';

  constructor(form, onShow) {
    this.form = form;
    form.addEventListener('submit', (event) => {
      event.preventDefault();
      onShow(this.#read());
    });
    const {start, partition} = form.elements;
    start.addEventListener('change', () => {
      this.#reveal(start.value);
      if (isFixed(start.value)) form.requestSubmit();
    });
    partition.addEventListener('change', () => { if (form.checkValidity()) form.requestSubmit(); });
  }

  fill({partition, key, from}) {
    const fields = this.form.elements;
    const start = isFixed(from) ? from : /^@|T/.test(from) ? 'time' : 'id';
    if (![...fields.start.options].some((option) => option.value === start)) fields.start.add(new Option(`${start.slice(1)} back`, start));
    fields.start.value = start;
    if (start === 'time') fields.time.value = localTime(from);
    if (start === 'id') fields['from-id'].value = from;
    fields.key.value = key;
    this.#partition = partition === null ? '' : String(partition);
    this.#drawPartitions([...fields.partition.options].map((option) => option.value).filter((value) => value !== ''));
    this.#reveal(start);
  }

  setPartitions(numbers) {
    if (numbers.join() !== this.#partitions) this.#drawPartitions(numbers.map(String));
    this.#partitions = numbers.join();
  }

  #drawPartitions(values) {
    if (this.#partition !== '' && !values.includes(this.#partition)) values.push(this.#partition);
    const select = this.form.elements.partition;
    select.replaceChildren(new Option('All', ''), ...values.map((value) => new Option(value, value)));
    select.value = this.#partition;
  }

  #reveal(start) {
    const fields = this.form.elements;
    for (const [kind, field] of [['time', fields.time], ['id', fields['from-id']]]) {
      field.disabled = start !== kind;
      field.parentElement.hidden = start !== kind;
    }
    if (start === 'time' && fields.time.value === '') fields.time.value = localTime(`@${Date.now() - 5 * 60000}`);
  }

  #read() {
    const fields = this.form.elements;
    const from = {
      time: () => new Date(fields.time.value).toISOString().replace('.000Z', 'Z'),
      id: () => fields['from-id'].value.trim(),
    }[fields.start.value]?.() ?? fields.start.value;
    return {from, key: fields.key.value, partition: fields.partition.value === '' ? null : Number(fields.partition.value)};
  }
}

// What a datetime-local field takes: local, to the second. From RFC 3339 or @epoch milliseconds.
function localTime(text) {
  const date = new Date(text.startsWith('@') ? Number(text.slice(1)) : text);
  if (Number.isNaN(date.getTime())) return '';
  return new Date(date.getTime() - date.getTimezoneOffset() * 60000).toISOString().slice(0, 19);
}
