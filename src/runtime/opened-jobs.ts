import { Listeners } from '../events/listeners.ts';
import type { Jobs } from '../jobs/jobs.ts';

/** The jobs that are open at a supervisor, for those who show them: it knows none before `openJobs` tells it. */
export class OpenedJobs {
  /** Told when jobs were opened, were closed, or could not be opened. */
  readonly changes: Listeners<void>;
  #open: readonly Jobs[] = [];
  #refusal: unknown;

  constructor(onListenerError: (error: unknown) => void) {
    this.changes = new Listeners(onListenerError);
  }

  /** Those that were opened last, as a program may have several stores; undefined where none are open. */
  get latest(): Jobs | undefined {
    return this.#open.at(-1);
  }

  /** How many are open. */
  get count(): number {
    return this.#open.length;
  }

  /** Why jobs could not be opened the last time; undefined where they could, or nobody has tried. */
  get refusal(): unknown {
    return this.#refusal;
  }

  /** Jobs are open. Returns how to tell that they have closed. */
  add(jobs: Jobs): () => void {
    this.#open = [...this.#open, jobs];
    this.#refusal = undefined;
    this.changes.notify();
    return () => {
      this.#open = this.#open.filter((each) => each !== jobs);
      this.changes.notify();
    };
  }

  /** Jobs could not be opened. */
  refuse(error: unknown): void {
    this.#refusal = error;
    this.changes.notify();
  }
}
