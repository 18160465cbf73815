// @ts-check
// What is asked of every peer. All of them answer their input, so a figure is the way there and back.
import assert from 'node:assert/strict';
import { medianOfRuns } from '../lib/measure.mjs';
import { MEGABYTE } from '../lib/megabyte.mjs';
import { collectGarbage, privateMegabytes } from './memory.mjs';

/** @import { HostSide, Worker } from './peers.mjs' */

/**
 * @typedef {object} Question
 * @property {string} name heads a column of the table
 * @property {'µs' | 'ms' | 'MB'} unit
 * @property {Action} [calls] what is timed, of a worker that is there
 * @property {(host: HostSide) => Promise<number>} [ofStart] takes the figure of a worker of its own
 * @property {number} [rounds] where fewer are enough
 * @property {boolean} [sendsBytes]
 *
 * @typedef {object} Action Calls of a worker; the figure of a round is the median of the times that they take.
 * @property {number} atOnce how many a run has at once, among which its time is divided
 * @property {(worker: Worker) => Promise<unknown>} run
 * @property {unknown} answer what a run must resolve to
 * @property {number} settle how many runs come before the first round: until then both sides are compiled and grow
 * @property {number} skip how many runs of a round do not count, because other peers had the caches meanwhile
 * @property {number} count how many do
 */

const AT_ONCE = 32;
const SMALL = { n: 1 };
const BYTES = Buffer.alloc(8 * 1_024 * 1_024, 'as good as any other bytes ');

/** @type {readonly Question[]} */
export const QUESTIONS = [
  {
    name: 'small call',
    unit: 'µs',
    calls: { atOnce: 1, run: (worker) => worker.call(SMALL), answer: SMALL, settle: 2_000, skip: 20, count: 150 },
  },
  {
    name: `small call, ${AT_ONCE} at once`,
    unit: 'µs',
    calls: {
      atOnce: AT_ONCE,
      run: (worker) => Promise.all(Array.from({ length: AT_ONCE }, () => worker.call(SMALL))),
      answer: Array.from({ length: AT_ONCE }, () => SMALL),
      settle: 60,
      skip: 1,
      count: 9,
    },
  },
  {
    name: 'object of 1 MB',
    unit: 'ms',
    calls: { atOnce: 1, run: (worker) => worker.call(MEGABYTE), answer: MEGABYTE, settle: 5, skip: 1, count: 5 },
  },
  {
    name: '8 MiB of bytes',
    unit: 'ms',
    calls: {
      atOnce: 1,
      run: async (worker) => bufferOf(await worker.bytes(BYTES)),
      answer: BYTES,
      settle: 2,
      skip: 0,
      count: 3,
    },
    sendsBytes: true,
  },
  { name: 'start to first answer', unit: 'ms', ofStart: timeToFirstAnswer },
  { name: 'memory when idle', unit: 'MB', ofStart: memoryOfWorker, rounds: 5 },
];

/** The same bytes; peers answer a Buffer or another Uint8Array. @param {Uint8Array} bytes */
function bufferOf({ buffer, byteOffset, byteLength }) {
  return Buffer.from(buffer, byteOffset, byteLength);
}

/**
 * Rejects unless the answers of a worker are right, and runs its calls until both sides are settled.
 *
 * @param {Action} action @param {Worker} worker
 */
export async function settle({ run, answer, settle }, worker) {
  assert.deepEqual(await run(worker), answer, 'the answer is not what was sent');
  for (let index = 0; index < settle; index += 1) await run(worker);
}

/** Milliseconds, or microseconds, per call. @param {Action} action @param {Worker} worker @param {Question['unit']} unit */
export async function timeOfCalls({ run, skip, count, atOnce }, worker, unit) {
  for (let index = 0; index < skip; index += 1) await run(worker);
  const microseconds = (await medianOfRuns(count, () => run(worker))) / atOnce;
  return unit === 'ms' ? microseconds / 1_000 : microseconds;
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
