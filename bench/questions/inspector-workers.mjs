// @ts-check
// How long does the host's loop stand still while 1,000 workers are measured: by the inspector while somebody looks, and by
// the scheduler? The processes are real.
import { spawn } from 'node:child_process';
import { setTimeout as delay } from 'node:timers/promises';
import { RateHistory } from '../../dist/inspector/record/rate-history.js';
import { WorkerWatch } from '../../dist/inspector/record/worker-watch.js';
import { readTreeMemories } from '../../dist/measure/tree-memory.js';
import { limitRow, median } from '../lib/measure.mjs';
import { longestTurnOf } from '../lib/turns.mjs';

const WORKERS = 1_000;

/** @param {import('../lib/measure.mjs').Bench} bench */
export default async (bench) => {
  const children = Array.from({ length: WORKERS }, () => spawn('sleep', ['600'], { stdio: 'ignore', detached: true }));
  try {
    await delay(1_000);
    const workers = children.map(({ pid = 0 }) => ({ plugin: `plugin-${pid}`, pid }));
    const rounds = bench.quick ? 5 : 15;
    const idle = [];
    const measured = [];
    const read = [];
    const watch = watchOf(workers);
    // The first of each compiles what it runs.
    for (let round = -1; round < rounds; round += 1) {
      const turns = [await longestTurnOf(() => delay(200)), await longestTurnOf(watch.round)];
      turns.push(await longestTurnOf(() => readTreeMemories(workers.map(({ pid }) => pid))));
      if (round < 0) continue;
      for (const [index, figures] of [idle, measured, read].entries()) figures.push(turns[index] ?? Number.NaN);
    }
    watch.stop();
    const reference = median(idle);
    const many = `${WORKERS.toLocaleString('en')} workers`;
    return [
      limitRow(`${many} measured by the inspector, longest turn`, 'ms', median(measured), { atMost: 5 }, { reference }),
      limitRow(`${many} measured by the scheduler, longest turn`, 'ms', median(read), { atMost: 5 }, { reference }),
    ];
  } finally {
    for (const child of children) child.kill('SIGKILL');
  }
};

/** Measures as the inspector does while somebody looks, a round each time. @param {{ plugin: string, pid: number }[]} workers */
function watchOf(workers) {
  const rates = new RateHistory();
  let ended = () => {};
  const watch = new WorkerWatch({
    workers: () => workers,
    onUse: ({ plugin }, { memoryMb, cpuPercent }) => rates.noteUse(plugin, memoryMb, cpuPercent),
    onRound: () => {
      rates.sample(Date.now());
      ended();
    },
    onError: (error) => {
      throw error;
    },
  });
  /** @returns {Promise<void>} */
  const round = () =>
    new Promise((resolve) => {
      ended = () => setImmediate(resolve);
      watch.look(true);
    });
  return { round, stop: () => watch.stop() };
}
