import { afterEach, expect, test } from 'vitest';
import { FRAME } from '../../src/framing/frame.ts';
import { PythonWorker, TOKEN } from '../python/worker.ts';
import { SEED } from '../seed.ts';
import { randomFrom } from '../simulation/random.mjs';
import { Delivery, type Random, session } from './broken-frames.ts';
import { mutated } from './mutated-frames.ts';

// Bytes that no supervisor sends, to the Python worker: `FUZZ_RUNS=100000` for more of them.

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 600);
/** So many connections stay open, most with a part of a frame that never ends. */
const OPEN = 8;
/** After so many runs a call is made. */
const BETWEEN_CALLS = 25;
/** What Python keeps of memory that was used once, in MiB. */
const SPARE = 16;

let worker: PythonWorker;

afterEach(() => worker.stop());

test.each([1, 4])(
  `a Python worker with %i calls at once outlives ${RUNS} connections with broken frames, and answers what comes next (seed ${SEED})`,
  async (concurrency) => {
    worker = new PythonWorker({ module: 'framed', class: 'Fuzzed' }, concurrency, [], [1, 2]);
    await worker.ready;
    const random = randomFrom(SEED);
    await runs(random, 100);
    const before = worker.memory();
    await runs(random, RUNS);
    expect(worker.child.exitCode).toBeNull();
    expect(worker.memory() - before).toBeLessThan(SPARE);
  },
  3_600_000,
);

async function runs(random: Random, count: number): Promise<void> {
  const { frames = '' } = await worker.ready;
  const open: Delivery[] = [];
  for (let run = 0; run < count; run += 1) {
    open.push(new Delivery(frames, mutated(session(TOKEN, random), random), random));
    if (open.length > OPEN) await open.shift()?.end();
    if (run % BETWEEN_CALLS === 0) await serves();
  }
  for (const delivery of open) await delivery.end();
  await serves();
}

async function serves(): Promise<void> {
  const client = await worker.frames();
  const value = { n: 2n ** 60n, bytes: Buffer.from('abc') };
  expect((await client.call(FRAME.execute, 1, { call: 'c', kwargs: { value } })).value).toEqual(value);
  client.socket.destroy();
}
