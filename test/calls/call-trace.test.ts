import { subscribe, unsubscribe } from 'node:diagnostics_channel';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { startTrace } from '../../src/calls/call-trace.ts';
import type { CallTrace } from '../../src/index.ts';
import { eventually } from '../eventually.ts';
import { all, failure, openSupervisor } from '../runtime/greenroom.ts';

const EVENTS = ['start', 'error', 'asyncEnd'] as const;

/** Subscribes as a stranger would, until the test is over. */
function listen(event: (typeof EVENTS)[number] | 'phase' | 'chunk', listener: (trace: CallTrace) => void): void {
  const channel = `tracing:greenroom:call:${event}`;
  const told = (message: unknown): void => listener(message as CallTrace);
  subscribe(channel, told);
  onTestFinished(() => void unsubscribe(channel, told));
}

test('who subscribes is told of the start, the error and the end of calls and streams, with one message for each', async () => {
  const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const told: { event: string; trace: CallTrace; failed: boolean }[] = [];
  for (const event of EVENTS) listen(event, (trace) => told.push({ event, trace, failed: trace.error !== undefined }));
  await supervisor.execute('plugin', { value: 1 });
  const error = await failure(supervisor.execute('plugin', { do: 'fail' }));
  await all(supervisor.stream('plugin', { count: 3 }));
  expect(told.map(({ event, trace, failed }) => [trace.kind, event, failed])).toEqual([
    ['execute', 'start', false],
    ['execute', 'asyncEnd', false],
    ['execute', 'start', false],
    ['execute', 'error', true],
    ['execute', 'asyncEnd', true],
    ['stream', 'start', false],
    ['stream', 'asyncEnd', false],
  ]);
  const traces = [...new Set(told.map(({ trace }) => trace))];
  expect(traces).toHaveLength(3);
  expect(new Set(traces.map(({ call }) => call)).size).toBe(3);
  expect(traces.every((trace) => trace.supervisor === supervisor && trace.plugin === 'plugin')).toBe(true);
  expect(traces[1]?.error).toBe(error);
});

test('who subscribes is told which tool is called', async () => {
  const { supervisor } = await openSupervisor({ plugin: { fixture: 'toolbox' } });
  const told: string[] = [];
  listen('start', ({ tool }) => told.push(tool));
  await supervisor.execute('plugin', {});
  await supervisor.execute('plugin', {}, { tool: 'read' });
  await all(supervisor.stream('plugin', {}, { tool: 'write' }));
  expect(told).toEqual(['execute', 'read', 'write']);
});

test('the supervisors of a program share the channel, and each message tells which one it is of', async () => {
  const one = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const other = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const told: object[] = [];
  listen('start', ({ supervisor }) => told.push(supervisor));
  await one.supervisor.execute('plugin', {});
  await other.supervisor.execute('plugin', {});
  expect(told).toHaveLength(2);
  expect(told[0]).toBe(one.supervisor);
  expect(told[1]).toBe(other.supervisor);
});

test('a subscriber that throws harms no call: Node raises its error as an uncaught exception', async () => {
  const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const uncaught: unknown[] = [];
  process.setUncaughtExceptionCaptureCallback((error) => uncaught.push(error));
  onTestFinished(() => process.setUncaughtExceptionCaptureCallback(null));
  for (const event of EVENTS) {
    listen(event, () => {
      throw new Error(`The subscriber to ${event} is broken.`);
    });
  }
  expect(await supervisor.execute('plugin', { value: 1 })).toBe(1);
  expect(await failure(supervisor.execute('plugin', { do: 'fail' }))).toMatchObject({ code: 'E_REMOTE' });
  await eventually(() =>
    expect(uncaught.map((error) => (error as Error).message)).toEqual(
      ['start', 'asyncEnd', 'start', 'error', 'asyncEnd'].map((event) => `The subscriber to ${event} is broken.`),
    ),
  );
});

test('while nobody subscribes nothing is made for a call, and none that runs is told of later', async () => {
  expect(startTrace({}, 'plugin', '1', 'execute', 'execute', undefined)).toBeUndefined();
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const call = opened.supervisor.execute('plugin', { do: 'wait', for: join(opened.scratch, 'never') });
  const told: CallTrace[] = [];
  for (const event of EVENTS) listen(event, (trace) => told.push(trace));
  opened.supervisor.cancelCalls('plugin');
  expect(await failure(call)).toMatchObject({ code: 'E_CANCELLED' });
  expect(told).toEqual([]);
});

test('who subscribes is told when a call waits and which worker runs it, again where it is sent again', async () => {
  const { supervisor, scratch } = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const told: string[] = [];
  listen('start', (trace) => told.push(`start ${trace.phase} ${trace.generation}`));
  listen('phase', (trace) => told.push(`${trace.phase} ${trace.generation}`));
  listen('asyncEnd', (trace) => told.push(`end ${trace.phase} ${trace.generation}`));
  await supervisor.execute('plugin', {});
  await supervisor.execute('plugin', {});
  expect(told).toEqual([
    ...['start undefined undefined', 'waiting undefined', 'running 1', 'end running 1'],
    ...['start undefined undefined', 'running 1', 'end running 1'],
  ]);
  told.length = 0;
  const call = supervisor.execute('plugin', { do: 'wait', for: join(scratch, 'file') }, { idempotent: true });
  process.kill(supervisor.plugin('plugin').snapshot().pid as number, 'SIGKILL');
  await eventually(() => expect(told.at(-1)).toBe('running 2'));
  writeFileSync(join(scratch, 'file'), '');
  await call;
  expect(told).toEqual(['start undefined undefined', 'running 1', 'waiting undefined', 'running 2', 'end running 2']);
});

test('who subscribes is told what a call was given as it was then, what it gave, and how far it is', async () => {
  const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const [ends, chunks, starts]: [unknown[], unknown[], CallTrace[]] = [[], [], []];
  listen('start', (trace) => starts.push(trace));
  listen('asyncEnd', ({ input, output, chunks: count, progress, message }) =>
    ends.push([input?.kwargs, output, count, progress, message]),
  );
  listen('chunk', ({ output }) => chunks.push(output));
  const input = { do: 'steps', count: 2 };
  const call = supervisor.execute('plugin', input);
  input.count = 3;
  await call;
  await all(supervisor.stream('plugin', { count: 2 }));
  expect(ends).toEqual([
    ['{"do":"steps","count":2}', 'done', undefined, 1, 'step 2'],
    ['{"count":2}', undefined, 2, undefined, undefined],
  ]);
  expect(chunks).toEqual([
    { index: 0, filler: 'x' },
    { index: 1, filler: 'x' },
  ]);
  expect(starts).toHaveLength(2);
});
