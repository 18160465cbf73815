import { execFileSync } from 'node:child_process';
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { type Job, type JobHandle, output } from '../../src/jobs/index.ts';
import { eventually, eventuallyTrue } from '../eventually.ts';
import { becomes, door, failure } from '../runtime/greenroom.ts';
import { openTheJobs, openWorkbench } from './opened-jobs.ts';

test('a job is called once its plugin can take it, and its result is kept with its attempt', async () => {
  const { jobs } = await openWorkbench();
  const job = await jobs.add<string>('plugin', { value: 'seen' });
  expect(job).toMatchObject({ plugin: 'plugin', isNew: true, waitsFor: undefined });
  expect(await job.result()).toBe('seen');
  const read = await job.read();
  expect(read).toMatchObject({
    id: job.id,
    state: 'done',
    attempt: 1,
    attempts: 3,
    interruptions: 0,
    error: undefined,
  });
  expect(read.history).toMatchObject([{ number: 1, end: 'done', generation: 1 }]);
  expect(await jobs.values(job.id)).toEqual({ input: { value: 'seen' }, result: 'seen' });
});

test('integers of any size and bytes come out of a job as they went in', async () => {
  const { jobs } = await openWorkbench();
  const value = { big: 2n ** 70n, bytes: Buffer.alloc(100_000, 7), text: 'ä\u{1f600}' };
  const job = await jobs.add('plugin', { value });
  expect(await job.result()).toEqual(value);
});

test('a job of a stream has the list of its chunks as its result, and tells each as progress', async () => {
  const opened = await openWorkbench({ plugin: { fixture: 'showcase' } });
  const { jobs } = opened;
  const { file, open } = door(opened);
  const items = ['one', 2n ** 70n, Buffer.from('three')];
  const job = await jobs.add('plugin', { items, door: file }, { tool: 'pieces', stream: true });
  await eventuallyTrue(async () => (await job.read()).progress?.message === '5 bytes');
  open();
  expect(await job.result()).toEqual(items);
  expect(await job.read()).toMatchObject({ stream: true, state: 'done' });
  // Without a stream it is called for its result.
  const whole = await jobs.add('plugin', { value: 1 }, { tool: 'echo' });
  expect(await whole.result()).toBe(1);
  const one = await jobs.add('plugin', { value: 1 }, { tool: 'echo', stream: true });
  expect(await one.result()).toEqual([1]);
});

test('a job of a stream that was interrupted begins it anew, and its result is there for the next program', async () => {
  const opened = await openWorkbench({ plugin: { fixture: 'showcase' } });
  const { file, open } = door(opened);
  const input = { items: ['one', 'two'], door: file, journal: join(opened.scratch, 'journal') };
  const { id } = await opened.jobs.add('plugin', input, { tool: 'pieces', stream: true });
  await eventuallyTrue(async () => (await opened.jobs.read(id)).progress?.message === 'two');
  await Promise.all([opened.supervisor.stop({ timeoutMs: 0 }), opened.jobs.close()]);
  open();
  const next = await openWorkbench({ plugin: { fixture: 'showcase' } });
  const folder = join(opened.dataDir, 'jobs');
  const jobs = await openTheJobs({ supervisor: next.supervisor, folder });
  expect(await (await jobs.get(id)).result()).toEqual(['one', 'two']);
  expect(await jobs.read(id)).toMatchObject({ stream: true, attempt: 2, interruptions: 1 });
  await jobs.close();
  const again = await openTheJobs({ supervisor: next.supervisor, folder });
  expect((await again.values(id)).result).toEqual(['one', 'two']);
});

test('a job outlasts its program: one that waits is run by the next that opens the store', async () => {
  const opened = await openWorkbench();
  await opened.jobs.pause();
  const { id } = await opened.jobs.add('plugin', { value: 1 });
  await opened.jobs.close();
  const again = await openTheJobs({ supervisor: opened.supervisor });
  const job = await again.get(id);
  expect(await job.read()).toMatchObject({ state: 'waiting', attempt: 0 });
  expect(await again.paused()).toEqual(['*']);
  await again.resume();
  expect(await job.result()).toBe(1);
});

