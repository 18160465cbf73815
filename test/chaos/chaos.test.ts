import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { SEED } from '../seed.ts';

const RUN = fileURLToPath(new URL('run.mjs', import.meta.url));

test(`real workers under chaos: every call ends as it should, and nothing is left (seed ${SEED})`, async () => {
  const args = [RUN, '--seed', `${SEED}`, '--minutes', '0.13', '--plugins', '5'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(JSON.parse(stdout.split('\n')[1] ?? '')).toMatchObject({ calls: expect.any(Number) });
});
