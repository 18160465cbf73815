import type { Span } from '@opentelemetry/api';
import type { CallPart } from '../calls/plugin-loads.ts';

/** A call that has begun and not ended: its span, and the span of the part that it is at. */
export class OpenCall {
  readonly span: Span;
  readonly #startPart: (name: CallPart) => Span;
  #name: CallPart | undefined;
  #part: Span | undefined;

  constructor(span: Span, startPart: (name: CallPart) => Span) {
    this.span = span;
    this.#startPart = startPart;
  }

  /** The call enters a part: ends the former one. Returns its span. Entering the same part goes on with it. */
  enter(name: CallPart): Span {
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