test('close() waits for what runs, and gives back what has not begun', async () => {
  const opened = await openWorkbench();
  const { jobs } = opened;
  const { file, open } = door(opened);
  const running = await jobs.add('plugin', { do: 'wait', for: file });
  const waiting = await jobs.add('plugin', { value: 2 });
  await runs(running);
  const unheard = failure(waiting.result());
  const closing = jobs.close();
  open();
  await closing;
  expect(await unheard).toMatchObject({ code: 'E_JOB_STORE' });
  const again = await openTheJobs({ supervisor: opened.supervisor });
  expect(await (await again.get(running.id)).read()).toMatchObject({ state: 'done', attempt: 1 });
  expect(await (await again.get(waiting.id)).result()).toBe(2);
  expect(await (await again.get(waiting.id)).read()).toMatchObject({ attempt: 1, interruptions: 0 });
  expect(await failure(jobs.add('plugin', {}))).toMatchObject({ code: 'E_JOB_STORE' });
});

test('a job whose supervisor stops in the middle was interrupted, and runs again', async () => {
  const opened = await openWorkbench();
  const { file, open } = door(opened);
  const { id } = await opened.jobs.add('plugin', { do: 'wait', for: file });
  const once = await opened.jobs.add('plugin', { do: 'wait', for: file }, { once: true, priority: -1 });
  await runs(await opened.jobs.get(id));
  await Promise.all([opened.supervisor.stop({ timeoutMs: 0 }), opened.jobs.close()]);
  const next = await openWorkbench();
  const jobs = await openTheJobs({ supervisor: next.supervisor, folder: join(opened.dataDir, 'jobs') });
  open();
  const job = await jobs.get(id);
  expect(await job.result()).toBe('waited');
  expect(await job.read()).toMatchObject({ attempt: 2, interruptions: 1 });
  expect((await job.read()).history).toMatchObject([
    { number: 1, end: 'interrupted', error: { code: 'E_INTERRUPTED' } },
    { number: 2, end: 'done' },
  ]);
  // It had not begun.
  expect(await (await jobs.get(once.id)).result()).toBe('waited');
});

test('a job that may run only once fails where its program stops in the middle', async () => {
  const opened = await openWorkbench();
  const { file } = door(opened);
  const { id } = await opened.jobs.add('plugin', { do: 'wait', for: file }, { once: true });
  await runs(await opened.jobs.get(id));
  await Promise.all([opened.supervisor.stop({ timeoutMs: 0 }), opened.jobs.close()]);
  const next = await openWorkbench();
  const jobs = await openTheJobs({ supervisor: next.supervisor, folder: join(opened.dataDir, 'jobs') });
  expect(await failure((await jobs.get(id)).result())).toMatchObject({ code: 'E_INTERRUPTED', plugin: 'plugin' });
  expect(await (await jobs.get(id)).read()).toMatchObject({ state: 'failed', attempt: 1 });
});

test('of jobs that may run only once, none has begun while another has the place at the worker', async () => {
  const opened = await openWorkbench();
  const { jobs } = opened;
  const { file, open } = door(opened);
  await jobs.pause();
  const added = [];
  for (let n = 0; n < 3; n += 1) added.push(await jobs.add('plugin', { do: 'wait', for: file }, { once: true }));
  await jobs.resume();
  const [first, second, cancelled] = added as [JobHandle, JobHandle, JobHandle];
  await runs(first);
  for (const other of [second, cancelled]) expect(await other.read()).toMatchObject({ state: 'waiting', attempt: 0 });
  expect(await cancelled.cancel()).toBe('cancelled');
  expect(await failure(cancelled.result())).toMatchObject({ code: 'E_CANCELLED', plugin: 'plugin' });
  open();
  expect(await second.result()).toBe('waited');
});

