import { AsyncLocalStorage } from 'node:async_hooks';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  type Context,
  type ContextManager,
  context,
  ROOT_CONTEXT,
  SpanKind,
  SpanStatusCode,
  trace,
} from '@opentelemetry/api';
import {
  BasicTracerProvider,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  type SpanProcessor,
} from '@opentelemetry/sdk-trace-base';
import { afterEach, beforeEach, describe, expect, it, onTestFinished, vi } from 'vitest';
import { type Supervisor, traceCalls } from '../../src/index.ts';
import { traceCallsIfRegistered } from '../../src/traces/trace-calls.ts';
import { eventually } from '../eventually.ts';
import { all, door, failure, openSupervisor, startCall } from '../runtime/greenroom.ts';

const GIVEN = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** The active context by the stack of asynchronous calls, as the SDK for Node has it. */
class StackContext implements ContextManager {
  readonly #storage = new AsyncLocalStorage<Context>();
  active(): Context {
    return this.#storage.getStore() ?? ROOT_CONTEXT;
  }
  with<A extends unknown[], F extends (...args: A) => ReturnType<F>>(
    at: Context,
    step: F,
    receiver?: ThisParameterType<F>,
    ...args: A
  ): ReturnType<F> {
    return this.#storage.run(at, () => step.call(receiver as never, ...args));
  }
  bind<T>(_: Context, target: T): T {
    return target;
  }
  enable(): this {
    return this;
  }
  disable(): this {
    return this;
  }
}

const exporter = new InMemorySpanExporter();

/** Registers a provider with this processor, as the SDK of a program does. */
function register(processor: SpanProcessor = new SimpleSpanProcessor(exporter)): void {
  trace.setGlobalTracerProvider(new BasicTracerProvider({ spanProcessors: [processor] }));
  context.setGlobalContextManager(new StackContext());
}

afterEach(() => {
  trace.disable();
  context.disable();
  exporter.reset();
});

/** Traces the calls of the supervisor until the test is over. */
async function traced(supervisor: Supervisor): Promise<void> {
  const calls = await traceCalls(supervisor);
  onTestFinished(() => calls.close());
}

/** The spans that have ended, those of parts under the calls that they belong to. */
function trees(): { call: ReadableSpan; parts: string[] }[] {
  const spans = exporter.getFinishedSpans();
  const calls = spans.filter(({ kind }) => kind === SpanKind.CLIENT);
  return calls.map((call) => {
    const own = call.spanContext();
    const parts = spans.filter(({ parentSpanContext }) => parentSpanContext?.spanId === own.spanId);
    expect(parts.every((part) => part.spanContext().traceId === own.traceId)).toBe(true);
    return { call, parts: parts.map(({ name }) => name) };
  });
}

