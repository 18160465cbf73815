import { tracingChannel } from 'node:diagnostics_channel';
import { CALL_CHANNEL, type CallTrace } from '../../calls/call-trace.ts';
import { DEFAULT_TOOL } from '../../tools/tool-name.ts';
import { pluginId } from './actor-ids.ts';
import { CallSampler } from './call-sampler.ts';
import type { RecorderParts } from './recorder-parts.ts';

/** How much is told of what a failed call says, in characters. */
const MAX_MESSAGE = 500;

/** How much is told of who calls, in characters. */
const MAX_CLIENT = 100;

/** A call that has begun and not ended. */
interface OpenCall {
  /** When it began, by the monotonic clock. */
  readonly began: number;
  /** Whether it is told of from its start. */
  readonly isTold: boolean;
}

/** Records the calls of one supervisor, or a sample of them while there are many. */
export class CallRecorder {
  readonly #parts: RecorderParts;
  readonly #sampler = new CallSampler();
  readonly #open = new Map<CallTrace, OpenCall>();
  readonly #channel = tracingChannel<unknown, CallTrace>(CALL_CHANNEL);
  readonly #onStart: (trace: unknown) => void;
  readonly #onEnd: (trace: unknown) => void;

  constructor(parts: RecorderParts) {
    const { subject, faults } = parts;
    this.#parts = parts;
    const ofOurs = (step: (trace: CallTrace) => void) =>
      faults.guarded((trace: unknown) => {
        if ((trace as CallTrace).supervisor === subject.supervisor) step(trace as CallTrace);
      });
    this.#onStart = ofOurs((trace) => this.#start(trace));
    this.#onEnd = ofOurs((trace) => this.#end(trace));
    this.#channel.start.subscribe(this.#onStart);
    this.#channel.asyncEnd.subscribe(this.#onEnd);
  }

  close(): void {
    this.#channel.start.unsubscribe(this.#onStart);
    this.#channel.asyncEnd.unsubscribe(this.#onEnd);
    this.#open.clear();
  }

  #start(trace: CallTrace): void {
    const { subject, redactor, pending } = this.#parts;
    const { clock } = subject;
    const began = clock.monotonic();
    const isTold = this.#sampler.begin(began);
    this.#open.set(trace, { began, isTold });
    if (!isTold) return;
    const { plugin, call, client } = trace;
    const skipped = this.#sampler.takeSkipped();
    pending.add({
      kind: 'call',
      at: clock.now(),
      actor: pluginId(plugin),
      call,
      tool: toolOf(trace),
      client: client && redactor.text(client).slice(0, MAX_CLIENT),
      edge: 'start',
      skipped,
    });
  }

  #end(trace: CallTrace): void {
    const open = this.#open.get(trace);
    if (open === undefined) return;
    this.#open.delete(trace);
    const { subject, redactor, pending, rates } = this.#parts;
    const { clock } = subject;
    const { plugin, call, error } = trace;
    rates.noteCall(plugin, error !== undefined);
    const now = clock.monotonic();
    const tookMs = Math.round(now - open.began);
    if (open.isTold) this.#sampler.endTold();
    else if (!this.#sampler.end(now, tookMs, error !== undefined)) return;
    pending.add({
      kind: 'call',
      at: clock.now(),
      actor: pluginId(plugin),
      call,
      tool: toolOf(trace),
      edge: 'end',
      outcome: error?.code ?? 'ok',
      message: error && redactor.text(error.message).slice(0, MAX_MESSAGE),
      tookMs,
      skipped: this.#sampler.takeSkipped(),
    });
  }
}

/** Most calls are of the same tool, which is not told of each. */
function toolOf({ tool }: CallTrace): string | undefined {
  return tool === DEFAULT_TOOL ? undefined : tool;
}
