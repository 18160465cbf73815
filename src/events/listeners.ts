/** Calls listeners of users' programs, whose errors must not reach the runtime. */
export class Listeners<T> {
  /** Never changed in place, so that those who come and go while they are called disturb nobody. */
  #listeners: readonly ((value: T) => unknown)[] = [];
  readonly #onError: (error: unknown) => void;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Whether anybody listens. */
  get any(): boolean {
    return this.#listeners.length > 0;
  }

  /** Returns how to stop listening. A listener that is added twice is called twice. */
  add(listener: (value: T) => unknown): () => void {
    let isAdded = true;
    this.#listeners = [...this.#listeners, listener];
    return () => {
      if (!isAdded) return;
      isAdded = false;
      this.#listeners = this.#listeners.toSpliced(this.#listeners.indexOf(listener), 1);
    };
  }

  notify(value: T): void {
    for (const listener of this.#listeners) callListener(listener, value, this.#onError);
  }
}

/** Calls a listener of a user's program. What it throws goes to `onError`, and so does what its promise rejects with. */
export function callListener<T>(listener: (value: T) => unknown, value: T, onError: (error: unknown) => void): void {
  try {
    onRejection(listener(value), onError);
  } catch (error) {
    onError(error);
  }
}

/**
 * Tells `onError` of a rejection, if a function of a user's program has returned a promise. Node ends a program in which
 * nothing does.
 */
export function onRejection(returned: unknown, onError: (error: unknown) => void): void {
  if (typeof (returned as PromiseLike<unknown> | null | undefined)?.then !== 'function') return;
  Promise.resolve(returned).then(undefined, onError);
}
