import type { CallBody } from '../protocol.ts';
import type { CallEntry, CallTable } from './call-table.ts';
import type { CallContext, PluginContext, PluginLog } from './plugin.ts';
import { PluginError } from './plugin-error.ts';

/** Where a call's progress goes. */
export interface ProgressSink {
  progress(fraction: number, message: string | undefined): void;
}

/** The calls that run now, by their place in the shared table. */
export class RunningCalls {
  readonly #table: CallTable;
  readonly #calls: (RunningCall | undefined)[] = [];
  #running = 0;
  #onIdle: (() => void) | undefined;

  constructor(table: CallTable) {
    this.#table = table;
  }

  /** Enters a call. Throws a transient PluginError where too many run. */
  open(body: Required<CallBody>, context: PluginContext<unknown>, sink: ProgressSink): RunningCall {
    const entry = this.#table.open(body.call);
    if (entry === undefined) throw new PluginError('Too many calls run in this worker.', { category: 'transient' });
    const call = new RunningCall(body, entry, this.#table, context, sink);
    this.#calls[entry.slot] = call;
    this.#running += 1;
    return call;
  }

  /** Removes a call that has ended; nothing where it is removed already. */
  close(call: RunningCall): void {
    if (call.ended) return;
    call.ended = true;
    this.#calls[call.entry.slot] = undefined;
    this.#table.close(call.entry);
    this.#running -= 1;
    if (this.#running === 0) this.#onIdle?.();
  }

  /** Resolves when no call runs, after `ms` milliseconds at the latest. */
  async ended(ms: number): Promise<void> {
    if (this.#running === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#onIdle = () => {
        clearTimeout(timer);
        resolve();
      };
    });
    this.#onIdle = undefined;
  }

  /** Aborts the signal of a call that the table says is cancelled, if it still runs. */
  abort({ slot, ticket }: CallEntry): void {
    const call = this.#calls[slot];
    if (call?.entry.ticket === ticket) call.abort();
  }
}

/** One running call, as the plugin sees it. */
export class RunningCall implements CallContext<unknown> {
  readonly call: string;
  readonly tool: string;
  readonly traceparent: string | undefined;
  readonly args: readonly unknown[];
  readonly kwargs: Readonly<Record<string, unknown>>;
  readonly config: unknown;
  readonly log: PluginLog;
  readonly progress: (fraction: number, message?: string) => void;
  readonly entry: CallEntry;
  ended = false;
  readonly #table: CallTable;
  #controller: AbortController | undefined;
  #abortReason: DOMException | undefined;

  constructor(
    body: Required<CallBody>,
    entry: CallEntry,
    table: CallTable,
    { config, log }: PluginContext<unknown>,
    sink: ProgressSink,
  ) {
    this.call = body.call;
    this.tool = body.tool;
    this.traceparent = body.traceparent;
    this.args = body.args;
    this.kwargs = body.kwargs;
    this.config = config;
    this.log = log;
    this.entry = entry;
    this.#table = table;
    this.progress = (fraction, message) => {
      if (!this.ended) sink.progress(fraction, message);
    };
  }

  /** What the plugin gets as its input. */
  get input(): unknown {
    return this.args.length > 0 ? this.args[0] : this.kwargs;
  }

  /** Made when first asked for: most calls never do, and it costs more than the rest of a small call. */
  get signal(): AbortSignal {
    if (this.#controller === undefined) {
      this.#controller = new AbortController();
      if (this.#abortReason !== undefined) this.#controller.abort(this.#abortReason);
    }
    return this.#controller.signal;
  }

  get cancelled(): boolean {
    return this.#abortReason !== undefined || (!this.ended && this.#table.isCancelled(this.entry));
  }

  /** Tells the plugin to stop. */
  abort(reason = 'The caller cancelled the call.'): void {
    if (this.#abortReason !== undefined) return;
    this.#abortReason = new DOMException(reason, 'AbortError');
    this.#controller?.abort(this.#abortReason);
  }
}
