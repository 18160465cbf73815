import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { SEED } from '../seed.ts';

const RUN = fileURLToPath(new URL('jobs.mjs', import.meta.url));

test(`no job that was acknowledged is lost, settled twice, or run twice against its word, whenever its program is killed (seed ${SEED})`, async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [RUN, '--seed', `${SEED}`, '--kills', '10']);
  expect(JSON.parse(stdout.split('\n')[1] ?? '')).toMatchObject({ kills: 10 });
}, 120_000);
