import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { CALL_CHANNEL, CALL_CHUNK_CHANNEL, CALL_PHASE_CHANNEL, type CallTrace } from '../../calls/call-trace.ts';
import { PluginLoads } from '../../calls/plugin-loads.ts';
import { wallTime } from '../../time/clock.ts';
import { DEFAULT_TOOL } from '../../tools/tool-name.ts';
import { withoutTexts } from '../redaction/without-texts.ts';
import type { CallFigures, CallPayload } from '../wire.ts';
import type { CallsNow, RunningCall } from '../wire-calls.ts';
import { pluginId } from './actor-ids.ts';
import { isQuicklySearched, MAX_KEPT, secretsOfCall, shownValue, UNSEARCHED, wordsOf } from './call-payload.ts';
import { CallSampler } from './call-sampler.ts';
import { CallStatistics, LEAST_SLOW_MS } from './call-statistics.ts';
import type { NewRecord } from './journal-entry.ts';
import { OpenCall } from './open-call.ts';
import type { RecorderParts } from './recorder-parts.ts';
import { RunningCalls } from './running-calls.ts';

/** How much is told of who calls, of a class of errors, and of what a call says of its progress, in characters. */
const MAX_NAME = 100;
/** How many of the running calls are listed at once. */
const MAX_LISTED = 500;
/** How long calls are left before they are looked through for slow ones again, in milliseconds. */
const LOOK_MS = 1_000;

type NewCall = Omit<Extract<NewRecord, { kind: 'call' }>, 'kind' | 'at' | 'actor' | 'call' | 'tool'>;

/** Records the calls of one supervisor, or a sample of them while there are many; counts all of them. */
export class CallRecorder {
  readonly #parts: RecorderParts;
  readonly #sampler = new CallSampler();
  readonly #statistics = new CallStatistics();
  /** In the order in which they began. */
  readonly #open = new Map<CallTrace, OpenCall>();
  readonly #atWorkers = new RunningCalls<CallTrace>();
  readonly #loads: PluginLoads;
  readonly #channels: readonly (readonly [name: string, listener: (message: unknown) => void])[];
  readonly #monotonic: () => number;
  #look: NodeJS.Timeout | undefined;

