import { once } from 'node:events';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { type Job, type JobHandle, output } from '../../src/client/index.ts';
import { eventually } from '../eventually.ts';
import { failure } from '../runtime/greenroom.ts';
import { useDaemons } from './daemon.ts';

const bench = useDaemons();

async function runs(job: JobHandle): Promise<void> {
  await eventually(async () => expect((await job.read()).state).toBe('running'));
}

/** The states of a job, as they are told. */
async function statesOf(jobs: AsyncIterable<Job>): Promise<string[]> {
  const states: string[] = [];
  for await (const { state } of jobs) if (states.at(-1) !== state) states.push(state);
  return states;
}

it('has the methods of the jobs of a supervisor, with integers of any size and bytes', async () => {
  await bench.start();
  const { jobs } = bench.client();
  const value = { big: 2n ** 70n, bytes: Buffer.from('abc') };
  const job = await jobs.add('workbench', { value }, { key: 'one', timeoutMs: Infinity });
  expect(job).toMatchObject({ plugin: 'workbench', isNew: true, waitsFor: undefined });
  expect(await job.result()).toEqual(value);
  expect(await job.read()).toMatchObject({ id: job.id, state: 'done', history: [{ number: 1, end: 'done' }] });
  expect(await jobs.values(job.id)).toEqual({ input: { value }, result: value });
  expect(await jobs.add('workbench', { value }, { key: 'one' })).toMatchObject({ id: job.id, isNew: false });
  const { last } = await jobs.addAll({
    last: { plugin: 'workbench', input: { value: { of: output('begin', '/n'), by: output(job, '/bytes') } } },
    begin: { plugin: 'workbench', input: { value: { n: 5 } } },
  });
  expect(await last.result()).toEqual({ of: 5, by: value.bytes });
  expect(await jobs.counts()).toEqual({ workbench: { done: 3 } });
  const { jobs: page, next } = await jobs.list({ limit: 1, state: 'done' });
  expect(page).toHaveLength(1);
  expect((await jobs.list({ cursor: next })).jobs).toHaveLength(2);
  await jobs.retry(job.id);
  expect(await (await jobs.get(job.id)).result()).toEqual(value);
  await jobs.remove(job.id);
  expect(await failure(jobs.read(job.id))).toMatchObject({ code: 'E_JOB' });
});

it('jobs wait while they are paused, in the order that they are given, and are cancelled', async () => {
  await bench.start();
  const { jobs } = bench.client();
  await jobs.pause();
  expect(await jobs.paused()).toEqual(['*']);
  const [first, second, third] = await Promise.all([1, 2, 3].map((value) => jobs.add('workbench', { value })));
  if (first === undefined || second === undefined || third === undefined) throw new Error('Three were added.');
  await jobs.first(second.id);
  await jobs.setPriority(third.id, 3);
  expect(await first.cancel()).toBe('cancelled');
  expect(await failure(first.result())).toMatchObject({ code: 'E_CANCELLED', plugin: 'workbench' });
  await jobs.resume();
  await Promise.all([second.result(), third.result()]);
  const begun = await Promise.all([second, third].map(async (job) => (await job.read()).startedAt ?? 0));
  expect(begun[0]).toBeGreaterThanOrEqual(begun[1] as number);
});

it('a job is watched to its end, and rejects with the error of its plugin', async () => {
  await bench.start();
  const { jobs } = bench.client();
  const file = join(bench.folder, 'door');
  const job = await jobs.add('workbench', { do: 'wait', for: file });
  const states = statesOf(job.watch());
  await runs(job);
  writeFileSync(file, '');
  expect((await states).slice(-2)).toEqual(['running', 'done']);
  const fails = await jobs.add('workbench', { do: 'fail' });
  expect(await failure(fails.result())).toMatchObject({ code: 'E_REMOTE', remote: { category: 'input' } });
});

it('a signal ends the waiting for a job, and not the job', async () => {
  await bench.start();
  const { jobs } = bench.client();
  const file = join(bench.folder, 'door');
  const job = await jobs.add('workbench', { do: 'wait', for: file });
  const left = new AbortController();
  const result = job.result({ signal: left.signal }).catch((error: unknown) => error);
  const states = statesOf(job.watch({ signal: left.signal })).catch((error: unknown) => error);
  await runs(job);
  const reason = new Error('enough');
  left.abort(reason);
  expect(await result).toBe(reason);
  expect(await states).toBe(reason);
  writeFileSync(file, '');
  expect(await job.result()).toBe('waited');
});

