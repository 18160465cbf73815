import type { CallOptions, Progress, StreamOptions } from '../calls/call-options.ts';
import { Arguments } from '../channel/arguments.ts';
import type { EncodedInput } from '../channel/encoded-input.ts';
import type { GreenroomError } from '../errors.ts';
import { writeJson } from '../json/exact-json.ts';
import type { Fields } from '../json/fields.ts';
import { readJson } from '../json/read-json.ts';
import { outcomesOf } from '../runtime/loading.ts';
import type { PluginFilter } from '../runtime/plugin-handle.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import { type Batch, BatchReader } from './batch-reader.ts';
import { type CauseMessage, describeError, type ErrorMessage, rebuildCause, rebuildError } from './error-message.ts';
import { EXIT_STOP_MS } from './exit-stop.ts';
import { sentValue, withBytes } from './sent-value.ts';

/** The request that a method serves. */
export interface RequestContext {
  readonly id: number;
  /** Aborted when the caller no longer waits. */
  readonly signal: AbortSignal;
  readonly onProgress: (progress: Progress) => void;
}

/** Options of a call, without what cannot leave the caller's thread. */
export interface SentCallOptions extends Omit<StreamOptions, 'signal' | 'onProgress'> {
  /** Whether the caller has an `onProgress`. */
  readonly progress: boolean;
}

/** A config, or why it cannot be sent. */
export type SentConfig = { readonly config: unknown } | { readonly error: ErrorMessage };

/** As `Outcome`, for another thread. */
export type SentOutcome = { readonly ok: true } | { readonly ok: false; readonly error: ErrorMessage };

/** What {@link methodsOf} makes. */
export type ThreadMethods = ReturnType<typeof methodsOf>;

/**
 * What the caller may ask of the supervisor in this thread. Values of plugins are JSON as text with bytes beside it, so
 * that they are parsed by the caller, as those of a wire are; what the supervisor itself says is plain data, which a clone keeps.
 *
 * @param running what aborts each request that is being served
 */
