// Longer than others because a call is one thing from its start to its only end: it waits, is sent, and may be sent again.

import { type EncodedInput, removeTempFiles, type UnsavedInput } from '../channel/encoded-input.ts';
import type { CallInFlight, CallSink } from '../channel/worker-channel.ts';
import type { GreenroomError } from '../errors.ts';
import { onAbort } from '../events/abort-watch.ts';
import { callListener } from '../events/listeners.ts';
import type { JsonObject } from '../mcp/json-rpc.ts';
import { UNKNOWN_TOOL } from '../protocol.ts';
import type { ResultCheck } from '../tools/result-check.ts';
import { DEFAULT_TOOL } from '../tools/tool-name.ts';
import { unknownTool } from '../tools/unknown-tool.ts';
import {
  cancelledError,
  noStreamsError,
  refusedToolError,
  resultError,
  timeoutError,
  unreachableError,
} from './call-errors.ts';
import type { InternalCallOptions } from './call-options.ts';
import type { CallOutcome } from './call-outcome.ts';
import type { CallSite } from './call-site.ts';
import { type CallTrace, endTrace, startTrace, traceChunk, tracePhase, traceProgress } from './call-trace.ts';
import { confirmAlive } from './confirm-alive.ts';
import { connectionFault } from './connection-fault.ts';
import type { AskedCall, LeaseRequest, Residency } from './lease-request.ts';

/** How often a call that is idempotent is sent again after its worker died. */
const MAX_RESENDS = 2;

/** The same where other workers take it at once: no backoff lies between, and one bad call must not kill them all. */
const MAX_RESENDS_TO_OTHERS = 1;

/** How long a broken connection waits for the exit that explains it, in milliseconds. */
const EXIT_GRACE_MS = 250;

/**
 * One call on its way: waits at the gate, runs at the worker, ends. Its outcome and its lease end apart: a cancel or a
 * timeout settles the caller at once, while the lease comes back when the worker has answered.
 */
export class Call implements LeaseRequest {
  readonly id: string;
  readonly priority: number;
  readonly deadline: number | undefined;
  readonly #site: CallSite;
  readonly #path: 'execute' | 'stream';
  /** Kept for sending it again. */
  #input!: EncodedInput;
  #tempFiles: readonly string[] = [];
  /** What is still to be saved to files before it can be sent. */
  #unsaved: UnsavedInput | undefined;
  readonly #options: InternalCallOptions;
  /** As it was at the call, whatever becomes of the options. */
  readonly #tool: string | undefined;
  readonly #traceparent: string | undefined;
  #outcome: CallOutcome | undefined;
  /** What subscribers are told of the end with; undefined: nobody subscribed when the call began. */
  readonly #trace: CallTrace | undefined;
  #residency: Residency | undefined;
  #inFlight: CallInFlight | undefined;
  #timeout: unknown;
  #grace: unknown;
  #forgetSignal: (() => void) | undefined;
  #resends = 0;
  #starved = false;
  /** How its results are checked, where they are to be. */
  #resultCheck: ResultCheck | undefined;
  /** Whether nothing of it has reached the worker, so that any call may be sent again. */
  #unsent = false;

  constructor(
    site: CallSite,
    path: 'execute' | 'stream',
    id: string,
    input: EncodedInput | UnsavedInput,
    options: InternalCallOptions,
    outcome: CallOutcome,
  ) {
    this.#site = site;
    this.#path = path;
    this.id = id;
    if ('save' in input) this.#unsaved = input;
    else this.#input = input;
    this.#options = options;
    this.#tool = options.tool;
    this.#outcome = outcome;
    this.#traceparent = options.traceparent;
    const { client } = options;
    const tool = this.#tool ?? DEFAULT_TOOL;
    this.#trace = startTrace(site.supervisor, site.plugin, id, path, tool, this.#traceparent, client);
    if (this.#trace !== undefined) {
      if (options.mcpParams === undefined) this.#trace.input = this.#input;
      else this.#trace.params = options.mcpParams;
    }
    this.priority = options.priority ?? 0;
    const { timeoutMs, signal } = options;
    if (timeoutMs !== undefined && timeoutMs !== Infinity) {
      this.deadline = site.clock.monotonic() + timeoutMs;
      this.#timeout = site.clock.setTimeout(() => this.#timedOut(), timeoutMs);
    }
    if (signal !== undefined) {
      this.#forgetSignal = onAbort(signal, () => this.cancel(signal.reason));
    }
  }