test('a job that waits at its worker for too long fails too, and the one that runs there goes on', async () => {
  const opened = await openWorkbench();
  const { jobs } = opened;
  const { file, open } = door(opened);
  const running = await jobs.add('plugin', { do: 'wait', for: file });
  await runs(running);
  const late = await jobs.add('plugin', {}, { ttlMs: 50 });
  expect(await failure(late.result())).toMatchObject({ code: 'E_TIMEOUT' });
  expect(await running.read()).toMatchObject({ state: 'running' });
  open();
  expect(await running.result()).toBe('waited');
});

test.skipIf(process.getuid?.() !== 0)('a result that finds the disk full is stored once there is room', async () => {
  const opened = await openWorkbench();
  const { file, open } = door(opened);
  const disk = join(opened.scratch, 'disk');
  mkdirSync(disk);
  execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1m', 'tmpfs', disk]);
  try {
    const jobs = await openTheJobs({ supervisor: opened.supervisor, folder: join(disk, 'jobs') });
    const job = await jobs.add('plugin', { do: 'wait', for: file, value: 'x'.repeat(300_000) });
    await runs(job);
    const filler = join(disk, 'filler');
    execFileSync('sh', ['-c', `cat /dev/zero > "${filler}" || true`], { stdio: 'ignore' });
    open();
    await becomes(opened, 'plugin', { inFlight: 0 });
    expect(await job.read()).toMatchObject({ state: 'running' });
    rmSync(filler);
    expect(await job.result()).toHaveLength(300_000);
    await jobs.close();
  } finally {
    execFileSync('umount', [disk]);
  }
});

test('a failed attempt is made again after a while, as often as it may, and each is kept', async () => {
  const opened = await openWorkbench();
  const { jobs, scratch } = opened;
  const mark = join(scratch, 'mark');
  const lives = await jobs.add('plugin', { do: 'die-once', mark }, { backoff: { delayMs: 1 } });
  expect(await lives.result()).toBe('lived');
  expect((await lives.read()).history).toMatchObject([
    { end: 'failed', error: { code: 'E_CRASHED' } },
    { end: 'done' },
  ]);
  const fails = await jobs.add('plugin', { do: 'fail', how: 'string' }, { attempts: 2, backoff: { delayMs: 1 } });
  expect(await failure(fails.result())).toMatchObject({ code: 'E_REMOTE', remote: { message: 'just a string' } });
  expect(await fails.read()).toMatchObject({ state: 'failed', attempt: 2, attempts: 2 });
});

test('what another attempt would not change fails at once: an input that the plugin refuses', async () => {
  const { jobs } = await openWorkbench();
  const job = await jobs.add('plugin', { do: 'fail' });
  expect(await failure(job.result())).toMatchObject({
    code: 'E_REMOTE',
    remote: { category: 'input', details: { limit: 3 } },
  });
  expect(await job.read()).toMatchObject({ attempt: 1, attempts: 3 });
});

test('retry() runs a job again that has ended, with all its attempts', async () => {
  const opened = await openWorkbench();
  const { jobs, scratch } = opened;
  const file = join(scratch, 'late');
  const job = await jobs.add('plugin', { do: 'read', file }, { attempts: 1 });
  await failure(job.result());
  writeFileSync(file, 'here');
  await jobs.retry(job.id);
  expect(await job.result()).toEqual({ path: file, text: 'here' });
  expect(await job.read()).toMatchObject({ attempt: 2, attempts: 2, error: undefined });
});

