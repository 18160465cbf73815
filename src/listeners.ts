/** Calls listeners of users' programs, whose errors must not reach the runtime. */
export class Listeners<T> {
  /** Never changed in place, so that those who come and go while they are called disturb nobody. */
  #listeners: readonly ((value: T) => void)[] = [];
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Whether anybody listens. */
  get any(): boolean {
    return this.#listeners.length > 0;
  }

  /** Returns how to stop listening. A listener that is added twice is called twice. */
  add(listener: (value: T) => void): () => void {
    let isAdded = true;
    this.#listeners = [...this.#listeners, listener];
    return () => {
      if (!isAdded) return;
      isAdded = false;
      this.#listeners = this.#listeners.toSpliced(this.#listeners.indexOf(listener), 1);
    };
  }

  notify(value: T): void {
    for (const listener of this.#listeners) {
      try {
        listener(value);
      } catch (error) {
        this.#onError(error);
      }
    }
  }
}
