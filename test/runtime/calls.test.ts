import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { systemClock } from '../../src/time/clock.ts';
import { eventually } from '../eventually.ts';
import { becomes, door, failure, openSupervisor, startCall } from './greenroom.ts';

test('a hundred first calls at once start one worker, and each is answered', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const calls = Array.from({ length: 100 }, (_, value) => opened.supervisor.execute('plugin', { value }));
  expect(await Promise.all(calls)).toEqual(Array.from({ length: 100 }, (_, value) => value));
  expect(opened.snapshot('plugin').generation).toBe(1);
  expect(opened.transitions.filter(({ phase }) => phase === 'launching')).toHaveLength(1);
});

test.each([1, 3])('at most max_concurrency (%i) calls run at once', async (most) => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', max_concurrency: most } });
  const { supervisor } = opened;
  const { file, open } = door(opened);
  let begun = 0;
  const onProgress = (): void => void (begun += 1);
  const calls = Array.from({ length: 8 }, (_, value) =>
    supervisor.execute('plugin', { do: 'wait', for: file, value }, { onProgress }),
  );
  await eventually(() => expect(begun).toBe(most), { interval: 5 });
  expect(opened.snapshot('plugin')).toMatchObject({ inFlight: most, waiting: 8 - most });
  open();
  await Promise.all(calls);
  expect(begun).toBe(8);
  expect(await supervisor.execute('plugin', { do: 'about' })).toMatchObject({ most });
});

test('a call beyond max_waiting is refused at once, and one is taken again when there is room', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', max_waiting: 2 } });
  const { supervisor } = opened;
  const { file, open } = door(opened);
  const running = startCall(opened, 'plugin', { do: 'wait', for: file });
  await running.running;
  const waiting = [supervisor.execute('plugin', { value: 1 }), supervisor.execute('plugin', { value: 2 })];
  const error = await failure(supervisor.execute('plugin', { value: 3 }));
  expect(error).toMatchObject({ code: 'E_QUEUE_FULL', plugin: 'plugin', details: { waiting: 2, retryable: true } });
  expect(error.message).toContain('max_waiting');
  open();
  expect(await Promise.all(waiting)).toEqual([1, 2]);
  expect(await supervisor.execute('plugin', { value: 3 })).toBe(3);
});

test('of those who wait the most urgent goes first, and among equals who came first', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { file, open } = door(opened);
  const running = startCall(opened, 'plugin', { do: 'wait', for: file });
  await running.running;
  const order: number[] = [];
  const calls = [0, 5, 0, 10, 5].map((priority, index) =>
    opened.supervisor.execute('plugin', {}, { priority }).then(() => order.push(index)),
  );
  open();
  await Promise.all(calls);
  expect(order).toEqual([3, 1, 4, 0, 2]);
});

test('a timeout covers waiting, loading and running, and says which it was', async () => {
  const opened = await openSupervisor({
    plugin: { fixture: 'workbench' },
    loading: { fixture: 'bare', args: ['bare.mjs', 'silent'], start_timeout_ms: 60_000 },
  });
  const { supervisor } = opened;
  const { file, open } = door(opened);
  const loading = await failure(supervisor.execute('loading', {}, { timeoutMs: 200 }));
  expect(loading).toMatchObject({ code: 'E_TIMEOUT', plugin: 'loading', message: expect.stringContaining('waiting') });
  const holding = startCall(opened, 'plugin', { do: 'wait', for: file });
  await holding.running;
  const waiting = await failure(supervisor.execute('plugin', {}, { timeoutMs: 30 }));
  expect(waiting).toMatchObject({ code: 'E_TIMEOUT', message: expect.stringContaining('waiting') });
  open();
  await holding.result;
  const closed = door(opened, 'closed');
  const running = await failure(supervisor.execute('plugin', { do: 'wait', for: closed.file }, { timeoutMs: 50 }));
  expect(running).toMatchObject({ code: 'E_TIMEOUT', message: expect.stringContaining('running') });
  // The worker has given it up and takes the next.
  expect(await supervisor.execute('plugin', { do: 'about' })).toMatchObject({ cancelled: 1 });
});

test('a timeout that passes while room is asked for is a timeout, and no refusal', async () => {
  let passed = 0;
  // Time goes on whenever somebody looks at it, as on a busy machine.
  const clock = { ...systemClock, monotonic: () => (passed += 10) };
  const { supervisor } = await openSupervisor({ plugin: { fixture: 'workbench' } }, { clock });
  const patient = supervisor.execute('plugin', { value: 'patient' });
  const [late] = await Promise.all([failure(supervisor.execute('plugin', {}, { timeoutMs: 5 })), patient]);
  expect(late.code).toBe('E_TIMEOUT');
});

test('a start that nobody waits for any more is called off', async () => {
  const opened = await openSupervisor({
    plugin: { fixture: 'bare', args: ['bare.mjs', 'silent'], start_timeout_ms: 300 },
  });
  await failure(opened.supervisor.execute('plugin', {}, { timeoutMs: 50 }));
  await opened.supervisor.unload('plugin');
  expect(opened.snapshot('plugin')).toMatchObject({ state: 'discovered', phase: 'idle', waiting: 0, pid: undefined });
});

test('a stream of chunks that are longer than any buffer on their way comes to its end', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const sizes: number[] = [];
  for await (const { filler } of opened.supervisor.stream<{ filler: string }>('plugin', { size: 100_000, count: 20 })) {
    sizes.push(filler.length);
  }
  expect(sizes).toEqual(Array.from({ length: 20 }, () => 100_000));
});