export function methodsOf(supervisor: Supervisor, running: ReadonlyMap<number, AbortController>) {
  const readers = new Map<number, BatchReader>();
  const readerOf = (stream: number): BatchReader => readers.get(stream) as BatchReader;
  const leave = async (stream: number): Promise<void> => {
    const reader = readers.get(stream);
    readers.delete(stream);
    await reader?.leave();
  };
  /** Nobody reads a stream whose caller waits for the end. */
  const stop = async (timeoutMs?: number): Promise<void> => {
    const stopped = supervisor.stop({ timeoutMs });
    await Promise.all([stopped, ...[...readers.keys()].map(leave)]);
  };

  return {
    /* ---- Life cycle ---- */
    discover: () => supervisor.discover(),
    load: ({ signal }: RequestContext, name: string, config: unknown) => supervisor.load(name, { config, signal }),
    reload: ({ signal }: RequestContext, name: string, config: unknown) => supervisor.reload(name, { config, signal }),
    async loadAll(_: RequestContext, configs: Readonly<Record<string, SentConfig>>) {
      const outcomes = await outcomesOf(supervisor.plugins({ enabled: true }), async (name) => {
        const given = Object.hasOwn(configs, name) ? configs[name] : undefined;
        if (given !== undefined && 'error' in given) throw rebuildError(given.error);
        await supervisor.load(name, { config: given?.config });
      });
      return sentOutcomes(outcomes);
    },
    unload: (_: RequestContext, name: string) => supervisor.unload(name),
    unloadAll: async () => sentOutcomes(await supervisor.unloadAll()),
    release: (_: RequestContext, name: string) => supervisor.release(name),
    enable: (_: RequestContext, name: string) => supervisor.enable(name),
    disable: (_: RequestContext, name: string) => supervisor.disable(name),
    registerSystemMonitor: (_: RequestContext, name: string) => supervisor.registerSystemMonitor(name),
    stop: (_: RequestContext, timeoutMs: number | undefined) => stop(timeoutMs),
    /** The program exits: calls end now, and plugins soon. */
    async exit() {
      for (const request of running.values()) request.abort();
      await stop(EXIT_STOP_MS);
    },
    /** Ends a request for which nobody waits any more. */
    cancel: (_: RequestContext, request: number) => running.get(request)?.abort(),

    /* ---- Calls and config ---- */
    async execute(context: RequestContext, name: string, input: EncodedInput, options: SentCallOptions) {
      return sentValue(
        await supervisor.execute(name, valueOf(input), { ...callOptions(context, options), signal: context.signal }),
      );
    },
    /** Its identifier is that of the request. */
    stream(context: RequestContext, name: string, input: EncodedInput, options: SentCallOptions): void {
      const stream = supervisor.stream(name, valueOf(input), callOptions(context, options));
      readers.set(context.id, new BatchReader(stream));
    },
    async read(_: RequestContext, stream: number): Promise<Batch> {
      const batch = await readerOf(stream).read();
      if (batch.ended) readers.delete(stream);
      return batch;
    },
    touch: (_: RequestContext, stream: number) => readers.get(stream)?.touch(),
    leave: (_: RequestContext, stream: number) => leave(stream),
    cancelCalls: (_: RequestContext, name: string, reason: CauseMessage | undefined) =>
      supervisor.cancelCalls(name, ...(reason === undefined ? [] : [rebuildCause(reason)])),
    config: async (_: RequestContext, name: string) => textOf(await supervisor.config(name)),
    configSchema: async (_: RequestContext, name: string) => textOf(await supervisor.configSchema(name)),
    tools: async (_: RequestContext, name: string) => textOf(await supervisor.tools(name)),
    configs: async () => textOf(await supervisor.configs()),
    updateConfig: (_: RequestContext, name: string, config: unknown) => supervisor.updateConfig(name, config),

    /* ---- State ---- */
    plugins: (_: RequestContext, filter: PluginFilter | undefined) => supervisor.plugins(filter),
    info: (_: RequestContext, name: string) => supervisor.plugin(name).info,
    plugin: (_: RequestContext, name: string) => supervisor.plugin(name).snapshot(),
    categories: (_: RequestContext, filter: { readonly loaded?: boolean | undefined } | undefined) =>
      supervisor.categories(filter),
    problems: () => supervisor.problems(),
    snapshot: () => supervisor.snapshot(),
    status: () => supervisor.status(),
    explain: (_: RequestContext, name: string) => supervisor.explain(name),
    stats: (_: RequestContext, name: string) => supervisor.stats(name),
    systemStats: () => supervisor.systemStats(),
    logs: (_: RequestContext, name: string, options: { readonly lines?: number | undefined } | undefined) =>
      supervisor.logs(name, { lines: options?.lines }),
  };
}

function callOptions(context: RequestContext, { progress, ...options }: SentCallOptions): CallOptions {
  return progress ? { ...options, onProgress: context.onProgress } : options;
}

/** The input again, of which the supervisor writes the same text. */
function valueOf({ args, kwargs, bytes }: EncodedInput): unknown {
  const input = { args: readJson(args) as unknown[], kwargs: readJson(kwargs) as Fields };
  withBytes(input, bytes);
  if (args === '[]') return input.kwargs;
  return kwargs === '{}' ? input.args : new Arguments(input.args, input.kwargs);
}

function textOf(value: unknown): string {
  return writeJson(value, 'value') ?? 'null';
}

type Outcomes = ReadonlyMap<string, { readonly ok: true } | { readonly ok: false; readonly error: GreenroomError }>;

function sentOutcomes(outcomes: Outcomes): ReadonlyMap<string, SentOutcome> {
  return new Map(
    [...outcomes].map(([name, outcome]) => [
      name,
      outcome.ok ? outcome : { ok: false, error: describeError(outcome.error) },
    ]),
  );
}
