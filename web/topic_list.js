// The list of topics, with a field to find one where there are many.

const kShownMax = 200;
const kFindAbove = 12;

export class TopicList {
  #topics = [];
  #drawn = '';
  #current = '';

  constructor(list, find, onChoose) {
    Object.assign(this, {list, find, onChoose});
    find.addEventListener('input', () => this.#redraw());
  }

  draw(topics, current) {
    this.#topics = topics;
    this.#current = current ?? '';
    this.find.hidden = topics.length <= kFindAbove;
    const state = JSON.stringify(topics);
    if (state !== this.#drawn) this.#redraw();
    this.#drawn = state;
  }

  mark(topic) {
    this.#current = topic;
    for (const button of this.list.querySelectorAll('button')) this.#markOne(button);
  }

  #markOne(button) {
    if (button.dataset.topic === this.#current) button.setAttribute('aria-current', 'true');
    else button.removeAttribute('aria-current');
  }

  #redraw() {
    const part = this.find.value.trim().toLowerCase();
    const found = this.#topics.filter((topic) => topic.name.toLowerCase().includes(part));
    this.list.replaceChildren(...found.slice(0, kShownMax).map((topic) => this.#row(topic)));
    if (found.length > kShownMax) {
      const more = document.createElement('li');
      more.className = 'note';
      more.textContent = `and ${found.length - kShownMax} more`;
      this.list.append(more);
    }
  }

  #row({name, partitions}) {
    const row = document.createElement('li');
    const button = document.createElement('button');
    const title = document.createElement('span');
    const count = document.createElement('span');
    button.type = 'button';
    button.dataset.topic = name;
    title.textContent = name;
    count.className = 'count';
    count.textContent = partitions;
    count.title = partitions === 1 ? '1 partition' : `${partitions} partitions`;
    button.append(title, count);
    button.addEventListener('click', () => this.onChoose(name));
    this.#markOne(button);
    row.append(button);
    return row;
  }
}
