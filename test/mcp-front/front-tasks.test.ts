import { setImmediate as turn } from 'node:timers/promises';
import { expect, test, vi } from 'vitest';
import { GreenroomError } from '../../src/index.ts';
import type { Jobs } from '../../src/jobs/index.ts';
import { FrontTasks } from '../../src/mcp-front/tasks/front-tasks.ts';
import { eventuallyTrue } from '../eventually.ts';
import { openWorkbench } from '../jobs/opened-jobs.ts';
import { SimulatedClock } from '../simulation/clock.mjs';

const WAIT = { tool: undefined, input: { do: 'deaf' }, once: false, stream: false };
const ECHO = { tool: undefined, input: { value: 1 }, once: false, stream: false };

/** The tasks of a front, whose clock begins with that of the jobs. */
function tasksOf(jobs: Jobs, clock = new SimulatedClock(Date.now())) {
  const errors: unknown[] = [];
  return {
    clock,
    errors,
    tasks: new FrontTasks({ open: async () => jobs, clock, onError: (e) => void errors.push(e) }),
  };
}

async function idsOf(jobs: Jobs): Promise<readonly string[]> {
  return (await jobs.list()).jobs.map(({ id }) => id);
}

test('a task that has ended is removed when its time is over, and no sooner', async () => {
  const { jobs } = await openWorkbench();
  const { clock, errors, tasks } = tasksOf(jobs);
  const brief = await tasks.begin('plugin', ECHO, 600_000);
  const kept = await tasks.begin('plugin', ECHO, 30 * 86_400_000);
  await Promise.all([brief.result(), kept.result()]);
  await clock.advance(590_000);
  expect(await idsOf(jobs)).toHaveLength(2);
  await clock.advance(20_000);
  await eventuallyTrue(async () => (await idsOf(jobs)).length === 1);
  expect(await idsOf(jobs)).toEqual([kept.id]);
  expect(clock.pending).toBe(0);
  expect(errors).toEqual([]);
});

test('what a task has come to is kept for a minute, however short its time is', async () => {
  const { jobs } = await openWorkbench();
  const { clock, tasks } = tasksOf(jobs);
  const task = await tasks.begin('plugin', ECHO, 1);
  await task.result();
  await clock.advance(30_000);
  await eventuallyTrue(() => clock.pending === 1);
  expect(await idsOf(jobs)).toEqual([task.id]);
  await clock.advance(60_000);
  await eventuallyTrue(async () => (await idsOf(jobs)).length === 0);
});

test('a task whose store cannot be asked when its time is over is removed later', async () => {
  const { jobs } = await openWorkbench();
  const { clock, errors, tasks } = tasksOf(jobs);
  const task = await tasks.begin('plugin', ECHO, 1);
  await task.result();
  const refused = vi.spyOn(jobs, 'remove').mockRejectedValueOnce(new GreenroomError('E_JOB_STORE', 'It is away.'));
  await clock.advance(30_000);
  await eventuallyTrue(() => clock.pending === 1);
  await clock.advance(60_000);
  await eventuallyTrue(() => refused.mock.calls.length === 1 && clock.pending === 1);
  expect(await idsOf(jobs)).toEqual([task.id]);
  await clock.advance(60_000);
  await eventuallyTrue(async () => (await idsOf(jobs)).length === 0);
  expect(errors).toEqual([]);
});

test('a task that outlasts its time goes on', async () => {
  const { jobs } = await openWorkbench();
  const { clock, tasks } = tasksOf(jobs);
  const { id } = await tasks.begin('plugin', WAIT, 1_000);
  await eventuallyTrue(async () => (await jobs.read(id)).state === 'running');
  await clock.advance(120_000);
  // The look at it goes to the store's thread.
  await eventuallyTrue(() => clock.pending === 1);
  expect((await jobs.read(id)).state).toBe('running');
  await jobs.cancel(id);
  expect(await idsOf(jobs)).toEqual([id]);
  await clock.advance(61_000);
  await eventuallyTrue(async () => (await idsOf(jobs)).length === 0);
});

test('the next daemon removes the tasks whose time is over, and leaves other jobs', async () => {
  const { jobs } = await openWorkbench();
  const former = tasksOf(jobs);
  const task = await former.tasks.begin('plugin', ECHO, 1_000);
  former.tasks.close();
  expect(former.clock.pending).toBe(0);
  const other = await jobs.add('plugin', { value: 1 });
  await Promise.all([task.result(), other.result()]);
  const { clock, tasks } = tasksOf(jobs, new SimulatedClock(Date.now() + 120_000));
  await tasks.note(jobs);
  await clock.advance(1);
  await turn();
  await eventuallyTrue(async () => (await idsOf(jobs)).length === 1);
  expect(await idsOf(jobs)).toEqual([other.id]);
});