describe('where a tracer provider is registered', () => {
  beforeEach(() => register());

  it('a call and a stream are a span each, of the kind CLIENT, with plugin, tool and call, and their parts as children', async () => {
    const { supervisor } = await openSupervisor({ plugin: { fixture: 'toolbox' } });
    await traced(supervisor);
    await supervisor.execute('plugin', {}, { tool: 'read' });
    await all(supervisor.stream('plugin', {}, { tool: 'write' }));
    const [first, second] = trees();
    expect(first?.call.name).toBe('greenroom.execute');
    expect(first?.call.attributes).toEqual({
      'greenroom.plugin': 'plugin',
      'greenroom.tool': 'read',
      'greenroom.call': expect.stringMatching(/^\w+$/),
    });
    expect(first?.call.status.code).toBe(SpanStatusCode.UNSET);
    expect(first?.call.parentSpanContext).toBeUndefined();
    expect(first?.parts).toEqual(['greenroom.load', 'greenroom.run']);
    expect(second?.call.name).toBe('greenroom.stream');
    expect(second?.parts).toEqual(['greenroom.run']);
    expect(trees()).toHaveLength(2);
  });

  it('a call that waits for another has a queue, and says which worker ran it', async () => {
    const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
    const { supervisor } = opened;
    await traced(supervisor);
    const { file, open } = door(opened);
    const { running, result } = startCall(opened, 'plugin', { do: 'wait', for: file });
    await running;
    const waiting = supervisor.execute('plugin', { value: 1 });
    open();
    await Promise.all([result, waiting]);
    expect(trees()[1]?.parts).toEqual(['greenroom.queue', 'greenroom.run']);
    const runs = exporter.getFinishedSpans().filter(({ name }) => name === 'greenroom.run');
    expect(runs.map(({ attributes }) => attributes['greenroom.generation'])).toEqual([1, 1]);
  });

  it('a call whose plugin waits for memory has a queue before the load', async () => {
    const fixture = { fixture: 'workbench' };
    const opened = await openSupervisor({ plugin: fixture, other: fixture }, { capacity: { slots: 1 } });
    await traced(opened.supervisor);
    const { file, open } = door(opened);
    const { running, result } = startCall(opened, 'other', { do: 'wait', for: file });
    await running;
    const waiting = opened.supervisor.execute('plugin', {});
    open();
    await Promise.all([result, waiting]);
    expect(trees()[1]?.parts).toEqual(['greenroom.queue', 'greenroom.load', 'greenroom.run']);
  });

  it('a call that is sent again after a crash has the parts of both attempts', async () => {
    const { supervisor, scratch } = await openSupervisor({ plugin: { fixture: 'workbench' } });
    await traced(supervisor);
    await supervisor.load('plugin');
    const file = join(scratch, 'file');
    const call = supervisor.execute('plugin', { do: 'wait', for: file }, { idempotent: true });
    process.kill(supervisor.plugin('plugin').snapshot().pid as number, 'SIGKILL');
    await eventually(() =>
      expect(supervisor.plugin('plugin').snapshot()).toMatchObject({ generation: 2, inFlight: 1 }),
    );
    writeFileSync(file, '');
    await call;
    const [tree] = trees();
    expect(tree?.parts[0]).toBe('greenroom.run');
    expect(tree?.parts.slice(-2)).toEqual(['greenroom.load', 'greenroom.run']);
  });

  it('a call that fails has the status ERROR and its code, and none of the text of the error', async () => {
    const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench' } });
    await traced(supervisor);
    const { message } = await failure(supervisor.execute('plugin', { do: 'fail' }));
    const call = trees()[0]?.call;
    expect(call?.status).toEqual({ code: SpanStatusCode.ERROR, message: 'E_REMOTE' });
    expect(call?.attributes['error.type']).toBe('E_REMOTE');
    expect(message).toContain('out of range');
    expect(JSON.stringify([call?.attributes, call?.events, call?.status])).not.toContain('out of range');
  });

  it('the span that is active at the call is its parent, and the worker is given the traceparent of the call', async () => {
    const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench' } });
    await traced(supervisor);
    const parent = trace.getTracer('test').startSpan('request');
    const inside = trace.setSpan(context.active(), parent);
    const given = await context.with(inside, () => supervisor.execute('plugin', { do: 'traceparent' }));
    parent.end();
    const call = trees()[0]?.call as ReadableSpan;
    expect(call.parentSpanContext?.spanId).toBe(parent.spanContext().spanId);
    const { traceId, spanId } = call.spanContext();
    expect(traceId).toBe(parent.spanContext().traceId);
    expect(given).toBe(`00-${traceId}-${spanId}-01`);
  });

  it('the traceparent of the options is its parent, whatever is active', async () => {
    const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench' } });
    await traced(supervisor);
    const parent = trace.getTracer('test').startSpan('request');
    await context.with(trace.setSpan(context.active(), parent), () =>
      supervisor.execute('plugin', {}, { traceparent: GIVEN }),
    );
    expect(trees()[0]?.call.parentSpanContext).toMatchObject({
      traceId: '0af7651916cd43dd8448eb211c80319c',
      spanId: 'b7ad6b7169203331',
      isRemote: true,
    });
  });

  it('calls of another supervisor have no spans, nor have calls after the end', async () => {
    const one = await openSupervisor({ plugin: { fixture: 'workbench' } });
    const other = await openSupervisor({ plugin: { fixture: 'workbench' } });
    const calls = await traceCalls(one.supervisor);
    await other.supervisor.execute('plugin', {});
    expect(exporter.getFinishedSpans()).toEqual([]);
    const { file, open } = door(one);
    const { running, result } = startCall(one, 'plugin', { do: 'wait', for: file });
    await running;
    calls.close();
    expect(trees().map(({ call }) => call.name)).toEqual(['greenroom.execute']);
    open();
    await result;
    await one.supervisor.execute('plugin', {});
    expect(trees()).toHaveLength(1);
  });

  it('the calls of a daemon are traced', async () => {
    const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench' } });
    const calls = await traceCallsIfRegistered(supervisor);
    onTestFinished(() => calls?.close());
    await supervisor.execute('plugin', {});
    expect(trees()).toHaveLength(1);
  });
});

it('a span processor that throws harms neither calls nor the program', async () => {
  const broken = new SimpleSpanProcessor(exporter);
  const onStart = vi.spyOn(broken, 'onStart').mockImplementation(() => {
    throw new Error('The processor is broken.');
  });
  register(broken);
  const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench' } });
  await traced(supervisor);
  expect(await supervisor.execute('plugin', { value: 1 })).toBe(1);
  expect(onStart).toHaveBeenCalled();
});

it('where no provider is registered, the traceparent of the caller reaches the worker as it is, and a daemon traces nothing', async () => {
  const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench' } });
  expect(await traceCallsIfRegistered(supervisor)).toBeUndefined();
  await traced(supervisor);
  expect(await supervisor.execute('plugin', { do: 'traceparent' }, { traceparent: GIVEN })).toBe(GIVEN);
  expect(await supervisor.execute('plugin', { do: 'traceparent' })).toBeNull();
});
