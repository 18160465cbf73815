import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import type * as OpenTelemetry from '@opentelemetry/api';
import type { Span, SpanContext, Tracer } from '@opentelemetry/api';
import { CALL_CHANNEL, CALL_PHASE_CHANNEL, type CallTrace } from '../calls/call-trace.ts';
import { type LoadSource, PluginLoads } from '../calls/plugin-loads.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import { OpenCall } from './open-call.ts';

/**
 * A span for each call of one supervisor, with spans for its parts as children: a part has a duration, which tools sum
 * and chart, while events of a span are points. Nothing is kept of a call that has ended.
 */
export class CallSpans {
  readonly #supervisor: Supervisor;
  readonly #api: typeof OpenTelemetry;
  readonly #tracer: Tracer;
  readonly #open = new Map<CallTrace, OpenCall>();
  readonly #loads: PluginLoads;
  readonly #channels: readonly (readonly [name: string, listener: (message: unknown) => void])[];

  /** Subscribes to the calls; see {@link close}. */
  constructor(supervisor: Supervisor, api: typeof OpenTelemetry) {
    this.#supervisor = supervisor;
    this.#api = api;
    this.#tracer = api.trace.getTracer('greenroom');
    const plugins = supervisor.plugins().map(({ name, state, phase }) => ({ plugin: name, state, phase }));
    const follow: LoadSource['follow'] = (listener) => supervisor.on('transition', listener);
    this.#loads = new PluginLoads({ plugins, follow }, (step) => this.#guard(step));
    this.#channels = [
      [`tracing:${CALL_CHANNEL}:start`, this.#ofOurs((trace) => this.#start(trace))],
      [CALL_PHASE_CHANNEL, this.#ofOurs((trace) => this.#enterPhase(trace))],
      [`tracing:${CALL_CHANNEL}:asyncEnd`, this.#ofOurs((trace) => this.#end(trace))],
    ];
    for (const [name, listener] of this.#channels) subscribe(name, listener);
  }

  close(): void {
    for (const [name, listener] of this.#channels) unsubscribe(name, listener);
    this.#loads.close();
    for (const call of this.#open.values()) this.#guard(() => call.end());
    this.#open.clear();
  }

  /** Node would end the program for what a subscriber throws, for example in a span processor of the program. */
  #guard(step: () => void): void {
    try {
      step();
    } catch (error) {
      this.#api.diag.error('greenroom: a span of a call failed', error);
    }
  }

  #ofOurs(step: (trace: CallTrace) => void): (message: unknown) => void {
    return (message) => {
      const trace = message as CallTrace;
      if (trace.supervisor === this.#supervisor) this.#guard(() => step(trace));
    };
  }

  #start(trace: CallTrace): void {
    const { context, SpanKind, trace: traces } = this.#api;
    const { plugin, call, kind, tool, traceparent } = trace;
    const active = context.active();
    const parent = traceparent === undefined ? active : traces.setSpanContext(active, spanContextOf(traceparent));
    const attributes = { 'greenroom.plugin': plugin, 'greenroom.tool': tool, 'greenroom.call': call };
    const span = this.#tracer.startSpan(`greenroom.${kind}`, { kind: SpanKind.CLIENT, attributes }, parent);
    const inside = traces.setSpan(parent, span);
    const startPart = (name: string): Span => this.#tracer.startSpan(`greenroom.${name}`, undefined, inside);
    this.#open.set(trace, new OpenCall(span, startPart));
    const own = span.spanContext();
    if (this.#api.isSpanContextValid(own)) trace.traceparent = traceparentOf(own);
  }

  #enterPhase(trace: CallTrace): void {
    const call = this.#open.get(trace);
    if (call === undefined) return;
    if (trace.generation === undefined) {
      this.#loads.addWaiting(trace.plugin, call);
      return;
    }
    this.#loads.removeWaiting(trace.plugin, call);
    call.enter('run').setAttribute('greenroom.generation', trace.generation);
  }

  #end(trace: CallTrace): void {
    const call = this.#open.get(trace);
    if (call === undefined) return;
    this.#open.delete(trace);
    this.#loads.removeWaiting(trace.plugin, call);
    const { error } = trace;
    if (error !== undefined) {
      // The message of an error may quote inputs, which are nobody's business where spans are kept.
      call.span.setStatus({ code: this.#api.SpanStatusCode.ERROR, message: error.code });
      call.span.setAttribute('error.type', error.code);
    }
    call.end();
  }
}

/** The `traceparent` was checked with the options of its call. */
function spanContextOf(traceparent: string): SpanContext {
  const [, traceId = '', spanId = '', flags = '00'] = traceparent.split('-');
  return { traceId, spanId, traceFlags: Number.parseInt(flags, 16), isRemote: true };
}

function traceparentOf({ traceId, spanId, traceFlags }: SpanContext): string {
  return `00-${traceId}-${spanId}-${traceFlags.toString(16).padStart(2, '0')}`;
}
