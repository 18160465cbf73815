import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import {
  all,
  failure,
  type ManifestOf,
  type OpenedSupervisor,
  openSupervisor,
  startCall,
} from '../runtime/greenroom.ts';

const PROCESSES = fileURLToPath(new URL('../fixtures/processes', import.meta.url));
const CONFORMANCE = fileURLToPath(new URL('../fixtures/conformance', import.meta.url));

const wrong = (mode: string, more: ManifestOf = {}): ManifestOf => ({
  worker: 'command',
  command: 'node',
  args: ['wrong-frames.mjs', mode],
  cwd: PROCESSES,
  restart: { policy: 'temporary' },
  ...more,
});

const right = (more: ManifestOf = {}): ManifestOf => ({
  worker: 'command',
  command: 'node',
  args: ['command-worker.mjs', 'frames'],
  cwd: CONFORMANCE,
  ...more,
});

/** That a call goes on as if nothing had happened, at the same worker. */
async function goesOn({ supervisor, snapshot }: OpenedSupervisor): Promise<void> {
  expect(await supervisor.execute('plugin', {})).toBe(snapshot('plugin').pid);
  expect(snapshot('plugin')).toMatchObject({ generation: 1, restarts: 0, inFlight: 0 });
}

describe('a program that chose version 2 of the protocol', () => {
  it.each([
    ['speaks-http', /chose version 2 .* does not answer "hello" with "welcome" at unix:.*listen there for frames/],
    ['names-none', /invalid handshake: frames: missing.*or choose version 1/],
    ['closes', /chose version 2 .* does not answer "hello" with "welcome"/],
    ['answers-first', /a frame "result" before "welcome"/],
    ['wrong-nonce', /"welcome" without the nonce of its start/],
  ])('and %s is refused at its start, and the others are called', async (mode, message) => {
    const opened = await openSupervisor({ plugin: wrong(mode), other: right() });
    expect(await failure(opened.supervisor.execute('plugin', {}))).toMatchObject({
      code: 'E_HANDSHAKE',
      plugin: 'plugin',
      message: expect.stringMatching(message),
    });
    expect(opened.snapshot('plugin').pid).toBeUndefined();
    expect(await opened.supervisor.execute('other', { do: 'echo', value: 1 })).toBe(1);
  });

  it('and never welcomes is ended when its time to start is over', async () => {
    const opened = await openSupervisor({
      plugin: wrong('never-welcomes', { start_timeout_ms: 1_000 }),
      other: right(),
    });
    expect(await failure(opened.supervisor.load('plugin'))).toMatchObject({
      code: 'E_START_TIMEOUT',
      plugin: 'plugin',
    });
    expect(opened.snapshot('plugin').pid).toBeUndefined();
    expect(await opened.supervisor.execute('other', { do: 'echo', value: 1 })).toBe(1);
  });

  it.each([
    ['another', 'a frame "result" for call 4000000000, which does not run on its connection'],
    ['http', 'sent a frame'],
  ])('and answers as no call does (%s) ends that call with E_PROTOCOL, and answers the next', async (what, message) => {
    const opened = await openSupervisor({ plugin: wrong('right') });
    expect(await failure(opened.supervisor.execute('plugin', { do: what }))).toMatchObject({
      code: 'E_PROTOCOL',
      plugin: 'plugin',
      message: expect.stringContaining(message),
    });
    await goesOn(opened);
  });

  it('and answers twice has its first answer taken, and what shares the connection ends with E_PROTOCOL', async () => {
    const opened = await openSupervisor({ plugin: wrong('right', { max_concurrency: 2 }) });
    const beside = failure(opened.supervisor.execute('plugin', { do: 'wait' }));
    expect(await opened.supervisor.execute('plugin', { do: 'twice' })).toBe('once');
    expect(await beside).toMatchObject({ code: 'E_PROTOCOL', plugin: 'plugin' });
    await goesOn(opened);
  });

  it('and answers twice where one call runs at a time keeps no other from its answer', async () => {
    const opened = await openSupervisor({ plugin: wrong('right') });
    for (let round = 0; round < 3; round += 1) {
      expect(await opened.supervisor.execute('plugin', { do: 'twice' })).toBe('once');
    }
    await goesOn(opened);
  });
});

describe.each([
  ['unix', 1],
  ['unix', 2],
  ['tcp', 2],
] as const)('a program without an SDK that speaks version 2, over %s, %i calls at once,', (transport, concurrency) => {
  it('is called, streams, reports, is cancelled, and has bytes both ways', async () => {
    const opened = await openSupervisor({ plugin: right({ max_concurrency: concurrency }) }, { transport });
    const { supervisor } = opened;
    const bytes = { list: [Buffer.from('ab'), [Buffer.alloc(0)]], own: Buffer.from('c') };
    expect(await supervisor.execute('plugin', { do: 'echo', value: bytes })).toStrictEqual(bytes);
    const large = await supervisor.execute<Buffer>('plugin', { do: 'large', length: 400_000, bytes: true });
    expect(large.equals(Buffer.alloc(400_000, 'x'))).toBe(true);
    expect(await all(supervisor.stream('plugin', { count: 3 }))).toEqual([{ index: 0 }, { index: 1 }, { index: 2 }]);
    const seen: unknown[] = [];
    const onProgress = ({ progress, message }: { progress: number; message?: string | undefined }): void => {
      seen.push([progress, message]);
    };
    expect(await supervisor.execute('plugin', { do: 'progress' }, { onProgress })).toBe('done');
    expect(seen).toEqual([
      [0.25, 'at 0.25'],
      [0.5, 'at 0.5'],
      [1, 'at 1'],
    ]);
    expect(await failure(supervisor.execute('plugin', { do: 'fail', category: 'input' }))).toMatchObject({
      code: 'E_REMOTE',
      remote: { type: 'TypeError', category: 'input' },
    });
    const controller = new AbortController();
    const call = startCall(opened, 'plugin', { do: 'wait' }, { signal: controller.signal });
    await call.running;
    controller.abort();
    expect(await failure(call.result)).toMatchObject({ code: 'E_CANCELLED' });
    expect(await supervisor.execute('plugin', { do: 'echo', value: 'next' })).toBe('next');
    expect(opened.snapshot('plugin').generation).toBe(1);
  });
});
