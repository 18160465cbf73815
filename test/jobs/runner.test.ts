import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, onTestFinished, test, vi } from 'vitest';
import { packValue } from '../../src/api/packed-value.ts';
import { GreenroomError } from '../../src/errors.ts';
import { EmbeddedStore } from '../../src/jobs/embedded/embedded-store.ts';
import { JobRunner } from '../../src/jobs/runner/job-runner.ts';
import type { JobSite } from '../../src/jobs/runner/job-site.ts';
import { systemClock } from '../../src/time/clock.ts';
import { eventually } from '../eventually.ts';
import { newJob } from './new-job.ts';

/** A runner of a store, whose only plugin does with a call what it is given. */
async function openRunner(execute: JobSite['execute'], stream: JobSite['stream'] = async function* () {}) {
  const folder = mkdtempSync(join(tmpdir(), 'gr-runner-'));
  const { store } = await EmbeddedStore.open(folder, { maxJobs: 100, maxAgeMs: Infinity }, () => {});
  const site = { obstacle: undefined as string | undefined, places: 1 };
  const siteOf = (): JobSite => ({
    ...site,
    check: () => {},
    load: async () => {},
    execute,
    stream,
  });
  const onError = vi.fn();
  const runner = new JobRunner({ store, clock: systemClock, siteOf, onChange: () => {}, onError });
  store.onHint((hint) => hint.kind === 'waiting' && runner.wake([hint.plugin]));
  onTestFinished(async () => {
    await runner.close();
    await store.close();
    rmSync(folder, { recursive: true, force: true });
    expect(onError).not.toHaveBeenCalled();
  });
  return { store, runner, site };
}

const input = packValue({}, 'input');

/** Less than such a plugin rests for, where nothing tells that it can be called again. */
const SOON = { timeout: 4_000 };

test('a job that may run only once, and is refused before it reaches a worker, has not run and waits', async () => {
  const { store } = await openRunner(() => Promise.reject(new GreenroomError('E_DISABLED', 'It is disabled.')));
  const job = newJob({ once: true, attempts: 1, input });
  await store.add([job]);
  await eventually(async () => {
    expect((await store.get([job.id]))[0]).toMatchObject({ state: 'delayed', error: { code: 'E_DISABLED' } });
  });
});

test('jobs that were refused are taken again as soon as their plugin says that nothing is in the way', async () => {
  const execute = vi.fn<JobSite['execute']>();
  const { store, runner, site } = await openRunner(execute);
  execute.mockImplementationOnce(() => {
    site.obstacle = 'It is disabled.';
    return Promise.reject(new GreenroomError('E_DISABLED', site.obstacle));
  });
  const job = newJob({ input });
  await store.add([job]);
  await eventually(() => expect(runner.obstacleOf('plugin')).toBe('It is disabled.'));
  await eventually(async () => expect(await store.get([job.id])).toMatchObject([{ state: 'waiting' }]));
  execute.mockResolvedValue('done');
  site.obstacle = undefined;
  runner.look();
  await eventually(async () => expect(await store.get([job.id])).toMatchObject([{ state: 'done' }]), SOON);
});

test('the next jobs run while the ends of others are being stored, up to so many in hand', async () => {
  const execute = vi.fn<JobSite['execute']>().mockResolvedValue('done');
  const { store } = await openRunner(execute);
  let letStore = (): void => {};
  const mayStore = new Promise<void>((resolve) => (letStore = resolve));
  const settle = store.settle.bind(store);
  vi.spyOn(store, 'settle').mockImplementation(async (ended) => {
    await mayStore;
    return settle(ended);
  });
  await store.add(Array.from({ length: 300 }, () => newJob({ input })));
  await eventually(() => expect(execute).toHaveBeenCalledTimes(256));
  letStore();
  await eventually(() => expect(execute).toHaveBeenCalledTimes(300));
});

test('chunks of more than 64 MiB end the call of a job, which has failed for good', async () => {
  const left = vi.fn();
  const stream: JobSite['stream'] = async function* () {
    try {
      for (;;) yield 'x'.repeat(2 ** 20);
    } finally {
      left();
    }
  };
  const { store } = await openRunner(() => Promise.reject(new Error('It is not called for its result.')), stream);
  const job = newJob({ stream: true, attempts: 3, input });
  await store.add([job]);
  const error = { code: 'E_SERIALIZE', message: expect.stringContaining('longer than 64 MiB') as string };
  await eventually(async () => expect(await store.get([job.id])).toMatchObject([{ state: 'failed', error }]));
  expect(left).toHaveBeenCalledTimes(1);
});
