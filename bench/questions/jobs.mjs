// @ts-check
// What does a job cost beyond its call, how many can be added in a second, and is the event loop ever held up for them?
import { closeSync, fsyncSync, openSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { openJobs } from '../../dist/jobs/index.js';
import { withFolder, withSupervisor } from '../lib/host.mjs';
import { limitRow, median, medianOfRuns, takeInTurns, timed } from '../lib/measure.mjs';
import { longestTurnOf } from '../lib/turns.mjs';

const ROUND = 50;
const BATCH = 1_000;
const HISTORY = 10_000;

/** @param {import('../lib/measure.mjs').Bench} bench */
export default ({ repetitions, quick }) =>
  withSupervisor((supervisor) =>
    withFolder(async (folder) => {
      const jobs = await openJobs({ supervisor, folder: join(folder, 'jobs') });
      const file = openSync(join(folder, 'fsync'), 'w');
      try {
        const plugin = 'bench-node';
        await supervisor.load(plugin);
        const roundTrip = async () => (await jobs.add(plugin, { n: 1 })).result();
        /** As a commit of the store writes and waits for the disk. */
        const fsync = async () => {
          writeSync(file, Buffer.alloc(8_192));
          fsyncSync(file);
        };
        const [fsyncs = [], calls = [], trips = []] = await takeInTurns(
          [
            () => medianOfRuns(ROUND, fsync),
            () => medianOfRuns(ROUND, () => supervisor.execute(plugin, { n: 1 })),
            () => medianOfRuns(ROUND, roundTrip),
          ],
          { repetitions: quick ? 11 : repetitions },
        );
        const beyond = trips.map((trip, index) => (trip - (calls[index] ?? 0) - 2 * (fsyncs[index] ?? 0)) / 1_000);
        const [adds = [], turns = []] = await addedInBatches(jobs);
        await filled(jobs);
        const lists = [];
        for (let index = 0; index < 11; index += 1) lists.push(await timed(() => everything(jobs)));
        return [
          limitRow('a job: add → result beyond its call and 2 fsync, p50', 'ms', median(beyond), { atMost: 2 }),
          limitRow('durable adds in batches', 'jobs/s', median(adds), { atLeast: 1_000 }),
          limitRow('the longest turn of the event loop meanwhile', 'ms', median(turns), { atMost: 5 }),
          limitRow(`${HISTORY} jobs listed, 1,000 a page`, 'ms', median(lists), { atMost: 50 }),
        ];
      } finally {
        closeSync(file);
        await jobs.close();
      }
    }),
  );

/** @param {import('../../dist/jobs/index.js').Jobs} jobs */
async function addedInBatches(jobs) {
  await jobs.pause();
  const adds = [];
  const turns = [];
  // With what ran before, these are fewer than are listed afterwards.
  for (let round = 0; round < 4; round += 1) {
    const graph = Object.fromEntries(
      Array.from({ length: 100 }, (_, index) => [`${index}`, { plugin: 'bench-node', input: { n: index } }]),
    );
    const addAll = async () => {
      for (let added = 0; added < BATCH; added += 100) await jobs.addAll(graph);
    };
    adds.push((BATCH / (await timed(addAll))) * 1_000);
    turns.push(await longestTurnOf(addAll));
  }
  return [adds, turns];
}

/** @param {import('../../dist/jobs/index.js').Jobs} jobs */
async function filled(jobs) {
  const { length } = await everything(jobs);
  const graph = Object.fromEntries(
    Array.from({ length: HISTORY - length }, (_, index) => [`${index}`, { plugin: 'bench-node' }]),
  );
  await jobs.addAll(graph);
}

/** @param {import('../../dist/jobs/index.js').Jobs} jobs */
async function everything(jobs) {
  const all = [];
  let cursor;
  do {
    const page = await jobs.list({ limit: 1_000, cursor });
    all.push(...page.jobs);
    cursor = page.next;
  } while (cursor !== undefined);
  return all;
}
