import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { SEED } from '../seed.ts';

const RUN = fileURLToPath(new URL('run.mjs', import.meta.url));
// `npm run faults` goes on for ten thousand.
const RUNS = 150;

test(`whatever system calls fail, the host lives, calls end typed, and all serve again (seed ${SEED})`, async () => {
  const args = [RUN, '--seed', `${SEED}`, '--runs', `${RUNS}`];
  // A host that dies rejects, with what it said last.
  const { stdout } = await promisify(execFile)(process.execPath, args).catch((error: unknown) => {
    const { stdout = '', stderr = '' } = error as { stdout?: string; stderr?: string };
    throw new Error(`The host ended: ${stdout}${stderr}`, { cause: error });
  });
  expect(JSON.parse(stdout)).toMatchObject({ runs: RUNS, wrong: [], ended: { result: expect.any(Number) } });
}, 300_000);
