import { type ChildProcess, spawn } from 'node:child_process';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, describe, expect, test } from 'vitest';
import type { Job } from '../../../src/jobs/job.ts';
import { isFinal } from '../../../src/jobs/job.ts';
import type { NewJob } from '../../../src/jobs/job-store.ts';
import { SEED } from '../../seed.ts';
import { randomFrom } from '../../simulation/random.mjs';
import { newJob } from '../new-job.ts';
import { hasRedis, RedisServer } from '../redis-server.ts';
import { closeNodes, openNode } from './redis-stores.ts';

const PROGRAM = fileURLToPath(new URL('node-program.mjs', import.meta.url));
const JOBS = 300;
const NODES = 4;
const KILLS = 16;

describe.skipIf(!hasRedis)('with a redis-server', () => {
  const children = new Set<ChildProcess>();
  let server: RedisServer;
  afterEach(async () => {
    await closeNodes();
    await Promise.all([...children].map(end));
    await server.remove();
  });

  async function end(child: ChildProcess): Promise<void> {
    const closed = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGKILL');
    await closed;
    children.delete(child);
  }

  test(`whatever is killed, no job is lost, settled twice or stuck (seed ${SEED})`, async () => {
    const random = randomFrom(SEED);
    server = await RedisServer.start({ appendfsync: 'always' });
    const { store } = await openNode(server.url, { liveness: { beatMs: 100, goneMs: 500, lookMs: 500 } });
    /** The jobs that were settled, by what their programs say. */
    const settled: string[] = [];
    const busy = new Set<ChildProcess>();
    let told = (): void => {};
    const begin = (): void => {
      const child = spawn(process.execPath, [PROGRAM, server.url], { stdio: ['ignore', 'pipe', 'inherit'] });
      children.add(child);
      createInterface({ input: child.stdout }).on('line', (id) => {
        settled.push(id);
        busy.add(child);
        told();
      });
    };
    const add = async (job: NewJob): Promise<void> => {
      while (
        !(await store.add([job]).then(
          () => true,
          () => false,
        ))
      );
    };
    for (let n = 0; n < NODES; n += 1) begin();
    const jobs: NewJob[] = [];
    for (let n = 0; n < JOBS; n += 1) {
      const before = jobs[Math.floor(random() * jobs.length)];
      const after = before !== undefined && random() < 0.2 ? [{ id: before.id, name: 'before' }] : [];
      jobs.push(newJob({ plugin: random() < 0.5 ? 'a' : 'b', once: random() < 0.2, after }));
    }
    const added = (async () => {
      for (const job of jobs) await add(job);
    })();
    for (let n = 0; n < KILLS; n += 1) {
      // In the middle of jobs: programs that have ended some have others.
      for (const enough = settled.length + 2 + Math.floor(random() * 12); settled.length < enough; )
        await new Promise<void>((resolve) => (told = resolve));
      if (random() < 0.25) {
        await server.kill();
        await server.begin();
      } else {
        const atWork = [...children].filter((child) => busy.has(child));
        await end(atWork[Math.floor(random() * atWork.length)] as ChildProcess);
        begin();
      }
    }
    await added;
    const ended = await untilAllEnded();
    expect(ended.map(({ id }) => id).toSorted()).toEqual(jobs.map(({ id }) => id).toSorted());
    expect(settled.filter((id, index) => settled.indexOf(id) !== index)).toEqual([]);
    for (const job of ended) {
      if (job.state === 'failed') expect(['E_INTERRUPTED', 'E_JOB']).toContain(job.error?.code);
      else expect(job.state).toBe('done');
      if (job.once) expect(job.attempt).toBeLessThanOrEqual(1);
    }
    // More than a few were interrupted, or nothing was looked at.
    expect(ended.filter(({ interruptions }) => interruptions > 0).length).toBeGreaterThan(2);

    async function untilAllEnded(): Promise<readonly Job[]> {
      for (;;) {
        const page = await store.list({}, 2 * JOBS, undefined).catch(() => undefined);
        if (page?.jobs.every(({ state }) => isFinal(state))) return page.jobs;
        await new Promise((resolve) => setTimeout(resolve, 50));
      }
    }
  }, 120_000);
});
