import type * as OpenTelemetry from '@opentelemetry/api';
import { GreenroomError, messageOf } from '../errors.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import { CallSpans } from './call-spans.ts';

/** Spans of the calls of a supervisor, until they are closed. */
export interface TracedCalls {
  /** Ends the spans of the calls that run, and makes no more. Calls are not affected. */
  close(): void;
}

/**
 * Makes spans of OpenTelemetry of every call of the supervisor from now on, by the tracer provider that the program has
 * registered or will register. `docs/metrics.md` describes the spans. Rejects with `E_OPTIONS` where the package
 * `@opentelemetry/api` is not installed.
 */
export async function traceCalls(supervisor: Supervisor): Promise<TracedCalls> {
  const api: typeof OpenTelemetry = await import('@opentelemetry/api').catch((cause: unknown) => {
    throw new GreenroomError(
      'E_OPTIONS',
      `Calls cannot be traced: the package @opentelemetry/api cannot be loaded: ${messageOf(cause)}\nInstall it beside greenroom: npm install @opentelemetry/api`,
      { cause },
    );
  });
  return new CallSpans(supervisor, api);
}

/**
 * The same where the program has registered a tracer provider, as `node --import` of an instrumentation does before it
 * starts; `undefined` where it has not, so that calls do not pay for spans that go nowhere. Never rejects.
 */
export async function traceCallsIfRegistered(supervisor: Supervisor): Promise<TracedCalls | undefined> {
  const api: typeof OpenTelemetry | undefined = await import('@opentelemetry/api').catch(() => undefined);
  if (api === undefined) return undefined;
  const provider = api.trace.getTracerProvider();
  const isMissing =
    provider instanceof api.ProxyTracerProvider && provider.getDelegateTracer('greenroom') === undefined;
  return isMissing ? undefined : new CallSpans(supervisor, api);
}