  get asked(): AskedCall {
    return { tool: this.#tool ?? DEFAULT_TOOL, client: this.#options.client };
  }

  get idleSince(): number | undefined {
    return this.#outcome?.idleSince?.();
  }

  /** Sends the call on its way: in this same step, unless there is something to save first. */
  begin(): void {
    if (this.#options.signal?.aborted === true) this.cancel(this.#options.signal.reason);
    else if (this.#unsaved === undefined) this.#enter();
    else void this.#save(this.#unsaved);
  }

  async #save(unsaved: UnsavedInput): Promise<void> {
    this.#site.saving.add(this);
    try {
      const { input, tempFiles } = await unsaved.save();
      this.#input = input;
      this.#tempFiles = tempFiles;
      if (this.#trace !== undefined) this.#trace.input = input;
    } catch (error) {
      this.#fail(error as GreenroomError);
      return;
    } finally {
      this.#site.saving.delete(this);
    }
    this.#unsaved = undefined;
    // It may have been cancelled meanwhile, or have run out of time.
    if (this.#outcome === undefined) this.#discardFiles();
    else this.#enter();
  }

  #enter(): void {
    this.#site.gate.enter(this);
    this.#traceWait();
  }

  /** Told where the gate did not start the call, or end it, in the same step. */
  #traceWait(): void {
    if (this.#trace !== undefined && this.#residency === undefined && this.#outcome !== undefined)
      tracePhase(this.#trace, undefined);
  }

  /** Cancels the call for its caller. */
  cancel(reason: unknown): void {
    this.abandon(cancelledError(this.#site.plugin, reason));
  }

  /** Slows the worker down: nothing more is read until {@link resume}. */
  pause(): void {
    this.#inFlight?.pause();
  }

  resume(): void {
    this.#inFlight?.resume();
  }

  start(residency: Residency): void {
    this.#residency = residency;
    if (this.#trace !== undefined) tracePhase(this.#trace, residency.generation);
    this.#options.onStart?.(residency.generation);
    this.#send(residency);
  }

  #send(residency: Residency): void {
    const { channel } = residency;
    const { plugin, tools } = this.#site;
    const tool = this.#tool;
    const { validate } = this.#options;
    if (tool !== undefined && tool !== DEFAULT_TOOL && channel.tools === undefined) {
      this.#onError(unknownTool(plugin, tool, [DEFAULT_TOOL]));
      return;
    }
    if (this.#path === 'stream' && channel.stream === undefined) {
      this.#onError(noStreamsError(plugin));
      return;
    }
    this.#unsent = false;
    const named = channel.tools === undefined ? undefined : tool;
    if (named !== undefined) tools.learn(residency);
    if (validate !== false) this.#resultCheck = tools.resultCheck(tool, this.#path === 'stream', validate === 'both');
    const { integers = this.#site.integers } = this.#options;
    const { traceparent } = this.#trace ?? { traceparent: this.#traceparent };
    const { mcpParams, session } = this.#options;
    const asTask = named !== undefined && channel.mcp !== undefined && tools.runsAsTask(named);
    const outgoing = {
      id: this.id,
      input: this.#input,
      tool: named,
      integers,
      traceparent,
      mcpParams,
      session,
      asTask,
    };
    this.#inFlight = channel[this.#path]?.(outgoing, this.#answersOf(residency));
  }

  refuse(error: GreenroomError): void {
    // The scheduler waits for memory no longer than the calls do, and may see their deadline before their timer.
    const late =
      error.code === 'E_REFUSED' && this.deadline !== undefined && this.#site.clock.monotonic() >= this.deadline;
    this.#fail(late ? this.#timeoutError() : error);
    this.#discardFiles();
  }

  giveUp(): void {
    // Once its caller has its outcome, the worker was asked already.
    if (this.#outcome !== undefined && this.#residency !== undefined) this.#askToStop(this.#residency);
  }

  lose(error: GreenroomError): void {
    this.#residency = undefined;
    this.#inFlight = undefined;
    if (this.#mayBeResent()) {
      this.#resends += 1;
      this.#enter();
      return;
    }
    this.refuse(error);
  }

  #mayBeResent(): boolean {
    const most = this.#site.hasInstances() && !this.#unsent ? MAX_RESENDS_TO_OTHERS : MAX_RESENDS;
    if (this.#outcome === undefined || this.#resends >= most) return false;
    if (this.#unsent) return true;
    return this.#path === 'execute' && this.#isIdempotent();
  }

  #isIdempotent(): boolean {
    const { idempotent } = this.#options;
    return idempotent ?? this.#site.tools.isIdempotent(this.#tool) ?? this.#site.idempotent();
  }

  /** What this worker says of the call. Once the call is lost it counts no more: another may be at it. */
  #answersOf(residency: Residency): CallSink {
    const isOurs = (): boolean => this.#residency === residency;
    return {
      onProgress: (progress, message, params) => {
        if (isOurs()) this.#onProgress(progress, message, params);
      },
      onChunk: (chunk, length) => {
        if (isOurs()) this.#onChunk(chunk, length);
      },
      onResult: (result) => {
        if (isOurs()) this.#onResult(result);
      },
      onError: (error) => {
        if (isOurs()) this.#onError(error);
      },
    };
  }

  #onProgress(progress: number, message: string | undefined, params: JsonObject | undefined): void {
    if (this.#outcome === undefined) return;
    if (this.#trace !== undefined) traceProgress(this.#trace, progress, message);
    const { onProgress } = this.#options;
    if (onProgress === undefined) return;
    const reported = params === undefined ? { progress, message } : { progress, message, params };
    callListener(onProgress, reported, this.#site.onListenerError);
  }

  #onChunk(chunk: unknown, length: number): void {
    if (this.#trace !== undefined && this.#outcome !== undefined) traceChunk(this.#trace, chunk);
    const fault = this.#faultOf(chunk);
    if (fault === undefined) this.#outcome?.onChunk(chunk, length);
    else this.abandon(fault);
  }

  /** What the caller is told of a result that does not fit its schema, if it has asked; else the log is told, once. */
  #faultOf(result: unknown): GreenroomError | undefined {
    const check = this.#resultCheck;
    const fault = check?.check(result);
    if (fault === undefined) return undefined;
    const { plugin } = this.#site;
    if (this.#options.validate === 'both') return resultError(plugin, fault);
    const { message, problems } = fault;
    this.#resultCheck = undefined;
    this.#site.warn({ plugin, call: this.id, problems }, message);
    return undefined;
  }

  #onResult(result: unknown): void {
    const fault = this.#path === 'execute' ? this.#faultOf(result) : undefined;
    if (fault === undefined) this.#succeed(result);
    else this.#fail(fault);
    this.#leave();
  }

  #onError(error: GreenroomError): void {
    const residency = this.#residency;
    // A broken connection is most often the worker's death, of which its exit says more.
    if (error.code === 'E_CRASHED' && residency !== undefined) {
      this.#site.patience.setTimeout(() => {
        if (this.#residency === residency) this.#onBroken(residency, error);
      }, EXIT_GRACE_MS);
      return;
    }
    if (residency !== undefined && this.#mayWaitForMemory(error)) {
      this.#starved = true;
      this.#residency = undefined;
      this.#inFlight = undefined;
      this.#site.gate.starve(residency, this);
      this.#traceWait();
      return;
    }
    this.#fail(this.#isUnknownTool(error) ? refusedToolError(this.#site.plugin, this.#tool, error) : error);
    this.#leave();
  }

  /** The connection has failed, and the worker has not ended: it may be the host program, the worker, or this call. */
  #onBroken(residency: Residency, error: GreenroomError): void {
    const fault = connectionFault(error);
    this.#unsent = fault !== 'broken';
    if (fault === 'unreachable') {
      this.#site.gate.reportUnreachable(residency, this, unreachableError(this.#site.plugin, error));
      return;
    }
    if (fault === 'shortage') {
      this.#fail(error);
      this.#leave();
      return;
    }
    const isOurs = (): boolean => this.#residency === residency;
    confirmAlive(residency.channel, this.#site.patience).then(
      () => {
        if (!isOurs()) return;
        if (!this.#mayBeResent()) {
          this.#fail(error);
          this.#leave();
          return;
        }
        this.#resends += 1;
        this.#send(residency);
      },
      (cause: unknown) => {
        if (isOurs()) this.#site.gate.reportUnreachable(residency, this, unreachableError(this.#site.plugin, cause));
      },
    );
  }

  /** Of a worker that knows tools; another plugin's own error may be called the same. */
  #isUnknownTool({ remote }: GreenroomError): boolean {
    return remote?.type === UNKNOWN_TOOL && remote.category === 'input' && this.#residency?.channel.tools !== undefined;
  }

  /** Whether it failed for want of memory, and may be tried again, once, when there is more. */
  #mayWaitForMemory({ remote }: GreenroomError): boolean {
    if (remote?.category !== 'resource' || this.#starved || this.#outcome === undefined) return false;
    if (this.#path !== 'execute') return false;
    return remote.retryable || this.#isIdempotent();
  }

  #timedOut(): void {
    this.abandon(this.#timeoutError());
  }

  #timeoutError(): GreenroomError {
    const { plugin } = this.#site;
    const { timeoutMs } = this.#options;
    const doing =
      this.#unsaved !== undefined
        ? 'saving its input to files'
        : this.#residency === undefined
          ? 'waiting for its worker'
          : 'running';
    return timeoutError(plugin, timeoutMs, doing);
  }

  /** Ends the call for its caller at once, with this error, and asks the worker to give it up. */
  abandon(error: GreenroomError): void {
    const outcome = this.#settle();
    if (outcome === undefined) return;
    const { gate, patience } = this.#site;
    const residency = this.#residency;
    if (residency === undefined) {
      gate.withdraw(this);
      this.#discardFiles();
    } else {
      this.#askToStop(residency);
      this.#grace = patience.setTimeout(() => gate.reportStuck(residency, this), this.#site.cancelGraceMs());
    }
    this.#fail(error, outcome);
  }

  #askToStop(residency: Residency): void {
    // A paused stream stands still in the worker too, and would not see that it is cancelled.
    this.#inFlight?.resume();
    const { channel } = residency;
    const asked = channel.cancel?.(this.id);
    asked?.catch(() => {});
    // What is sent now would be stuck with it.
    if (asked !== undefined && channel.isDoubtfulWhileCancelling === true) this.#site.gate.hold(residency, asked);
  }

  #succeed(result: unknown): void {
    const outcome = this.#settle();
    if (outcome === undefined) return;
    if (this.#trace !== undefined) {
      if (this.#path === 'execute') this.#trace.output = result;
      endTrace(this.#trace);
    }
    outcome.onResult(result);
  }

  #fail(error: GreenroomError, outcome = this.#settle()): void {
    if (outcome === undefined) return;
    if (this.#trace !== undefined) endTrace(this.#trace, error);
    outcome.onError(error);
  }

  /** Hands out the caller's side once; whoever gets it settles it. */
  #settle(): CallOutcome | undefined {
    const outcome = this.#outcome;
    this.#outcome = undefined;
    if (this.#timeout !== undefined) {
      this.#site.clock.clearTimeout(this.#timeout);
      this.#timeout = undefined;
    }
    if (this.#grace !== undefined) {
      this.#site.patience.clearTimeout(this.#grace);
      this.#grace = undefined;
    }
    this.#forgetSignal?.();
    this.#forgetSignal = undefined;
    return outcome;
  }

  #leave(): void {
    const residency = this.#residency;
    this.#residency = undefined;
    this.#inFlight = undefined;
    this.#discardFiles();
    if (residency !== undefined) this.#site.gate.leave(residency, this);
  }

  #discardFiles(): void {
    if (this.#tempFiles.length > 0) removeTempFiles(this.#tempFiles);
  }
}
