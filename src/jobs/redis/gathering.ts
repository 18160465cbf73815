/** The most that is done at once, so that others get their turn between. */
const MOST_AT_ONCE = 64;

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Gathers what is asked one by one in a turn of the event loop, and what is asked until that is done, and does it at once: the
 * more there is to do, the more is done at once.
 */
export class Gathering<Item, Answer> {
  readonly #act: (items: readonly Item[]) => Promise<readonly Answer[]>;
  #waiting: Waiting<Item, Answer>[] = [];
  #isAtIt = false;

  /** @param act gives an answer for each item, in their order */
  constructor(act: (items: readonly Item[]) => Promise<readonly Answer[]>) {
    this.#act = act;
  }

  ask(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (!this.#isAtIt) void this.#start();
    });
  }

  async #start(): Promise<void> {
    this.#isAtIt = true;
    await new Promise((resolve) => setImmediate(resolve));
    let isWell = true;
    while (this.#waiting.length > 0) {
      // A Redis that hangs takes its time to fail each: what has gathered meanwhile does not stand in line for that.
      const now = this.#waiting.splice(0, isWell ? MOST_AT_ONCE : this.#waiting.length);
      const parts: Waiting<Item, Answer>[][] = [];
      for (let at = 0; at < now.length; at += MOST_AT_ONCE) parts.push(now.slice(at, at + MOST_AT_ONCE));
      const done = await Promise.all(parts.map((part) => this.#run(part)));
      isWell = !done.includes(false);
    }
    this.#isAtIt = false;
  }

  /** Resolves to whether it was done. */
  async #run(part: readonly Waiting<Item, Answer>[]): Promise<boolean> {
    try {
      const answers = await this.#act(part.map(({ item }) => item));
      for (const [index, { resolve }] of part.entries()) resolve(answers[index] as Answer);
      return true;
    } catch (error) {
      for (const { reject } of part) reject(error);
      return false;
    }
  }
}
