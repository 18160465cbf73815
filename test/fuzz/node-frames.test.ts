import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { FRAME } from '../../src/framing/frame.ts';
import { type RunningWorker, startWorker } from '../conformance/driver.ts';
import { nodeProgram } from '../conformance/workers.ts';
import { FramedClient } from '../node-sdk/framed-client.ts';
import { SEED } from '../seed.ts';
import { randomFrom } from '../simulation/random.mjs';
import { Delivery, session } from './broken-frames.ts';
import { mutated } from './mutated-frames.ts';

// Bytes that no supervisor sends, to the host program of Node plugins: `FUZZ_RUNS=100000` for more of them.

const RUNS = Number(process.env['FUZZ_RUNS'] ?? 1_000);
const AT_ONCE = 4;
/** After so many runs, in each lane, a call is made. */
const BETWEEN_CALLS = 50;
/** What Node keeps of memory that was used once, in MiB. */
const SPARE = 120;

let worker: RunningWorker;

beforeAll(async () => {
  const module = fileURLToPath(new URL('../fixtures/worker/frames.mjs', import.meta.url));
  worker = await startWorker({ ...nodeProgram(module), concurrency: 8 }, 'unix', [1, 2]);
  await worker.send('POST', '/initialize', { config: {} });
});

afterAll(() => worker.stop());

test(`a Node worker outlives ${RUNS} connections with broken frames, and answers what comes next (seed ${SEED})`, async () => {
  await runs(SEED, 200);
  const before = residentMegabytes();
  await runs(SEED + 1, RUNS);
  expect(worker.child.exitCode).toBeNull();
  expect(residentMegabytes() - before).toBeLessThan(SPARE);
}, 3_600_000);

async function runs(seed: number, count: number): Promise<void> {
  const random = randomFrom(seed);
  const lane = async (): Promise<void> => {
    for (let run = 0; run < count / AT_ONCE; run += 1) {
      const bytes = mutated(session(worker.token, random), random);
      await new Delivery(worker.handshake.frames!, bytes, random).end();
      if (run % BETWEEN_CALLS === 0) await serves();
    }
  };
  await Promise.all(Array.from({ length: AT_ONCE }, lane));
  await serves();
}

async function serves(): Promise<void> {
  const client = new FramedClient(worker.handshake.frames!).hello(worker.token);
  const bytes = Buffer.from('abc');
  const { value } = await client.call(FRAME.execute, 1, { call: 'c', kwargs: { value: { n: 2n ** 60n, bytes } } });
  expect(value).toEqual({ n: 2n ** 60n, bytes });
  client.socket.destroy();
}

function residentMegabytes(): number {
  const [, kilobytes] = /VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${worker.child.pid}/status`, 'utf8')) ?? [];
  return Number(kilobytes) / 1024;
}