test('a job that waits and one that runs are cancelled, and one that has ended says so', async () => {
  const opened = await openWorkbench();
  const { jobs, supervisor } = opened;
  const { file } = door(opened);
  const running = await jobs.add('plugin', { do: 'wait', for: file });
  const waiting = await jobs.add('plugin', { value: 2 });
  await runs(running);
  expect(await waiting.cancel()).toBe('cancelled');
  expect(await failure(waiting.result())).toMatchObject({ code: 'E_CANCELLED' });
  expect(await running.cancel()).toBe('cancelled');
  expect(await failure(running.result())).toMatchObject({ code: 'E_CANCELLED' });
  await eventually(async () =>
    expect(await supervisor.execute('plugin', { do: 'about' })).toMatchObject({ cancelled: 1 }),
  );
  const done = await jobs.add('plugin', { value: 3 });
  await done.result();
  expect(await done.cancel()).toBe('done');
});

test('the highest priority goes first, then the oldest; first() and setPriority() change that', async () => {
  const opened = await openWorkbench();
  const { jobs } = opened;
  const mark = join(opened.scratch, 'marks');
  await jobs.pause('plugin');
  const add = (text: string, priority = 0) => jobs.add('plugin', { do: 'mark', mark, text, ms: 0 }, { priority });
  const added = [await add('a'), await add('b'), await add('c', 1), await add('d'), await add('e')] as const;
  await jobs.setPriority(added[3].id, 2);
  await jobs.first(added[4].id);
  await jobs.resume('plugin');
  await Promise.all(added.map((job) => job.result()));
  expect(readFileSync(mark, 'utf8')).toBe('e\nd\nc\na\nb\n');
});

test('a job waits for those it comes after, and takes their results', async () => {
  const { jobs } = await openWorkbench();
  const { sum, a, b } = await jobs.addAll({
    sum: { plugin: 'plugin', input: { value: [output('a', '/deep/0'), output('b')] } },
    a: { plugin: 'plugin', input: { value: { deep: ['from a'] } } },
    b: { plugin: 'plugin', input: { value: 2n ** 60n }, after: ['a'] },
  });
  expect(await sum.result()).toEqual(['from a', 2n ** 60n]);
  expect((await sum.read()).after.toSorted()).toEqual([a.id, b.id].toSorted());
  const later = await jobs.add('plugin', { value: output(sum, '/0') });
  expect(await later.result()).toBe('from a');
});

test('a job fails with the one that it comes after, and so does a whole chain', async () => {
  const { jobs } = await openWorkbench();
  const graph = await jobs.addAll({
    first: { plugin: 'plugin', input: { do: 'fail' } },
    second: { plugin: 'plugin', after: ['first'] },
    third: { plugin: 'plugin', after: ['second'] },
  });
  const error = await failure(graph.third.result());
  expect(error).toMatchObject({ code: 'E_JOB' });
  expect(error.message).toContain(`the job ${graph.second.id}, which it comes after, failed`);
  expect(await (await jobs.add('plugin', {}, { after: [graph.third] })).read()).toMatchObject({ state: 'failed' });
});

test('an input that takes what a result does not have fails with the place', async () => {
  const { jobs } = await openWorkbench();
  const { b } = await jobs.addAll({
    a: { plugin: 'plugin', input: { value: {} } },
    b: { plugin: 'plugin', input: { value: output('a', '/text') } },
  });
  const error = await failure(b.result());
  expect(error).toMatchObject({ code: 'E_INPUT' });
  expect(error.message).toContain('takes "/text" of the result of the job a, which has nothing there');
});

test('a circle is refused with its names, and nothing is added', async () => {
  const { jobs } = await openWorkbench();
  const error = await failure(
    jobs.addAll({
      a: { plugin: 'plugin', after: ['b'] },
      b: { plugin: 'plugin', input: { value: output('c') } },
      c: { plugin: 'plugin', after: ['a'] },
      d: { plugin: 'plugin' },
    }),
  );
  expect(error).toMatchObject({ code: 'E_JOB' });
  expect(error.message).toContain('"a" after "b" after "c" after "a"');
  expect(await jobs.counts()).toEqual({});
});

