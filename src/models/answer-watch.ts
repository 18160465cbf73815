import type { ServerResponse } from 'node:http';
import { destroyUnfinished } from '../proxy/destroy-connection.ts';
import type { ForwardOptions } from '../proxy/forward.ts';
import type { RawHeaders } from '../proxy/headers.ts';
import { type Dialect, errorEvent, type ModelError } from './dialect.ts';
import type { WaitingStream } from './waiting-stream.ts';

/**
 * Watches the answer of a plugin's server on its way: one that does not fit a head that was sent already, and one that
 * ends in its middle, become errors that the client sees.
 */
export class AnswerWatch {
  readonly #dialect: Dialect;
  readonly #plugin: string;
  readonly #requestId: string;
  readonly #waiting: WaitingStream | undefined;
  #answered = false;
  #isEvents = false;

  /** @param waiting where the client may be sent a head before the answer comes */
  constructor(dialect: Dialect, plugin: string, requestId: string, waiting: WaitingStream | undefined) {
    this.#dialect = dialect;
    this.#plugin = plugin;
    this.#requestId = requestId;
    this.#waiting = waiting;
  }

  /** Whether the server has begun to answer. */
  get answered(): boolean {
    return this.#answered;
  }

  /** What `forward` is to call. */
  readonly hooks: Pick<ForwardOptions, 'divert' | 'onResponse' | 'onEarlyEnd'> = {
    divert: (status, headers) => {
      const waiting = this.#waiting;
      this.#answered = true;
      waiting?.stop();
      if (waiting?.begun !== true || (status < 300 && isEventStream(headers))) return undefined;
      return (body) => waiting.fail(this.#dialect, divertedError(this.#plugin, status, body));
    },
    onResponse: (_status, headers) => {
      this.#isEvents = isEventStream(headers) && headerOf(headers, 'content-length') === undefined;
    },
    onEarlyEnd: (response) => this.#tellEarlyEnd(response),
  };

  #tellEarlyEnd(response: ServerResponse): void {
    if (!this.#isEvents) return destroyUnfinished(response);
    const message = `"${this.#plugin}" ended in the middle of its answer. See its log: greenroom logs ${this.#plugin}.`;
    response.end(errorEvent(this.#dialect, { status: 502, message, code: 'E_CRASHED' }, this.#requestId));
  }
}

/** An error of the server itself, in the words that it was told in where they can be found. */
function divertedError(plugin: string, status: number, body: Buffer): ModelError {
  const own = messageIn(body.toString('utf8'));
  if (status < 400) {
    const message = `"${plugin}" answered with something other than a stream of events.`;
    return { status: 502, message, code: 'E_PROTOCOL' };
  }
  return { status, message: own ?? `"${plugin}" answered with status ${status}.`, code: `status_${status}` };
}

function messageIn(text: string): string | undefined {
  try {
    const { error } = JSON.parse(text) as { error?: string | { message?: unknown } };
    const message = typeof error === 'object' ? error.message : error;
    if (typeof message === 'string') return message;
  } catch {
    // Many servers answer with text, or a page.
  }
  const plain = text.trim();
  return plain === '' || plain.startsWith('<') ? undefined : plain.slice(0, 2_000);
}

function isEventStream(headers: RawHeaders): boolean {
  const coding = headerOf(headers, 'content-encoding') ?? 'identity';
  return /^text\/event-stream\s*(;|$)/i.test(headerOf(headers, 'content-type') ?? '') && coding === 'identity';
}

function headerOf(headers: RawHeaders, name: string): string | undefined {
  const at = headers.findIndex((key, index) => index % 2 === 0 && key.toLowerCase() === name);
  return at < 0 ? undefined : headers[at + 1];
}
