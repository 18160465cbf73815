import { brokenError } from '../channel/remote-error.ts';
import { GreenroomError } from '../errors.ts';
import { onAbort } from '../events/abort-watch.ts';
import { cancelledError, timeoutError, unreachableError } from './call-errors.ts';
import { nextCallId } from './call-id.ts';
import type { CallSite } from './call-site.ts';
import { type CallTrace, endTrace, startTrace, tracePhase } from './call-trace.ts';
import { connectionFault } from './connection-fault.ts';
import type { AskedCall, LeaseRequest, Residency } from './lease-request.ts';

/** How long a broken connection waits for the exit that explains it, in milliseconds. */
const EXIT_GRACE_MS = 250;

/** What a program may set for one request to an HTTP server. */
export interface RequestOptions {
  /** Cancels the request. */
  readonly signal?: AbortSignal | null | undefined;
  /** Milliseconds for waiting, loading and the whole exchange together; `Infinity`, the default, for no limit. */
  readonly timeoutMs?: number | undefined;
  /** Higher goes first among the waiting requests; 0 by default. */
  readonly priority?: number | undefined;
  /**
   * How many milliseconds ago a former request began to wait of which this one takes the place: of a client that gave up
   * and has come again. By default it has a place of its own, behind those that wait.
   */
  readonly waitedMs?: number | undefined;
}

/** What requests share with the calls of their plugin. */
export type RequestSite = Pick<CallSite, 'plugin' | 'gate' | 'clock' | 'patience' | 'supervisor'>;

/** Why an exchange failed. */
export interface ExchangeFailure {
  readonly error: GreenroomError;
  /** Whether nothing of the request has arrived, so that any may be sent again. */
  readonly isUnsent: boolean;
}

interface WaitingLease {
  resolve(residency: Residency): void;
  reject(error: GreenroomError): void;
}

/**
 * The lease of one request to an HTTP server, or to a server of MCP: it waits at the gate as a call does, and is given back when the exchange is
 * over. Of the exchange itself it knows only what ends it.
 */
export class RequestLease implements LeaseRequest {
  readonly id = nextCallId();
  readonly priority: number;
  readonly deadline: number | undefined;
  readonly since: number | undefined;
  readonly asked: AskedCall;
  readonly #site: RequestSite;
  readonly #options: RequestOptions;
  readonly #trace: CallTrace | undefined;
  /** Whether it is at the gate, and how it learns what came of it. */
  #waiting: WaitingLease | undefined;
  #residency: Residency | undefined;
  /** Ends what is under way; there is one for each time it is sent. */
  #exchange = new AbortController();
  /** Why the worker it was sent to is gone. */
  #loss: GreenroomError | undefined;
  /** Why it is over for its caller, whatever the worker does. */
  #verdict: GreenroomError | undefined;
  readonly #timeout: unknown;
  readonly #forgetSignal: (() => void) | undefined;
  #ended = false;

  constructor(
    site: RequestSite,
    kind: 'fetch' | 'forward' | 'request',
    options: RequestOptions,
    asked: AskedCall = { tool: kind },
  ) {
    this.asked = asked;
    this.#site = site;
    this.#options = options;
    this.priority = options.priority ?? 0;
    this.#trace = startTrace(site.supervisor, site.plugin, this.id, kind, asked.tool, undefined, asked.client);
    const { timeoutMs, signal, waitedMs } = options;
    if (waitedMs !== undefined) this.since = site.clock.monotonic() - waitedMs;
    if (timeoutMs !== undefined && timeoutMs !== Infinity) {
      this.deadline = site.clock.monotonic() + timeoutMs;
      this.#timeout = site.clock.setTimeout(() => this.#giveUp(this.#late()), timeoutMs);
    }
    if (signal?.aborted === true) this.cancel(signal.reason);
    else if (signal) this.#forgetSignal = onAbort(signal, () => this.cancel(signal.reason));
  }

  /** Aborted when the request is to end: cancelled, late, or its worker is gone. */
  get signal(): AbortSignal {
    return this.#exchange.signal;
  }