test.each([
  [5, 'The jobs of addAll() must be an object of jobs by their names, got 5.'],
  [{ a: { plugin: 'plugin' }, b: 5 }, 'The job "b" of addAll() must be an object with a plugin and its input, got 5.'],
  [{ a: { plugn: 'plugin' } }, 'The plugin of the job "a" of addAll() must be a name, got undefined.'],
])('what is no graph is refused with what is wrong in it: %j', async (graph, message) => {
  const { jobs } = await openWorkbench();
  const error = await failure(jobs.addAll(graph as never));
  expect(error).toMatchObject({ code: 'E_OPTIONS', message });
});

test('a key means one job: the same again is that job, and with another input it is refused', async () => {
  const { jobs } = await openWorkbench();
  const job = await jobs.add('plugin', { value: 1 }, { key: 'file-7' });
  const same = await jobs.add('plugin', { value: 1 }, { key: 'file-7' });
  expect(same).toMatchObject({ id: job.id, isNew: false });
  const error = await failure(jobs.add('plugin', { value: 2 }, { key: 'file-7' }));
  expect(error).toMatchObject({ code: 'E_JOB' });
  expect(error.message).toContain(job.id);
  const graph = () =>
    jobs.addAll({
      a: { plugin: 'plugin', input: { value: 'a' }, key: 'a' },
      b: { plugin: 'plugin', input: { value: output('a') }, key: 'b' },
    });
  const [once, twice] = [await graph(), await graph()];
  expect([twice.a.id, twice.b.id]).toEqual([once.a.id, once.b.id]);
  expect(await twice.b.result()).toBe('a');
});

test('a job for a plugin that is not there says so at once, and runs when it comes', async () => {
  const opened = await openWorkbench({ plugin: { fixture: 'workbench' } }, { watch: true });
  const { jobs } = opened;
  const job = await jobs.add('plugim', { value: 'here' });
  expect(job.waitsFor).toBe('There is no plugin "plugim". Did you mean "plugin"?');
  expect(await job.read()).toMatchObject({ state: 'waiting', waitsFor: job.waitsFor });
  opened.write('plugim', { fixture: 'workbench' });
  expect(await job.result()).toBe('here');
});

test('jobs of a disabled plugin wait, and lose no attempt', async () => {
  const { jobs, supervisor } = await openWorkbench();
  supervisor.disable('plugin');
  const job = await jobs.add('plugin', { value: 1 });
  expect(job.waitsFor).toContain('is disabled');
  supervisor.enable('plugin');
  expect(await job.result()).toBe(1);
  expect(await job.read()).toMatchObject({ attempt: 1 });
});

test('a delayed job runs when it is due, and one that waits too long fails', async () => {
  const { jobs } = await openWorkbench();
  const delayed = await jobs.add('plugin', { value: 1 }, { delayMs: 300 });
  expect(await delayed.read()).toMatchObject({ state: 'delayed' });
  const late = await jobs.add('nobody', {}, { ttlMs: 100 });
  expect(await delayed.result()).toBe(1);
  const { startedAt = 0, addedAt } = await delayed.read();
  expect(startedAt - addedAt).toBeGreaterThanOrEqual(300);
  const error = await failure(late.result());
  expect(error).toMatchObject({ code: 'E_TIMEOUT' });
  expect(error.message).toContain('0.1 s (ttlMs)');
});

test('whoever watches a job is told how far it is, and that it has ended', async () => {
  const { jobs } = await openWorkbench();
  await jobs.pause();
  const job = await jobs.add('plugin', { do: 'steps', count: 50 });
  const seen: Job[] = [];
  for await (const now of job.watch()) {
    if (seen.length === 0) await jobs.resume();
    seen.push(now);
  }
  expect(seen[0]).toMatchObject({ state: 'waiting' });
  expect(seen.at(-1)).toMatchObject({ state: 'done' });
  expect(seen.some(({ progress }) => (progress?.progress ?? 0) > 0)).toBe(true);
});

