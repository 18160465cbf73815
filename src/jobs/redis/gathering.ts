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
    while (this.#waiting.length > 0) await this.#run(this.#waiting.splice(0, MOST_AT_ONCE));
    this.#isAtIt = false;
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
