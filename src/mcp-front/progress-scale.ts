import type { Progress } from '../calls/call-options.ts';
import type { JsonObject } from '../mcp/json-rpc.ts';

/** What a report is moved on by that is not beyond the one before it: less than anybody sees. */
const LEAST_STEP = 2 ** -40;

/**
 * The progress of one call as MCP counts it, where each report must be beyond the one before: fractions of 1; or, once one
 * is unknown, how many reports there were.
 */
export class ProgressScale {
  #last = -1;
  #isCounting = false;

  next({ progress, message }: Progress): JsonObject {
    const text = message === undefined ? {} : { message };
    if (this.#isCounting || progress < 0) {
      this.#isCounting = true;
      this.#last = Math.max(Math.floor(this.#last), 0) + 1;
      return { progress: this.#last, ...text };
    }
    this.#last = progress > this.#last ? progress : this.#last + LEAST_STEP;
    return { progress: this.#last, total: 1, ...text };
  }
}