test('waiting for a result ends with its signal, and the job goes on', async () => {
  const opened = await openWorkbench();
  const { file, open } = door(opened);
  const job = await opened.jobs.add('plugin', { do: 'wait', for: file });
  const controller = new AbortController();
  const waiting = job.result({ signal: controller.signal });
  controller.abort(new Error('enough'));
  await expect(waiting).rejects.toThrow('enough');
  open();
  expect(await job.result()).toBe('waited');
});

test('the list goes from the newest to the oldest, a page at a time, of one state or plugin', async () => {
  const { jobs } = await openWorkbench({ plugin: { fixture: 'workbench' }, other: { fixture: 'workbench' } });
  await jobs.pause();
  const ids: string[] = [];
  for (let n = 0; n < 5; n += 1) ids.unshift((await jobs.add(n === 2 ? 'other' : 'plugin', {})).id);
  const first = await jobs.list({ limit: 3 });
  const second = await jobs.list({ limit: 3, cursor: first.next });
  expect([...first.jobs, ...second.jobs].map(({ id }) => id)).toEqual(ids);
  expect(second.next).toBeUndefined();
  expect((await jobs.list({ plugin: 'other' })).jobs.map(({ id }) => id)).toEqual([ids[2]]);
  expect((await jobs.list({ state: 'done' })).jobs).toEqual([]);
  expect(await jobs.counts()).toEqual({ other: { waiting: 1 }, plugin: { waiting: 4 } });
});

test('of two plugins that exclude each other, each is loaded once for all its jobs', async () => {
  const { jobs, transitions } = await openWorkbench(
    { a: { fixture: 'workbench' }, b: { fixture: 'workbench' } },
    { capacity: { slots: 1 } },
  );
  await jobs.pause();
  const added = [];
  for (let n = 0; n < 100; n += 1)
    added.push(await jobs.add(n % 2 === 0 ? 'a' : 'b', { do: 'pause', ms: 20, value: n }));
  await jobs.resume();
  expect(await Promise.all(added.map((job) => job.result()))).toEqual(added.map((_, n) => n));
  const loads = transitions.filter(({ to, phase }) => to === 'spawning' && phase === 'launching');
  expect(loads.length).toBeLessThanOrEqual(4);
});

test('a wrong call of each method says what is wrong', async () => {
  const { jobs } = await openWorkbench();
  const { id } = await jobs.add('plugin', {}, { delayMs: 60_000 });
  const unknown = '01234567-89ab-7def-8123-456789abcdef';
  const wrong: readonly (readonly [() => Promise<unknown>, string, string])[] = [
    [
      () => jobs.add('plugin', {}, { timeout: 5 } as never),
      'E_OPTIONS',
      'unknown option "timeout"; did you mean "timeoutMs"?',
    ],
    [() => jobs.add('plugin', {}, { attempts: 0 }), 'E_OPTIONS', 'a whole number from 1 to 1000, got 0'],
    [() => jobs.add('plugin', { f: () => 1 }), 'E_SERIALIZE', 'cannot be stored: input.f'],
    [() => jobs.add('plugin', {}, { after: [unknown] }), 'E_JOB', 'there is no such job'],
    [() => jobs.get('nonsense'), 'E_JOB', 'There is no job "nonsense"'],
    [() => jobs.values(unknown), 'E_JOB', 'There is no job'],
    [() => jobs.retry(id), 'E_JOB', 'is delayed and cannot be run again'],
    [() => jobs.remove(id), 'E_JOB', 'is delayed and cannot be removed'],
    [() => jobs.list({ state: 'gone' as never }), 'E_OPTIONS', 'must be one of waiting, delayed'],
  ];
  for (const [act, code, message] of wrong) {
    const error = await failure(act());
    expect(error.code).toBe(code);
    expect(error.message).toContain(message);
  }
});

/** Resolves once the call of a job has said something. */
async function runs(job: { watch(): AsyncIterable<Job> }): Promise<void> {
  for await (const { progress } of job.watch()) if (progress !== undefined) return;
  throw new Error('It has ended.');
}