  /** Waits for a lease, and the first time, as a call does, for the worker. Rejects with why there is none. */
  enter(): Promise<Residency> {
    return new Promise((resolve, reject) => {
      if (this.#verdict !== undefined) return reject(this.#verdict);
      this.#loss = undefined;
      this.#waiting = { resolve, reject };
      this.#site.gate.enter(this);
      if (this.#trace !== undefined && this.#waiting !== undefined) tracePhase(this.#trace, undefined);
    });
  }

  start(residency: Residency): void {
    this.#residency = residency;
    this.#exchange = new AbortController();
    if (this.#trace !== undefined) tracePhase(this.#trace, residency.generation);
    this.#settleWaiting()?.resolve(residency);
  }

  refuse(error: GreenroomError): void {
    // The scheduler waits for memory no longer than the requests do, and may see their deadline before their timer.
    const isLate =
      error.code === 'E_REFUSED' && this.deadline !== undefined && this.#site.clock.monotonic() >= this.deadline;
    this.#settleWaiting()?.reject(isLate ? this.#late() : error);
  }

  lose(error: GreenroomError): void {
    this.#residency = undefined;
    this.#loss = error;
    this.#exchange.abort(error);
  }

  cancel(reason: unknown): void {
    this.#giveUp(cancelledError(this.#site.plugin, reason));
  }

  #giveUp(error: GreenroomError): void {
    if (this.#ended || this.#verdict !== undefined) return;
    this.#verdict = error;
    const waiting = this.#settleWaiting();
    if (waiting !== undefined) {
      this.#site.gate.withdraw(this);
      waiting.reject(error);
    }
    this.#exchange.abort(error);
  }

  #settleWaiting(): WaitingLease | undefined {
    const waiting = this.#waiting;
    this.#waiting = undefined;
    return waiting;
  }

  #late(): GreenroomError {
    const doing = this.#residency === undefined ? 'waiting for its worker' : 'running';
    return timeoutError(this.#site.plugin, this.#options.timeoutMs, doing);
  }

  /** Gives the lease back, for good or before it is asked for again. Idempotent. */
  leave(): void {
    const residency = this.#residency;
    this.#residency = undefined;
    if (residency !== undefined) this.#site.gate.leave(residency, this);
  }

  /** The exchange is over. Idempotent. */
  end(error?: GreenroomError): void {
    if (this.#ended) return;
    this.#ended = true;
    if (this.#timeout !== undefined) this.#site.clock.clearTimeout(this.#timeout);
    this.#forgetSignal?.();
    if (this.#trace !== undefined) endTrace(this.#trace, error ?? this.#verdict ?? this.#loss);
    this.leave();
  }

  /**
   * What a failed exchange comes to. A broken connection is most often the worker's death, of which its exit says more:
   * that is waited for, for a moment. One that cannot be made to a worker that lives is reported, which ends the worker.
   *
   * @param isSent whether anything of it may have arrived
   */
  async explain(thrown: unknown, isSent = true): Promise<ExchangeFailure> {
    const { plugin, gate } = this.#site;
    const ends = (error: GreenroomError, isUnsent = false): ExchangeFailure => ({
      error: this.#verdict ?? error,
      isUnsent: isUnsent && this.#verdict === undefined,
    });
    if (this.#loss !== undefined && !isSent) return ends(this.#loss, true);
    if (thrown instanceof GreenroomError) return ends(this.#loss ?? thrown);
    const error = brokenError(plugin, causeOf(thrown));
    const fault = connectionFault(error);
    if (fault === 'shortage' || this.#verdict !== undefined) return ends(error);
    await this.#ending(EXIT_GRACE_MS);
    const residency = this.#residency;
    if (fault === 'unreachable' && residency !== undefined) {
      gate.reportUnreachable(residency, this, unreachableError(plugin, error));
      await this.#ending();
    }
    return ends(this.#loss ?? error, fault === 'unreachable');
  }

  /** Resolves when the worker is gone or the request is over for its caller, at the latest after so many milliseconds. */
  #ending(limitMs?: number): Promise<void> {
    const { patience } = this.#site;
    return new Promise((resolve) => {
      if (this.signal.aborted) return resolve();
      const timer = limitMs === undefined ? undefined : patience.setTimeout(done, limitMs);
      const forget = onAbort(this.signal, done);
      function done(): void {
        if (timer !== undefined) patience.clearTimeout(timer);
        forget();
        resolve();
      }
    });
  }
}

/** What the system said, under what fetch and connecting to several addresses put around it. */
function causeOf(failure: unknown): unknown {
  if (failure instanceof AggregateError) return causeOf(failure.errors[0]);
  return failure instanceof TypeError && failure.cause !== undefined ? causeOf(failure.cause) : failure;
}
