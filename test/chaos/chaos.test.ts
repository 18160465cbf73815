import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';

const RUN = fileURLToPath(new URL('run.mjs', import.meta.url));
const seed = process.env['CHAOS_SEED'] ?? String(Math.floor(Math.random() * 2 ** 32));

test(`real workers under chaos: every call ends as it should, and nothing is left (seed ${seed})`, async () => {
  const args = [RUN, '--seed', seed, '--minutes', '0.13', '--plugins', '5'];
  const { stdout } = await promisify(execFile)(process.execPath, args);
  expect(JSON.parse(stdout.split('\n')[1] ?? '')).toMatchObject({ calls: expect.any(Number) });
}, 90_000);
