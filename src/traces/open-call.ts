import type { Span } from '@opentelemetry/api';

/** What a call is at: it waits for a worker (`queue`), for one that is being started (`load`), or a worker runs it. */
export type Part = 'queue' | 'load' | 'run';

/** A call that has begun and not ended: its span, and the span of the part that it is at. */
export class OpenCall {
  readonly span: Span;
  readonly #startPart: (name: Part) => Span;
  #name: Part | undefined;
  #part: Span | undefined;

  constructor(span: Span, startPart: (name: Part) => Span) {
    this.span = span;
    this.#startPart = startPart;
  }

  /** The call enters a part: ends the former one. Returns its span. Entering the same part goes on with it. */
  enter(name: Part): Span {
    if (this.#part !== undefined && this.#name === name) return this.#part;
    this.#part?.end();
    this.#name = name;
    this.#part = this.#startPart(name);
    return this.#part;
  }

  end(): void {
    this.#part?.end();
    this.span.end();
  }
}
