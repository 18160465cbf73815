/** The most that is done at once, so that others get their turn between. */
const MOST_AT_ONCE = 64;

interface Waiting<Item, Answer> {
  readonly item: Item;
  readonly resolve: (answer: Answer) => void;
  readonly reject: (error: unknown) => void;
}

/** Gathers what is asked one by one in a turn of the event loop, and does it at once. */
export class Gathering<Item, Answer> {
  readonly #act: (items: readonly Item[]) => Promise<readonly Answer[]>;
  #waiting: Waiting<Item, Answer>[] = [];

  /** @param act gives an answer for each item, in their order */
  constructor(act: (items: readonly Item[]) => Promise<readonly Answer[]>) {
    this.#act = act;
  }

  ask(item: Item): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ item, resolve, reject });
      if (this.#waiting.length === 1) setImmediate(() => this.#flush());
    });
  }

  #flush(): void {
    const all = this.#waiting;
    this.#waiting = [];
    for (let at = 0; at < all.length; at += MOST_AT_ONCE) void this.#run(all.slice(at, at + MOST_AT_ONCE));
  }

  async #run(part: readonly Waiting<Item, Answer>[]): Promise<void> {
    try {
      const answers = await this.#act(part.map(({ item }) => item));
      for (const [index, { resolve }] of part.entries()) resolve(answers[index] as Answer);
    } catch (error) {
      for (const { reject } of part) reject(error);
    }
  }
}