it('what is wrong with a job is said before it is sent, or by the daemon', async () => {
  await bench.start();
  const { jobs } = bench.client();
  expect(await failure(jobs.add('workbench', {}, { attempts: 0 }))).toMatchObject({ code: 'E_OPTIONS' });
  expect(await failure(jobs.add('workbench', { value: () => {} }))).toMatchObject({
    code: 'E_SERIALIZE',
    message: expect.stringMatching(/"workbench" cannot be sent: input\.value/) as string,
  });
  expect(await failure(jobs.read('../status'))).toMatchObject({ code: 'E_JOB' });
  const circle = { a: { plugin: 'workbench', after: ['b'] }, b: { plugin: 'workbench', after: ['a'] } };
  expect(await failure(jobs.addAll(circle))).toMatchObject({ code: 'E_JOB', message: expect.stringMatching(/circle/) });
  expect((await jobs.add('workbnech')).waitsFor).toContain('"workbench"');
});

it('a daemon that stops interrupts what runs, and the next one runs it for the same client', async () => {
  const settings = { drainTimeoutMs: 50 };
  const first = await bench.start({ settings });
  const client = bench.client();
  const file = join(bench.folder, 'door');
  const job = await client.jobs.add('workbench', { do: 'wait', for: file });
  const waits = await client.jobs.add('workbench', { value: 2 }, { after: [job] });
  await runs(job);
  const results = Promise.all([job.result(), waits.result()]);
  const states = statesOf(job.watch());
  await first.stop();
  writeFileSync(file, '');
  await bench.start({ settings });
  expect(await results).toEqual(['waited', 2]);
  expect((await states).at(-1)).toBe('done');
  expect(await job.read()).toMatchObject({ interruptions: 1, history: [{ end: 'interrupted' }, { end: 'done' }] });
});

it('a daemon goes on with the jobs of the one before, though nobody asks for them', async () => {
  const settings = { drainTimeoutMs: 50 };
  const first = await bench.start({ settings });
  const file = join(bench.folder, 'mark');
  const client = bench.client();
  await client.jobs.add('workbench', { do: 'mark', mark: file, text: 'x', ms: 600_000 });
  const marks = (count: number): Promise<void> =>
    eventually(() => expect(readFileSync(file, 'utf8')).toBe('x\n'.repeat(count)));
  await marks(1);
  await client.close();
  await first.stop();
  await bench.start({ settings });
  await marks(2);
});

it('a daemon that stops lets a job end, and answers nothing more about jobs', async () => {
  const daemon = await bench.start();
  const client = bench.client();
  const file = join(bench.folder, 'door');
  const job = await client.jobs.add('workbench', { do: 'wait', for: file });
  await runs(job);
  const stopped = daemon.stop();
  expect(await failure(client.jobs.list())).toMatchObject({ code: 'E_STOPPING' });
  const result = job.result();
  writeFileSync(file, '');
  await stopped;
  await bench.start();
  expect(await result).toBe('waited');
  expect(await job.read()).toMatchObject({ attempt: 1, interruptions: 0 });
});

it('a daemon whose jobs cannot be opened says so, and does everything else', async () => {
  mkdirSync(join(bench.dataDir, 'jobs', 'jobs.db'), { recursive: true });
  await bench.start();
  const client = bench.client();
  expect(await failure(client.jobs.list())).toMatchObject({ code: 'E_JOB_STORE' });
  expect(await failure(client.jobs.add('workbench'))).toMatchObject({ code: 'E_JOB_STORE' });
  expect(await client.execute('workbench', { value: 1 })).toBe(1);
});

it('a daemon that has never had a job has no store of them', async () => {
  await bench.start();
  const client = bench.client();
  await client.plugins();
  expect(existsSync(join(bench.dataDir, 'jobs'))).toBe(false);
  await client.jobs.list();
  expect(existsSync(join(bench.dataDir, 'jobs'))).toBe(true);
});

it('a daemon that ends when it is idle ends after the jobs that wait', async () => {
  const daemon = await bench.start({ idleEndMs: 200 });
  const ended = once(daemon.asked, 'abort');
  const client = bench.client();
  const file = join(bench.folder, 'mark');
  await client.jobs.add('workbench', { do: 'mark', mark: file, text: 'x', ms: 0 }, { delayMs: 300 });
  await client.close();
  await ended;
  expect(existsSync(file)).toBe(true);
});
