import { frozen } from '../json/frozen.ts';
import { readJson } from '../json/read-json.ts';
import type { SupervisorSnapshot } from '../runtime/supervisor.ts';
import type { SupervisorEvents } from '../runtime/supervisor-events.ts';
import type { DaemonConnection } from './daemon-connection.ts';
import { isPassing } from './passing-errors.ts';
import { Pauses } from './pauses.ts';
import { readEvents, type ServerEvent } from './server-events.ts';
import { withoutNulls } from './unlimited.ts';

/** What the feed tells: events of the supervisor, and all of it as it is at the beginning. */
export type Told =
  | {
      [K in keyof SupervisorEvents]: { readonly event: K; readonly value: SupervisorEvents[K] };
    }[keyof SupervisorEvents]
  | { readonly event: 'snapshot'; readonly value: SupervisorSnapshot };

/**
 * Follows the events of a daemon while somebody listens, also when it is replaced or away for a while: what happened in
 * between is told if the daemon still knows it, else a snapshot is. It ends where another try would fail alike: the daemon
 * refuses the token, or has another interface.
 */
export class EventFeed {
  readonly #connection: DaemonConnection;
  readonly #tell: (told: Told) => void;
  readonly #fail: (error: unknown) => void;
  readonly #end = new AbortController();
  readonly #pauses = new Pauses();
  #last: string | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @param fail told why nothing more will come, unless this is closed */
  constructor(connection: DaemonConnection, tell: (told: Told) => void, fail: (error: unknown) => void) {
    this.#connection = connection;
    this.#tell = tell;
    this.#fail = fail;
    void this.#follow();
  }

  /** Listens no more. */
  close(): void {
    clearTimeout(this.#timer);
    this.#end.abort();
  }

  async #follow(): Promise<void> {
    const { signal } = this.#end;
    try {
      const headers = { accept: 'text/event-stream', ...(this.#last !== undefined && { 'last-event-id': this.#last }) };
      const { response } = await this.#connection.send({ path: '/events', headers, signal });
      response.setEncoding('utf8');
      await this.#read(response as AsyncIterable<string>);
    } catch (error) {
      if (signal.aborted) return;
      if (!isPassing(error)) return this.#fail(error);
    }
    if (signal.aborted) return;
    this.#timer = setTimeout(() => void this.#follow(), this.#pauses.next());
  }

  /** Reads events until they end, or the connection breaks. */
  async #read(parts: AsyncIterable<string>): Promise<void> {
    const events = readEvents(parts);
    for (;;) {
      const next = await events.next().catch(() => undefined);
      if (next === undefined || next.done === true || this.#end.signal.aborted) return;
      this.#pauses.reset();
      this.#note(next.value);
    }
  }

  #note({ id, event, data }: ServerEvent): void {
    this.#last = id ?? this.#last;
    const value = frozen(withoutNulls(readJson(data)));
    if (event === 'problem') {
      const { problems } = value as { readonly problems: SupervisorEvents['problem'] };
      this.#tell({ event, value: problems });
    } else if (EVENTS.has(event)) {
      this.#tell({ event, value } as Told);
    }
  }
}

const EVENTS: ReadonlySet<string> = new Set(['snapshot', 'transition', 'instance', 'decision', 'eviction', 'code']);
