// @ts-check
/** Matches answers to calls by a number: what everybody writes around messages. */
export class Replies {
  /** @type {Map<number, { resolve: (output: any) => void, reject: (error: Error) => void }>} */
  #waiting = new Map();
  #last = 0;

  /** @param {(message: { id: number }) => unknown} send @returns {Promise<any>} */
  ask(send) {
    this.#last += 1;
    const id = this.#last;
    return new Promise((resolve, reject) => {
      this.#waiting.set(id, { resolve, reject });
      send({ id });
    });
  }

  /** @param {{ id: number, output: unknown }} message */
  settle({ id, output }) {
    this.#waiting.get(id)?.resolve(output);
    this.#waiting.delete(id);
  }

  /** The worker is gone. */
  fail() {
    for (const { reject } of this.#waiting.values()) reject(new Error('The worker has ended.'));
    this.#waiting.clear();
  }
}
