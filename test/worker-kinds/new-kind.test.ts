import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CallSink, WorkerChannel } from '../../src/channel/worker-channel.ts';
import { GreenroomError } from '../../src/errors.ts';
import type { WorkerStreams } from '../../src/process/worker-process.ts';
import type { WorkerKind } from '../../src/worker-kinds/kind.ts';
import { addKind } from '../../src/worker-kinds/kinds.ts';
import { openRoom } from '../runtime/greenroom.ts';

const PROGRAM = fileURLToPath(new URL('../fixtures/processes/line-echo.mjs', import.meta.url));

/** A channel over standard streams: a line is a call, a line its answer. */
function createLineChannel(plugin: string, { input, output }: WorkerStreams): WorkerChannel {
  const waiting = new Map<string, CallSink>();
  createInterface({ input: output }).on('line', (line) => {
    const { call, result } = JSON.parse(line) as { call: string; result: unknown };
    waiting.get(call)?.onResult(result);
    waiting.delete(call);
  });
  const send: WorkerChannel['execute'] = (call, body, sink) => {
    waiting.set(call, sink);
    input.write(`${body}\n`);
    return { pause() {}, resume() {} };
  };
  return {
    execute: send,
    stream: send,
    cancel: async () => 'unsupported',
    health: async () => ({ status: 'ok', pid: 0, nonce: '', name: plugin }),
    initialize: async () => {},
    config: async () => ({}),
    configSchema: async () => null,
    release: async () => false,
    cleanup: async () => {},
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
  start: { by: 'stdio' },
  programs: () => [],
  command: ({ resolved }) => ({ file: process.execPath, args: [resolved.module ?? ''] }),
  async connect({ plugin, process: worker, concurrency }) {
    const channel = createLineChannel(plugin, await worker.streams());
    worker.onExit(() => channel.close());
    return { channel, concurrency, streams: false };
  },
};

let removeKind: () => void;

beforeAll(() => {
  removeKind = addKind(lines);
});

afterAll(() => removeKind());

test('a kind of worker that one file defines is discovered, started, called, restarted and evicted', async () => {
  const manifest = { worker: 'lines', module: PROGRAM };
  const room = await openRoom({ a: manifest, b: manifest }, { capacity: { slots: 1 } });
  const { supervisor } = room;
  const first = await supervisor.execute<{ n: number; pid: number }>('a', { n: 1 });
  expect(first).toEqual({ n: 1, pid: room.snapshot('a').pid });
  await expect(supervisor.execute('a', { exit: 3 })).rejects.toMatchObject({ code: 'E_CRASHED' });
  const second = await supervisor.execute<{ pid: number }>('a');
  expect(second.pid).not.toBe(first.pid);
  expect(room.path('a')).toContain('crashed.backoff');
  await supervisor.execute('b');
  expect(room.snapshot('a').pid).toBeUndefined();
  await expect.poll(() => supervisor.logs('b')).toContain('echo is up');
});

test('a manifest of an unknown kind says which ones there are', async () => {
  const room = await openRoom({ a: { worker: 'pyhton', module: PROGRAM } });
  expect(room.supervisor.problems()).toMatchObject([
    {
      field: 'worker',
      reason: expect.stringMatching(/expected one of .*"lines", got "pyhton"; did you mean "python"/),
    },
  ]);
});
