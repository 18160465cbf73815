import type { JsonObject } from '../mcp/json-rpc.ts';
import type { KnownEra } from '../mcp/known-eras.ts';
import type { Agreement } from '../mcp/negotiate.ts';
import type { Era } from '../mcp/revisions.ts';
import { shown } from '../text/shown.ts';
import type { StartRequest } from './start-request.ts';
import type { WorkerStart } from './worker-start.ts';

/** The start of a server of MCP. */
export class McpStart implements WorkerStart {
  readonly isStdio = true;
  readonly note: StartRequest['note'];
  readonly #known: KnownEra;
  #step: string | undefined;
  #isAnswered = false;

  constructor({ note }: Pick<StartRequest, 'note'>, known: KnownEra) {
    this.note = note;
    this.#known = known;
  }

  get isAnswered(): boolean {
    return this.#isAnswered;
  }

  /** The era that it spoke when it was asked before. */
  get knownEra(): Era | undefined {
    return this.#known.get();
  }

  /** Remembers what it was found to speak. */
  async agree(negotiate: () => Promise<Agreement>): Promise<Agreement> {
    this.#step = 'answering "server/discover" or "initialize"';
    const agreement = await negotiate();
    // What was known already keeps its date: it was not asked.
    if (agreement.era !== this.knownEra) this.#known.set(agreement.era);
    this.#step = undefined;
    this.#isAnswered = true;
    return agreement;
  }

  /** Writes what it says by `notifications/message` to the log of its plugin. */
  log({ level, logger, data }: JsonObject): void {
    const from = typeof logger === 'string' ? `${logger}: ` : '';
    this.note(
      `[${typeof level === 'string' ? level : 'info'}] ${from}${typeof data === 'string' ? data : shown(data)}`,
    );
  }

  step(): string | undefined {
    return this.#step;
  }

  /** A server may end at the question that only modern ones know. It is started once more, and not asked again. */
  againBecause(): string | undefined {
    // It ends without the question too.
    if (this.#step === undefined || this.knownEra !== undefined) return undefined;
    this.#known.set('legacy');
    return 'it ended at "server/discover"; starting it again without that question';
  }
}
