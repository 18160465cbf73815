import type { Era } from './revisions.ts';

/** How long what was found out about a program counts, in milliseconds: it may have been updated meanwhile. */
const VALID_MS = 24 * 60 * 60 * 1_000;

/** How many programs are remembered. */
const MAX = 1_000;

/**
 * Which era each program speaks, so that it is asked once and not at every start: a server that knows nothing of the
 * question may be silent, or end.
 */
export class KnownEras {
  readonly #found = new Map<string, { readonly era: Era; readonly at: number }>();
  readonly #now: () => number;

  /** @param now milliseconds of any clock */
  constructor(now: () => number = () => performance.now()) {
    this.#now = now;
  }

  /** What is known of a program, by what it is started with. */
  get(program: string): Era | undefined {
    const found = this.#found.get(program);
    return found !== undefined && this.#now() - found.at < VALID_MS ? found.era : undefined;
  }

  set(program: string, era: Era): void {
    this.#found.delete(program);
    this.#found.set(program, { era, at: this.#now() });
    const [oldest] = this.#found.keys();
    if (this.#found.size > MAX && oldest !== undefined) this.#found.delete(oldest);
  }
}