  constructor(parts: RecorderParts) {
    const { subject, faults, keepsPayloads } = parts;
    this.#parts = parts;
    this.#monotonic = () => subject.clock.monotonic();
    this.#loads = new PluginLoads(
      { plugins: subject.records.values(), follow: (listener) => subject.transitions.add(listener) },
      (step) => faults.guard(step),
    );
    const ofOurs = (step: (trace: CallTrace) => void) =>
      faults.guarded((message: unknown) => {
        if ((message as CallTrace).supervisor === subject.supervisor) step(message as CallTrace);
      });
    this.#channels = [
      [`tracing:${CALL_CHANNEL}:start`, ofOurs((trace) => this.#start(trace))],
      [CALL_PHASE_CHANNEL, ofOurs((trace) => this.#enterPhase(trace))],
      [`tracing:${CALL_CHANNEL}:asyncEnd`, ofOurs((trace) => this.#end(trace))],
    ];
    if (keepsPayloads)
      this.#channels = [...this.#channels, [CALL_CHUNK_CHANNEL, ofOurs((trace) => this.#takeChunk(trace))]];
    for (const [name, listener] of this.#channels) subscribe(name, listener);
  }

  close(): void {
    for (const [name, listener] of this.#channels) unsubscribe(name, listener);
    this.#loads.close();
    clearTimeout(this.#look);
    this.#open.clear();
    this.#atWorkers.clear();
  }

  /** The calls that run now, and the figures of all: of one plugin, or of all where none is given. */
  now(plugin: string | undefined): CallsNow {
    const { subject, keepsPayloads } = this.#parts;
    const running: RunningCall[] = [];
    let runningCount = 0;
    for (const [trace, open] of this.#open) {
      if (plugin !== undefined && trace.plugin !== plugin) continue;
      runningCount += 1;
      if (running.length < MAX_LISTED) running.push(this.#running(trace, open));
    }
    const figures = this.#statistics.figures(plugin);
    return { at: subject.clock.now(), payloads: keepsPayloads, running, runningCount, figures };
  }

  /**
   * What each of these plugins is doing, in a line: of the call that has run for longest its tool and how far it is, and how
   * many others run. Those that run no call are missing. Asked for again and again, it looks at one call a plugin.
   */
  busy(plugins: readonly string[]): Record<string, string> {
    const lines = plugins.flatMap((plugin) => {
      const found = this.#atWorkers.longest(plugin);
      return found === undefined ? [] : [[plugin, this.#lineOf(found.call, found.others)] as const];
    });
    return Object.fromEntries(lines);
  }

  /** What a running call was given and has given so far; undefined where it does not run. */
  payloadOf(call: string): CallPayload | undefined {
    for (const [trace, open] of this.#open)
      if (trace.call === call) return wordsOf(trace, this.#knownOf(trace, open), this.#parts.redactor).payload ?? {};
    return undefined;
  }

  /** The figures of every plugin and of each of its tools. */
  get figures(): CallFigures[] {
    return this.#statistics.everything();
  }

  /** What matters most comes first: a page cuts the line at its end. */
  #lineOf(trace: CallTrace, others: number): string {
    const { tool, progress, message, chunks } = trace;
    const open = this.#open.get(trace);
    // To look through a long input takes a while: it is done where somebody looks at the call itself.
    const isShown = open !== undefined && (open.secrets?.known !== undefined || isQuicklySearched(trace));
    const far =
      progress !== undefined
        ? `${Math.round(progress * 100)} %`
        : chunks && `${chunks.toLocaleString('en')} chunk${chunks === 1 ? '' : 's'}`;
    const call = [tool.slice(0, MAX_NAME), far, others > 0 && `+${others}`].filter(Boolean).join(' ');
    return [call, isShown && message && this.#messageIn(message, trace, open)].filter(Boolean).join(' · ');
  }

  #running(trace: CallTrace, open: OpenCall): RunningCall {
    const { plugin, call, generation, progress, message, chunks } = trace;
    const { clock } = this.#parts.subject;
    const { queue: queueMs, load: loadMs, run: runMs } = open.timesAt(clock.monotonic());
    return {
      ...{ plugin, call, tool: toolOf(trace), client: this.#nameIn(trace.client), generation },
      ...{ since: wallTime(clock, open.began), part: open.part, queueMs, loadMs, runMs },
      ...{
        progress,
        message: message && this.#messageIn(message, trace, open),
        chunks,
        slow: open.isSlow || undefined,
      },
    };
  }

  #start(trace: CallTrace): void {
    const { clock } = this.#parts.subject;
    const began = clock.monotonic();
    const isSampled = this.#sampler.begin(began);
    this.#open.set(trace, new OpenCall(this.#monotonic, began, isSampled));
    this.#look ??= setTimeout(this.#lookForSlow, LOOK_MS).unref();
    if (!isSampled) return;
    const skipped = this.#sampler.takeSkipped();
    this.#tell(trace, { edge: 'start', client: this.#nameIn(trace.client), skipped });
  }

  #enterPhase(trace: CallTrace): void {
    const open = this.#open.get(trace);
    if (open === undefined) return;
    const { plugin, generation } = trace;
    if (generation === undefined) {
      this.#atWorkers.remove(plugin, trace);
      return this.#loads.addWaiting(plugin, open);
    }
    this.#atWorkers.add(plugin, trace);
    this.#loads.removeWaiting(plugin, open);
    open.enter('run');
  }

  /** The first chunks of a stream are kept: later ones are the caller's, who may change them. */
  #takeChunk(trace: CallTrace): void {
    const open = this.#open.get(trace);
    if (open === undefined || open.length >= MAX_KEPT) return;
    const secrets = this.#secretsOf(trace, open);
    const shown =
      secrets === undefined
        ? UNSEARCHED
        : shownValue(trace.output, this.#parts.redactor, secrets, MAX_KEPT - open.length);
    open.chunks.push(shown);
    open.length += JSON.stringify(shown).length + 1;
  }

  #end(trace: CallTrace): void {
    const open = this.#open.get(trace);
    if (open === undefined) return;
    this.#open.delete(trace);
    const { plugin, tool, error, generation } = trace;
    this.#atWorkers.remove(plugin, trace);
    this.#loads.removeWaiting(plugin, open);
    const now = this.#monotonic();
    const tookMs = tenths(now - open.began);
    const hasFailed = error !== undefined;
    const ranMs = tenths(open.ranAt(now));
    const isSlow = open.isSlow || (ranMs >= LEAST_SLOW_MS && ranMs >= this.#statistics.slowFrom(plugin, tool));
    const usualMs = isSlow ? this.#usual(trace) : undefined;
    if (open.isSampled) this.#sampler.endTold();
    const isTold = open.isSampled || open.isSlowTold || ((hasFailed || isSlow) && this.#sampler.takeLate(now, plugin));
    this.#statistics.note({ plugin, tool, tookMs, ranMs, hasFailed, isSlow, isTold });
    this.#parts.rates.noteCall(plugin, hasFailed);
    if (!isTold) return this.#sampler.skip();
    const { payload, message } = wordsOf(trace, this.#knownOf(trace, open), this.#parts.redactor);
    this.#tell(
      trace,
      {
        edge: 'end',
        client: open.isSampled ? undefined : this.#nameIn(trace.client),
        outcome: error?.code ?? 'ok',
        message,
        errorType: this.#nameIn(error?.remote?.type),
        tookMs,
        ...this.#partsOf(open, now),
        generation,
        slow: isSlow || undefined,
        usualMs,
        skipped: this.#sampler.takeSkipped(),
      },
      payload && JSON.stringify(payload),
    );
  }

  /** Calls that have run for so long that they are slow are told of now: some never end. */
  readonly #lookForSlow = (): void => {
    this.#look = undefined;
    if (this.#open.size === 0) return;
    // Not by the supervisor's clock: on that, the inspector changes nothing.
    this.#look = setTimeout(this.#lookForSlow, LOOK_MS).unref();
    this.#parts.faults.guard(() => {
      const now = this.#monotonic();
      for (const [trace, open] of this.#open) {
        const tookMs = tenths(now - open.began);
        // Those that follow began later yet.
        if (tookMs < LEAST_SLOW_MS) break;
        const ranMs = tenths(open.ranAt(now));
        if (open.isSlow || ranMs < LEAST_SLOW_MS) continue;
        const { plugin, tool, client, generation } = trace;
        if (ranMs < this.#statistics.slowFrom(plugin, tool)) continue;
        open.isSlow = true;
        open.isSlowTold = open.isSampled || this.#sampler.takeLate(now, plugin);
        if (!open.isSlowTold) continue;
        const parts = this.#partsOf(open, now);
        const usualMs = this.#usual(trace);
        this.#tell(trace, { edge: 'slow', client: this.#nameIn(client), tookMs, ...parts, generation, usualMs });
      }
    });
  };

  #tell(trace: CallTrace, told: NewCall, payload?: string): void {
    const { subject, pending } = this.#parts;
    const { plugin, call } = trace;
    const at = subject.clock.now();
    pending.add({ kind: 'call', at, actor: pluginId(plugin), call, tool: toolOf(trace), ...told }, payload);
  }

  #usual({ plugin, tool }: CallTrace): number | undefined {
    const usual = this.#statistics.usual(plugin, tool);
    return usual && tenths(usual);
  }

  #partsOf(open: OpenCall, now: number): Pick<NewCall, 'queueMs' | 'loadMs' | 'runMs'> {
    const { queue, load, run } = open.timesAt(now);
    return { queueMs: tenths(queue) || undefined, loadMs: tenths(load) || undefined, runMs: tenths(run) || undefined };
  }

  #knownOf({ plugin, tool }: CallTrace, { chunks }: OpenCall): Parameters<typeof wordsOf>[1] {
    const { subject, keepsPayloads: isKept } = this.#parts;
    return { chunks, schema: subject.records.get(plugin)?.tools.inputSchema(tool), isKept };
  }

  /** The secrets in the input of a call, which never change; undefined where it is too long to look for them. */
  #secretsOf(trace: CallTrace, open: OpenCall): readonly string[] | undefined {
    const { plugin, tool } = trace;
    open.secrets ??= {
      known: secretsOfCall(trace, this.#parts.subject.records.get(plugin)?.tools.inputSchema(tool)),
    };
    return open.secrets.known;
  }

  #messageIn(message: string, trace: CallTrace, open: OpenCall): string | undefined {
    const secrets = this.#secretsOf(trace, open);
    if (secrets === undefined) return UNSEARCHED;
    if (open.said?.message !== message) open.said = { message, cleared: withoutTexts(message, secrets) };
    return this.#nameIn(open.said.cleared);
  }

  #nameIn(text: string | undefined): string | undefined {
    return text && this.#parts.redactor.text(text).slice(0, MAX_NAME);
  }
}

/** Most calls are of the same tool, which is not told of each. */
function toolOf({ tool }: CallTrace): string | undefined {
  return tool === DEFAULT_TOOL ? undefined : tool;
}

const tenths = (ms: number): number => Math.round(ms * 10) / 10;