test('a signal that was aborted before the call refuses it, and no worker starts', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const signal = AbortSignal.abort(new Error('too late'));
  const error = await failure(opened.supervisor.execute('plugin', {}, { signal }));
  expect(error).toMatchObject({ code: 'E_CANCELLED', plugin: 'plugin', cause: new Error('too late') });
  expect((await failure(opened.supervisor.load('plugin', { signal }))).code).toBe('E_CANCELLED');
  expect((await failure(opened.supervisor.stream('plugin', {}, { signal }).next())).code).toBe('E_CANCELLED');
});

test('a signal ends a waiting call and a running one, and the worker hears of the latter', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { file } = door(opened);
  const controller = new AbortController();
  const call = startCall(opened, 'plugin', { do: 'wait', for: file }, { signal: controller.signal });
  const waiting = opened.supervisor.execute('plugin', {}, { signal: controller.signal });
  await call.running;
  controller.abort();
  expect((await failure(call.result)).code).toBe('E_CANCELLED');
  expect((await failure(waiting)).code).toBe('E_CANCELLED');
  expect(await opened.supervisor.execute('plugin', { do: 'about' })).toMatchObject({ cancelled: 1 });
  expect(opened.snapshot('plugin').generation).toBe(1);
});

test('a worker that does not give a cancelled call up is replaced, and that is no crash', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', cancel_grace_ms: 100 } });
  const controller = new AbortController();
  const call = startCall(opened, 'plugin', { do: 'deaf' }, { signal: controller.signal });
  await call.running;
  const { pid } = opened.snapshot('plugin');
  controller.abort();
  await failure(call.result);
  const next = await opened.supervisor.execute<{ pid: number }>('plugin', { do: 'about' });
  expect(next.pid).not.toBe(pid);
  expect(opened.snapshot('plugin')).toMatchObject({ generation: 2, restarts: 0, lastError: undefined });
  expect(opened.path('plugin')).not.toContain('crashed.deciding');
  const why = expect.stringContaining('did not give up a cancelled call within 100 ms and was killed');
  expect(opened.transitions.find(({ event }) => event === 'STUCK')).toMatchObject({ reason: why });
  await eventually(async () => {
    const lines = (await opened.supervisor.logs('plugin')).split('\n');
    expect(lines.find((line) => line.startsWith('worker ended: '))).toEqual(why);
  });
});

test('a stuck call waits for the other calls of its worker before that is replaced', async () => {
  const opened = await openSupervisor({
    plugin: { fixture: 'workbench', cancel_grace_ms: 50, max_concurrency: 2 },
    other: { fixture: 'workbench', cancel_grace_ms: 150 },
  });
  const { file, open } = door(opened);
  const controller = new AbortController();
  const { signal } = controller;
  const deaf = startCall(opened, 'plugin', { do: 'deaf' }, { signal });
  const good = startCall(opened, 'plugin', { do: 'wait', for: file });
  const later = startCall(opened, 'other', { do: 'deaf' }, { signal });
  await Promise.all([deaf.running, good.running, later.running]);
  const laterReplaced = opened.entered('other', 'spawning');
  controller.abort();
  await failure(deaf.result);
  // By then the shorter grace is most often over.
  await laterReplaced;
  expect(opened.snapshot('plugin')).toMatchObject({ generation: 1, inFlight: 2 });
  open();
  expect(await good.result).toBe('waited');
  // Where this process was held up, the grace was extended and is not over yet.
  await becomes(opened, 'plugin', { generation: 2 });
  await opened.supervisor.execute('plugin', {});
});

test('progress comes in order, all of it, and the last before the result', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const seen: (number | string)[] = [];
  const result = await opened.supervisor
    .execute('plugin', { do: 'steps', count: 100 }, { onProgress: ({ progress }) => seen.push(progress) })
    .then((value) => seen.push(String(value)));
  expect(result).toBe(101);
  expect(seen).toEqual([...Array.from({ length: 100 }, (_, step) => (step + 1) / 100), 'done']);
});

test('a progress listener that throws changes nothing', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const onProgress = (): never => {
    throw new Error('a bug of the host');
  };
  expect(await opened.supervisor.execute('plugin', { do: 'steps', count: 3 }, { onProgress })).toBe('done');
});

test('an idempotent call is sent again after its worker died under it', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const mark = join(opened.scratch, 'mark');
  expect(await opened.supervisor.execute('plugin', { do: 'die-once', mark }, { idempotent: true })).toBe('lived');
});

test('an idempotent call is sent again at most twice', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', idempotent: true } });
  const mark = join(opened.scratch, 'mark');
  expect(await failure(opened.supervisor.execute('plugin', { do: 'die', mark }))).toMatchObject({ code: 'E_CRASHED' });
  expect(readFileSync(mark, 'utf8')).toBe('...');
});

test('a call that nobody called idempotent is never sent again', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const mark = join(opened.scratch, 'mark');
  expect(await failure(opened.supervisor.execute('plugin', { do: 'die', mark }))).toMatchObject({
    code: 'E_CRASHED',
    details: { exitCode: 3 },
  });
  expect(readFileSync(mark, 'utf8')).toBe('.');
});

test('calls that wait while their worker crashes are not lost', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { file } = door(opened);
  const doomed = startCall(opened, 'plugin', { do: 'wait', for: file });
  await doomed.running;
  const waiting = [1, 2, 3].map((value) => opened.supervisor.execute('plugin', { value }));
  process.kill(opened.snapshot('plugin').pid ?? 0, 'SIGKILL');
  await failure(doomed.result);
  expect(await Promise.all(waiting)).toEqual([1, 2, 3]);
});
