import { createToken } from './token.ts';

/** How long a ticket may be used, in milliseconds. */
export const TICKET_MS = 30_000;
/** More than this many unused tickets are not kept: the oldest is dropped. */
const MAX_TICKETS = 1_000;

/**
 * Tickets stand in a URL where no header can be sent, as by a browser's `EventSource`. A URL may end in a log, so each
 * ticket is good for one request, and for a short time.
 */
export class Tickets {
  readonly #until = new Map<string, number>();

  /** A new ticket. */
  issue(): string {
    const ticket = createToken();
    this.#until.set(ticket, performance.now() + TICKET_MS);
    if (this.#until.size > MAX_TICKETS) {
      const [oldest] = this.#until.keys();
      if (oldest !== undefined) this.#until.delete(oldest);
    }
    return ticket;
  }

  /** Whether the ticket was good; it is no longer. */
  use(ticket: string): boolean {
    const until = this.#until.get(ticket);
    this.#until.delete(ticket);
    return until !== undefined && performance.now() < until;
  }
}
