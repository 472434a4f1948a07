// The partitions of a topic: where each begins and ends, and how far this console is behind.

// The offset that an id has passed in each partition: Map of partition → BigInt. "42" is partition 0's.
export function positionOf(id) {
  const position = new Map();
  for (const part of id.replace(/!$/, '').split(',')) {
    const match = /^(?:(\d+):)?(\d+|-)$/.exec(part);
    if (match) position.set(Number(match[1] ?? 0), match[2] === '-' ? -1n : BigInt(match[2]));
  }
  return position;
}

export class OffsetsView {
  #rows = new Map();
  #partitions = [];
  #only = null;

  constructor(body, total, note) {
    Object.assign(this, {body, total, note});
  }

  clear() {
    this.#rows.clear();
    this.#partitions = [];
    this.body.replaceChildren();
    this.note.textContent = '';
    this.total.textContent = '–';
  }

  fail(text) {
    this.note.textContent = `Offsets are not known: ${text}`;
  }

  // `only`: the one partition that the stream reads, or null.
  draw(topic, only, id) {
    this.note.textContent = '';
    this.#partitions = topic.partitions;
    this.#only = only;
    for (const each of topic.partitions) {
      const cells = this.#cellsOf(each.partition);
      cells[1].textContent = each.begin.toLocaleString('en');
      cells[2].textContent = each.end.toLocaleString('en');
      cells[2].title = each.readable === each.end ? '' : `readable to ${each.readable}`;
      cells[0].parentElement.classList.toggle('unread', only !== null && each.partition !== only);
    }
    this.follow(id);
  }

  // The position moves more often than the offsets are asked: an end that it has passed is not behind.
  follow(id) {
    const position = positionOf(this.#only !== null && /^\d+!?$/.test(id) ? `${this.#only}:${id}` : id);
    let total = 0n;
    for (const each of this.#partitions) {
      const passed = position.get(each.partition);
      const cell = this.#cellsOf(each.partition)[3];
      if (passed === undefined) {
        cell.textContent = '–';
        continue;
      }
      const next = passed + 1n > BigInt(each.begin) ? passed + 1n : BigInt(each.begin);
      const behind = BigInt(each.readable) > next ? BigInt(each.readable) - next : 0n;
      total += behind;
      cell.textContent = behind.toLocaleString('en');
    }
    if (this.#partitions.length > 0) this.total.textContent = position.size > 0 ? total.toLocaleString('en') : '–';
  }

  #cellsOf(partition) {
    if (!this.#rows.has(partition)) {
      const row = this.body.insertRow();
      const cells = [document.createElement('th'), row.insertCell(), row.insertCell(), row.insertCell()];
      cells[0].scope = 'row';
      cells[0].textContent = partition;
      cells[0].dataset.hue = partition % 6;
      row.prepend(cells[0]);
      this.#rows.set(partition, cells);
    }
    return this.#rows.get(partition);
  }
}
