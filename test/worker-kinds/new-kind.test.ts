import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { encodeInput } from '../../src/channel/encoded-input.ts';
import type { CallSink, WorkerChannel } from '../../src/channel/worker-channel.ts';
import { GreenroomError } from '../../src/errors.ts';
import type { WorkerStreams } from '../../src/process/worker-process.ts';
import type { WorkerKind } from '../../src/worker-kinds/kind.ts';
import { addKind } from '../../src/worker-kinds/kinds.ts';
import { openSupervisor } from '../runtime/greenroom.ts';

const PROGRAM = fileURLToPath(new URL('../fixtures/processes/line-echo.mjs', import.meta.url));

/** A channel over standard streams: a line is a call, a line its answer. */
function createLineChannel(plugin: string, { input: toWorker, output }: WorkerStreams): WorkerChannel {
  const waiting = new Map<string, CallSink>();
  createInterface({ input: output }).on('line', (line) => {
    const { call, result } = JSON.parse(line) as { call: string; result: unknown };
    waiting.get(call)?.onResult(result);
    waiting.delete(call);
  });
  return {
    execute({ id: call, input }, sink) {
      waiting.set(call, sink);
      toWorker.write(`{"call":"${call}","kwargs":${input.kwargs}}\n`);
      return { pause() {}, resume() {} };
    },
    close() {
      for (const sink of waiting.values())
        sink.onError(new GreenroomError('E_CRASHED', 'The worker ended.', { plugin }));
      waiting.clear();
    },
  };
}

const lines: WorkerKind = {
  name: 'lines',
  required: ['module'],
  infers: ({ module }) => module?.endsWith('.lines.mjs') === true,
  passEnv: [],
  startMs: 10_000,
  isPositional: false,
  start: () => ({ isStdio: true }),
  encode(plugin, input) {
    if (!Array.isArray(input)) return encodeInput(plugin, input);
    throw new GreenroomError('E_SERIALIZE', `"${plugin}" takes named arguments only.`, { plugin });
  },
  programs: () => [],
  command: ({ resolved }) => ({ file: process.execPath, args: [resolved.module ?? ''] }),
  async connect({ plugin, process: worker, concurrency }) {
    const channel = createLineChannel(plugin, await worker.streams());
    worker.onExit(() => channel.close());
    return { channel, concurrency };
  },
};

let removeKind: () => void;

beforeAll(() => {
  removeKind = addKind(lines);
});

afterAll(() => removeKind());

test('a kind of worker that one file defines is discovered, started, called, restarted and evicted', async () => {
  const manifest = { worker: 'lines', module: PROGRAM };
  const opened = await openSupervisor({ a: manifest, b: manifest }, { capacity: { slots: 1 } });
  const { supervisor } = opened;
  const first = await supervisor.execute<{ n: number; pid: number }>('a', { n: 1 });
  expect(first).toEqual({ n: 1, pid: opened.snapshot('a').pid });
  await expect(supervisor.execute('a', { exit: 3 })).rejects.toMatchObject({ code: 'E_CRASHED' });
  const second = await supervisor.execute<{ pid: number }>('a');
  expect(second.pid).not.toBe(first.pid);
  expect(opened.path('a')).toContain('crashed.backoff');
  await supervisor.execute('b');
  expect(opened.snapshot('a').pid).toBeUndefined();
  await expect.poll(() => supervisor.logs('b')).toContain('echo is up');
});

test('a worker that can only be called streams nothing and takes no config', async () => {
  const opened = await openSupervisor({ a: { worker: 'lines', module: PROGRAM } });
  const { supervisor } = opened;
  await supervisor.load('a');
  await expect(supervisor.stream('a').next()).rejects.toMatchObject({ code: 'E_UNSUPPORTED' });
  expect([await supervisor.config('a'), await supervisor.configSchema('a')]).toEqual([{}, null]);
  await expect(supervisor.updateConfig('a', { size: 1 })).rejects.toMatchObject({
    code: 'E_CONFIG',
    message: expect.stringContaining('a worker of kind "lines" takes none'),
  });
  await supervisor.updateConfig('a', {});
  expect(await supervisor.execute('a', { n: 1 })).toMatchObject({ n: 1 });
});

test('an input that a kind of worker cannot be sent is refused at the call, before there is a worker', async () => {
  const opened = await openSupervisor({ a: { worker: 'lines', module: PROGRAM } });
  await expect(opened.supervisor.execute('a', [1])).rejects.toMatchObject({ code: 'E_SERIALIZE' });
  await expect(opened.supervisor.stream('a', [1]).next()).rejects.toMatchObject({ code: 'E_SERIALIZE' });
  expect(opened.snapshot('a').state).toBe('discovered');
});

test('a start with a config of a worker that takes none fails, and is not tried again', async () => {
  const config_schema = { properties: { size: { default: 1 } } };
  const opened = await openSupervisor({
    given: { worker: 'lines', module: PROGRAM },
    own: { worker: 'lines', module: PROGRAM, config_schema },
  });
  const error = { code: 'E_CONFIG', message: expect.stringContaining('Load "given" without a config') };
  await expect(opened.supervisor.load('given', { config: { size: 1 } })).rejects.toMatchObject(error);
  await expect(opened.supervisor.load('own')).rejects.toMatchObject({ code: 'E_CONFIG' });
  expect(opened.snapshot('own')).toMatchObject({ generation: 1, loaded: false });
  await opened.supervisor.load('given', { config: {} });
});

test('a worker that cannot be told of a cancelled call is replaced if it goes on with it', async () => {
  const opened = await openSupervisor({ a: { worker: 'lines', module: PROGRAM, cancel_grace_ms: 50 } });
  const { supervisor } = opened;
  const controller = new AbortController();
  await supervisor.load('a');
  const busy = opened.entered('a', 'busy');
  const call = supervisor.execute('a', { silent: true }, { signal: controller.signal });
  const cancelled = expect(call).rejects.toMatchObject({ code: 'E_CANCELLED' });
  await busy;
  controller.abort();
  await cancelled;
  expect(await supervisor.execute('a', { n: 2 })).toMatchObject({ n: 2 });
  expect(opened.snapshot('a')).toMatchObject({ generation: 2, restarts: 0 });
});

test('a worker that has nothing to release is unloaded', async () => {
  const opened = await openSupervisor({ a: { worker: 'lines', module: PROGRAM } });
  await opened.supervisor.load('a');
  await opened.supervisor.release('a');
  expect(opened.snapshot('a')).toMatchObject({ state: 'released', phase: 'cold', pid: undefined });
});

test('a manifest of an unknown kind says which ones there are', async () => {
  const opened = await openSupervisor({ a: { worker: 'pyhton', module: PROGRAM } });
  expect(opened.supervisor.problems()).toMatchObject([
    {
      field: 'worker',
      reason: expect.stringMatching(/expected one of .*"lines", got "pyhton"; did you mean "python"/),
    },
  ]);
});
