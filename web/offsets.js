// The topics and their offsets, asked again while somebody looks.

const kTopicsEveryMs = 10000;
const kOffsetsEveryMs = 2000;

export class Offsets {
  #topic = '';
  #isIdle = false;
  #topicsAt = 0;
  #round = 0;

  // onTopics([{name, partitions}]), onOffsets({name, partitions: [{partition, begin, end, readable}], latest}), onError(text).
  constructor({onTopics, onOffsets, onError}) {
    Object.assign(this, {onTopics, onOffsets, onError});
    document.addEventListener('visibilitychange', () => { if (!document.hidden) this.#run(); });
  }

  watch(topic) {
    this.#topic = topic;
    this.#run();
  }

  // No questions while the server is known to be away.
  set isIdle(isIdle) {
    const isBack = this.#isIdle && !isIdle;
    this.#isIdle = isIdle;
    if (isBack) this.#run();
  }

  // One loop at a time: a new one ends the one before.
  async #run() {
    const round = ++this.#round;
    while (round === this.#round && !document.hidden && !this.#isIdle) {
      try {
        if (Date.now() - this.#topicsAt >= kTopicsEveryMs) {
          const {topics} = await ask('topics');
          this.#topicsAt = Date.now();
          this.onTopics(topics);
        }
        if (this.#topic !== '') {
          const topic = this.#topic;
          const offsets = await ask('topics/' + encodeURIComponent(topic));
          if (round === this.#round && topic === this.#topic) this.onOffsets(offsets);
        }
      } catch (error) {
        if (round === this.#round) this.onError(error.message);
      }
      await new Promise((resolve) => setTimeout(resolve, kOffsetsEveryMs));
    }
  }
}

async function ask(path) {
  const answer = await fetch(path, {signal: AbortSignal.timeout(10000), cache: 'no-store'});
  if (answer.ok) return answer.json();
  const problem = answer.headers.get('content-type')?.includes('json') ? await answer.json() : {};
  throw new Error(problem.detail || problem.title || `the server answers ${answer.status}`);
}
