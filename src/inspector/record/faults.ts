/** How many errors are told; after that there is nothing new in them. */
const MAX_TOLD = 10;
/** How many frames of an error's stack are told. */
const MAX_FRAMES = 20;

/** Keeps errors of the inspector away from its callers. */
export class Faults {
  readonly #onError: (error: unknown) => void;
  #told = 0;

  constructor(onError: (error: unknown) => void) {
    this.#onError = onError;
  }

  /** Does a step; an error in it is told, and goes no further. */
  guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.report(error);
    }
  }

  /** The same for a step that is done again and again. */
  guarded<T>(step: (value: T) => void): (value: T) => void {
    return (value) => {
      try {
        step(value);
      } catch (error) {
        this.report(error);
      }
    };
  }

  report(error: unknown): void {
    this.#told += 1;
    if (this.#told > MAX_TOLD) return;
    try {
      this.#onError(withoutWords(error));
    } catch {
      // Nobody is left to be told.
    }
  }
}

/** An error may quote what it failed on, and that may be secret: its class and where it arose are told, its words not. */
function withoutWords(error: unknown): Error {
  const told = new Error('The inspector could not record something.');
  if (!(error instanceof Error)) return told;
  const { name, stack } = error;
  told.name = /^\w{1,64}$/.test(name) ? name : 'Error';
  const frames = stack?.match(/^ {4}at .*$/gm) ?? [];
  told.stack = [`${told.name}: ${told.message}`, ...frames.slice(0, MAX_FRAMES)].join('\n');
  return told;
}
