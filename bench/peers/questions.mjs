// @ts-check
// What is asked of every peer. All of them answer their input, so a figure is the way there and back.
import { medianOfRuns } from '../lib/measure.mjs';
import { MEGABYTE } from '../lib/megabyte.mjs';
import { collectGarbage, privateMegabytes } from './memory.mjs';

/** @import { HostSide, Worker } from './peers.mjs' */

/**
 * @typedef {object} Question
 * @property {string} name heads a column of the table
 * @property {'µs' | 'ms' | 'MB'} unit
 * @property {number} atOnce for how many calls at once its workers are started
 * @property {number} [rounds] where fewer are enough
 * @property {boolean} [sendsBytes]
 * @property {(worker: Worker) => Promise<number>} [ofWorker] takes the figure of a worker that has answered before
 * @property {(host: HostSide) => Promise<number>} [ofStart] takes the figure of a worker of its own
 */

const AT_ONCE = 32;
const SMALL = { n: 1 };
const BYTES = Buffer.alloc(8 * 1_024 * 1_024, 'as good as any other bytes ');

/** What is sent, to see that it comes back before a figure is taken. */
export const PAYLOADS = { objects: [SMALL, MEGABYTE], bytes: BYTES };

/** @type {readonly Question[]} */
export const QUESTIONS = [
  {
    name: 'small call',
    unit: 'µs',
    atOnce: 1,
    ofWorker: (worker) => warmMedian(20, 200, () => worker.call(SMALL)),
  },
  {
    name: `small call, ${AT_ONCE} at once`,
    unit: 'µs',
    atOnce: AT_ONCE,
    async ofWorker(worker) {
      const batch = () => Promise.all(Array.from({ length: AT_ONCE }, () => worker.call(SMALL)));
      return (await warmMedian(2, 15, batch)) / AT_ONCE;
    },
  },
  {
    name: 'object of 1 MB',
    unit: 'ms',
    atOnce: 1,
    ofWorker: async (worker) => (await warmMedian(1, 5, () => worker.call(MEGABYTE))) / 1_000,
  },
  {
    name: '8 MiB of bytes',
    unit: 'ms',
    atOnce: 1,
    sendsBytes: true,
    ofWorker: async (worker) => (await warmMedian(1, 3, () => worker.bytes(BYTES))) / 1_000,
  },
  {
    name: 'start to first answer',
    unit: 'ms',
    atOnce: 1,
    ofStart: (host) => timeToFirstAnswer(host),
  },
  {
    name: 'memory when idle',
    unit: 'MB',
    atOnce: 1,
    rounds: 5,
    ofStart: (host) => memoryOfWorker(host),
  },
];

/** The median of runs, the first of which do not count: meanwhile others had the caches. @param {number} warmup @param {number} count @param {() => Promise<unknown>} action */
async function warmMedian(warmup, count, action) {
  for (let index = 0; index < warmup; index += 1) await action();
  return medianOfRuns(count, action);
}

/** @param {HostSide} host */
async function timeToFirstAnswer(host) {
  const start = performance.now();
  const worker = await host.start({ atOnce: 1 });
  try {
    await worker.call(SMALL);
    return performance.now() - start;
  } finally {
    await worker.stop();
  }
}

/** The memory that ends with a worker: of its process, or by which this one grows for a thread. @param {HostSide} host */
async function memoryOfWorker(host) {
  collectGarbage();
  const before = privateMegabytes(process.pid);
  const worker = await host.start({ atOnce: 1 });
  try {
    const answer = await worker.call({ pid: true });
    const pid = worker.pid ?? /** @type {{ pid: number }} */ (answer).pid;
    if (pid !== process.pid) return privateMegabytes(pid);
    collectGarbage();
    return privateMegabytes(pid) - before;
  } finally {
    await worker.stop();
  }
}
