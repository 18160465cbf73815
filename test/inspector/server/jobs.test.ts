import { existsSync, mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { GreenroomError } from '../../../src/errors.ts';
import type { InspectorOptions } from '../../../src/inspector/index.ts';
import type { ControlRecord } from '../../../src/inspector/wire.ts';
import type { JobAnswer, JobDetails, JobNews, JobRow, JobRows } from '../../../src/inspector/wire-jobs.ts';
import type { Jobs } from '../../../src/jobs/index.ts';
import { eventuallyTrue } from '../../eventually.ts';
import { type Answer, type Bench, endAfterTest, get, inspect, openBench, openBenchJobs, Reader } from '../bench.ts';

/** An inspector of the plugin `bench`, and how to ask it for jobs. */
async function open(options: InspectorOptions = {}, manifest: Record<string, unknown> = {}) {
  const bench = await openBench(manifest);
  const { port, token, inspector } = await inspect(bench.inspected, options);
  const authorization = `Bearer ${token}`;
  const ask = (path: string): Promise<Answer> => get(port, path, { authorization });
  const rows = async (query = ''): Promise<JobRows> => JSON.parse((await ask(`/api/jobs${query}`)).body) as JobRows;
  const details = async (id: string): Promise<JobDetails> =>
    JSON.parse((await ask(`/api/jobs/${id}`)).body) as JobDetails;
  const act = async (body: unknown): Promise<JobAnswer & { status: number }> => {
    const headers = { authorization, 'content-type': 'application/json' };
    const answer = await get(port, '/api/jobs', headers, { method: 'POST', body: JSON.stringify(body) });
    return { status: answer.status, ...(JSON.parse(answer.body) as JobAnswer) };
  };
  return { bench, port, token, inspector, ask, rows, details, act };
}

const idsOf = ({ jobs }: JobRows): string[] => jobs.map(({ id }) => id);

type OpenNews = Extract<JobNews, { isOpen: true }>;

/** What a page knows that follows the jobs. Left after the test. */
function follow(port: number, token: string, query = '') {
  const leaving = new AbortController();
  const news: JobNews[] = [];
  const reading = (async () => {
    const headers = { authorization: `Bearer ${token}` };
    const { body } = await fetch(`http://127.0.0.1:${port}/api/jobs/live${query}`, { headers, signal: leaving.signal });
    let text = '';
    for await (const chunk of (body as ReadableStream<Uint8Array>).pipeThrough(new TextDecoderStream())) {
      const lines = (text + chunk).split('\n');
      text = lines.pop() ?? '';
      news.push(...lines.map((line) => JSON.parse(line) as JobNews));
    }
  })().catch(() => {});
  endAfterTest(async () => {
    leaving.abort();
    await reading;
  });
  const told = (wanted: (each: OpenNews) => boolean): Promise<OpenNews> =>
    eventuallyTrue(() => news.find((each): each is OpenNews => each.isOpen && wanted(each)));
  const ofJob = async (id: string, state: string): Promise<JobRow> => {
    const isIt = (row: JobRow): boolean => row.id === id && row.state === state;
    return (await told(({ jobs }) => jobs.some(isIt))).jobs.find(isIt) as JobRow;
  };
  return { news, told, ofJob, ended: reading };
}

/** A job that runs until a file is there. */
async function running(jobs: Jobs, { folder }: Bench, name: string, options = {}) {
  const file = join(folder, name);
  const job = await jobs.add('bench', { do: 'wait', for: file, value: name }, options);
  endAfterTest(async () => writeFileSync(file, ''));
  await eventuallyTrue(async () => (await job.read()).state === 'running');
  return { job, file };
}

describe('the jobs, over HTTP', () => {
  it('are none while none are open, and looking opens none', async () => {
    const { bench, port, token, ask } = await open();
    const { news } = follow(port, token);
    await eventuallyTrue(() => news.length === 1);
    expect(news[0]).toEqual({ isOpen: false });
    const answer = await ask('/api/jobs');
    expect([answer.status, answer.body]).toEqual([409, 'No jobs are open.\n']);
    expect(existsSync(join(bench.folder, 'jobs'))).toBe(false);
    // What is in the place of the store keeps it from being opened.
    mkdirSync(join(bench.folder, 'other'));
    writeFileSync(join(bench.folder, 'other', 'jobs.db'), 'not a database at all, but as long as its head has to be');
    await expect(openBenchJobs(bench, join(bench.folder, 'other'))).rejects.toMatchObject({ code: 'E_JOB_STORE' });
    await eventuallyTrue(() => news.length === 2);
    expect(news[1]).toMatchObject({ isOpen: false, refusal: expect.stringContaining('jobs.db') as string });
    const jobs = await openBenchJobs(bench);
    await eventuallyTrue(() => news.length === 3);
    expect(news[2]).toMatchObject({ isOpen: true, isFirst: true, plugins: [], jobs: [], others: 0 });
    await jobs.close();
    await eventuallyTrue(() => news.length === 4);
    expect(news[3]).toEqual({ isOpen: false });
  });

  it('are listed newest first, page by page, by plugin, state and the beginning of their identifiers', async () => {
    const { bench, rows, ask } = await open();
    const jobs = await openBenchJobs(bench);
    const ids: string[] = [];
    for (let n = 0; n < 5; n += 1) ids.unshift((await jobs.add('nobody', { n })).id);
    const job = await jobs.add('bench', { value: 1 });
    await job.result();
    const first = await rows('?limit=2');
    expect(idsOf(first)).toEqual([job.id, ids[0]]);
    expect(idsOf(await rows(`?cursor=${first.next}`))).toEqual(ids.slice(1));
    expect(idsOf(await rows('?plugin=bench'))).toEqual([job.id]);
    expect(idsOf(await rows('?state=waiting'))).toEqual(ids);
    expect(idsOf(await rows(`?prefix=${ids[2]}`))).toEqual([ids[2]]);
    expect(first.jobs[0]).toMatchObject({ plugin: 'bench', state: 'done', attempt: 1, attempts: 3, blockers: 0 });
    for (const query of ['?state=none', '?prefix=xyz', '?limit=0', '?cursor=x']) {
      const { status, body } = await ask(`/api/jobs${query}`);
      expect([query, status, body]).toEqual([query, 400, expect.stringContaining('must be') as string]);
    }
    const none = await ask('/api/jobs/nothing');
    expect([none.status, none.body]).toEqual([409, expect.stringContaining('There is no job "nothing"') as string]);
  });

  it('show one with its attempts, what it comes after, what it was given and what came of it', async () => {
    const { bench, details } = await open();
    const jobs = await openBenchJobs(bench);
    const before = await jobs.add('bench', { value: 'given' });
    const job = await jobs.add('bench', { value: Buffer.from('bytes') }, { after: [before.id], key: 'k', priority: 2 });
    await job.result();
    expect(await details(job.id)).toMatchObject({
      ...{ state: 'done', key: 'k', priority: 2, once: false, interruptions: 0, payloads: true, blockers: 1 },
      after: [{ id: before.id, plugin: 'bench', state: 'done' }],
      history: [{ number: 1, end: 'done', generation: 1 }],
      ...{ input: { value: '[5 bytes]' }, result: '[5 bytes]' },
    });
    const failed = await jobs.add('bench', { do: 'fail' });
    await failed.result().catch(() => {});
    const shown = await details(failed.id);
    expect(shown).toMatchObject({
      error: { code: 'E_REMOTE', type: 'RangeError', message: expect.stringContaining('out of range') as string },
      history: [{ end: 'failed', error: { code: 'E_REMOTE' } }],
      stack: expect.stringContaining('workbench.mjs') as string,
    });
    const long = await jobs.add('bench', { do: 'size', text: 'x'.repeat(100_000) });
    await long.result();
    expect((await details(long.id)).input).toBe('[98 KiB of bytes: too long to show]');
  });

  it('tell no secret of an input, in whatever text it comes back', async () => {
    const schema = { type: 'object', properties: { hidden: { type: 'string', writeOnly: true } } };
    const { bench, ask, port, token, details } = await open({}, { tools: [{ name: 'execute', input_schema: schema }] });
    const jobs = await openBenchJobs(bench);
    const { told, news } = follow(port, token);
    await told(({ isFirst }) => isFirst);
    const input = { do: 'read', hidden: 'canary-declared', password: 'canary-named', value: 'canary-declared' };
    const job = await jobs.add('bench', { ...input, file: '/canary-declared/canary-named' }, { attempts: 1 });
    const error = (await job.result().catch((reason: unknown) => reason)) as Error;
    expect(error.message).toMatch(/canary-declared.*canary-named/);
    const reported = await jobs.add('bench', { ...input, do: 'report', message: 'at canary-declared' });
    await reported.result();
    await told(({ jobs: rows }) => rows.some(({ id, state }) => id === reported.id && state === 'done'));
    const texts = [JSON.stringify(news)];
    for (const path of ['/api/jobs', `/api/jobs/${job.id}`, `/api/jobs/${reported.id}`])
      texts.push((await ask(path)).body);
    for (const text of texts) expect(text.match(/.{0,80}canary.{0,40}/)?.[0]).toBeUndefined();
    expect((await details(job.id)).input).toMatchObject({ hidden: '[redacted]', password: '[redacted]' });
  });

  it('tell no secret of a long input, one that begins with another, one of several lines, and a number', async () => {
    const { bench, ask, details } = await open();
    const jobs = await openBenchJobs(bench);
    const secrets = { password: 'canary', api_key: 'canary-extended', secret: 'line-one-of-it\nline-two-of-it' };
    const file = `/${secrets.api_key}/${JSON.stringify(secrets.secret)}`;
    const texts: string[] = [];
    for (const filler of ['', 'x'.repeat(100_000), 'x'.repeat(2_000_000)]) {
      const job = await jobs.add('bench', { do: 'read', ...secrets, file, filler }, { attempts: 1 });
      const error = (await job.result().catch((reason: unknown) => reason)) as Error;
      expect(error.message).toContain('canary-extended');
      texts.push((await ask('/api/jobs')).body, (await ask(`/api/jobs/${job.id}`)).body);
    }
    const long = await jobs.add('bench', { password: 91_827_364, value: { '91827364': [91_827_364] } });
    await long.result();
    expect((await details(long.id)).result).toEqual({ '[redacted]': ['[redacted]'] });
    for (const text of texts) expect(text.match(/.{0,80}(canary|extended|line-)/)?.[0]).toBeUndefined();
    expect(texts[4]).toContain('too long to look for its secrets');
  });

  it('show no inputs and results where those are not kept', async () => {
    const { bench, details } = await open({ payloads: false });
    const jobs = await openBenchJobs(bench);
    const job = await jobs.add('bench', { value: 'kept nowhere' });
    await job.result();
    const shown = await details(job.id);
    expect([shown.payloads, shown.input, shown.result]).toEqual([false, undefined, undefined]);
  });

  it('are followed: what is added, runs, ends and is removed, how many there are, and what they wait for', async () => {
    const { bench, port, token, inspector } = await open();
    const { supervisor } = bench;
    const jobs = await openBenchJobs(bench);
    const { told, ofJob, ended } = follow(port, token);
    expect(await told(({ isFirst }) => isFirst)).toMatchObject({ plugins: [], isPaused: false, isCut: false });
    const { job, file } = await running(jobs, bench, 'file');
    expect(await ofJob(job.id, 'running')).toMatchObject({ attempt: 1 });
    await told(({ jobs: rows }) => rows.some(({ message }) => message === 'waiting'));
    writeFileSync(file, '');
    await ofJob(job.id, 'done');
    await told(({ plugins }) => plugins.some(({ plugin, counts }) => plugin === 'bench' && counts.done === 1));
    await jobs.remove(job.id);
    expect((await told(({ gone }) => gone.length > 0)).gone).toEqual([job.id]);
    await told(({ plugins }) => plugins.some(({ plugin, counts }) => plugin === 'bench' && counts.done === undefined));
    await jobs.pause('bench');
    await told(({ plugins }) => plugins.some(({ plugin, isPaused }) => plugin === 'bench' && isPaused));
    await jobs.pause();
    await told(({ isPaused }) => isPaused);
    const held = await jobs.add('bench', { value: 1 });
    await ofJob(held.id, 'waiting');
    supervisor.disable('bench');
    await told(({ plugins }) => plugins.some(({ waitsFor }) => waitsFor?.includes('disabled') === true));
    supervisor.enable('bench');
    await told(({ plugins }) => plugins.some(({ counts, waitsFor }) => counts.waiting === 1 && waitsFor === undefined));
    await inspector.close();
    await ended;
  });

  it('are followed past a time in which their store cannot be asked', async () => {
    const { bench, port, token } = await open();
    const jobs = await openBenchJobs(bench);
    const { told, ofJob } = follow(port, token);
    await told(({ isFirst }) => isFirst);
    const refused = vi
      .spyOn(jobs, 'packedValues')
      .mockRejectedValueOnce(new GreenroomError('E_JOB_STORE', 'Its thread has ended.'));
    const job = await jobs.add('bench', { do: 'fail' }, { attempts: 1 });
    await eventuallyTrue(() => refused.mock.calls.length > 0);
    // Something else has changed: the store is open again.
    await jobs.pause('other');
    expect(await ofJob(job.id, 'failed')).toMatchObject({ error: { code: 'E_REMOTE' } });
    await told(({ plugins }) => plugins.some(({ plugin, counts }) => plugin === 'bench' && counts.failed === 1));
  });

  it('are followed of one plugin alone, and of another store that is opened later', async () => {
    const { bench, port, token } = await open();
    const { folder } = bench;
    const jobs = await openBenchJobs(bench);
    const { news, told, ofJob } = follow(port, token, '?plugin=bench');
    await told(({ isFirst }) => isFirst);
    await jobs.add('nobody');
    const job = await jobs.add('bench', { value: 1 });
    await ofJob(job.id, 'done');
    expect(JSON.stringify(news)).not.toContain('nobody');
    const others = await openBenchJobs(bench, join(folder, 'other'));
    await told(({ isFirst, others: count }) => isFirst && count === 1);
    await others.close();
    await eventuallyTrue(() => {
      const last = news.findLast((each): each is OpenNews => each.isOpen && each.isFirst);
      return last?.others === 0 && last.plugins.length === 1;
    });
  });
});

describe('what the page does with jobs', () => {
  it('is not there without control', async () => {
    const { bench, port, token } = await open();
    await openBenchJobs(bench);
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    expect((await get(port, '/api/jobs', headers, { method: 'POST', body: '{"action":"pause"}' })).status).toBe(405);
  });

  it('is done, answered when it is done, and recorded', async () => {
    const { bench, port, token, act } = await open({ control: true }, { max_concurrency: 1 });
    expect(await act({ action: 'pause' })).toMatchObject({ status: 409, ok: false, message: 'No jobs are open.' });
    const jobs = await openBenchJobs(bench);
    const reader = new Reader(port, token);
    await reader.sync();
    const { job } = await running(jobs, bench, 'first');
    expect(await act({ action: 'pause', plugin: 'bench' })).toEqual({ status: 200, ok: true });
    expect(await jobs.paused()).toEqual(['bench']);
    const [second, third] = [await jobs.add('bench', { value: 2 }), await jobs.add('bench', { value: 3 })];
    expect(await act({ action: 'first', job: third.id })).toMatchObject({ ok: true });
    expect(await act({ action: 'remove', job: job.id })).toMatchObject({
      ...{ status: 409, ok: false, message: expect.stringContaining('is running and cannot be removed') as string },
    });
    expect(await act({ action: 'cancel', job: job.id })).toEqual({ status: 200, ok: true, state: 'cancelled' });
    expect((await job.read()).state).toBe('cancelled');
    expect(await act({ action: 'cancel', job: job.id })).toMatchObject({ ok: true, state: 'cancelled' });
    expect(await act({ action: 'resume', plugin: 'bench' })).toMatchObject({ ok: true });
    await Promise.all([second.result(), third.result()]);
    const [one, other] = [await second.read(), await third.read()];
    expect(one.startedAt ?? 0).toBeGreaterThanOrEqual(other.startedAt ?? Infinity);
    expect(await act({ action: 'remove', job: second.id })).toMatchObject({ ok: true });
    expect(await act({ action: 'retry', job: third.id })).toMatchObject({ ok: true });
    await eventuallyTrue(async () => (await third.read()).state === 'done');
    const unknown = await jobs.add('nobody');
    expect(await act({ action: 'cancel', job: unknown.id })).toMatchObject({ ok: true, state: 'cancelled' });
    expect(await act({ action: 'retry', job: second.id })).toMatchObject({
      ...{ ok: false, message: expect.stringContaining('There is no job') as string },
    });
    const isLast = (each: ControlRecord): boolean => each.action === 'cancel job' && each.actor === 'supervisor';
    await reader.record((record) => record.kind === 'control' && isLast(record) && record.outcome === 'done');
    const controls = reader.records().filter((record): record is ControlRecord => record.kind === 'control');
    expect(controls.map(({ actor, action, outcome }) => `${actor} ${action} ${outcome}`).slice(0, 6)).toEqual([
      'plugin:bench pause jobs asked',
      'plugin:bench pause jobs done',
      'plugin:bench first job asked',
      'plugin:bench first job done',
      'plugin:bench remove job asked',
      'plugin:bench remove job failed',
    ]);
    expect(controls.find(({ action }) => action === 'cancel job')?.message).toBe(job.id);
  });

  it('is refused with what is wrong', async () => {
    const { bench, act } = await open({ control: true });
    await openBenchJobs(bench);
    for (const body of [{}, { action: 'cancel' }, { action: 'add', job: 'x' }, { action: 'pause', plugin: 1 }])
      expect(await act(body)).toMatchObject({ status: 400, ok: false });
    expect(await act({ action: 'cancel', job: 'x' })).toMatchObject({
      status: 409,
      message: expect.any(String) as string,
    });
  });
});
