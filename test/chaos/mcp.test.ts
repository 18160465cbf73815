import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { SEED } from '../seed.ts';

const RUN = fileURLToPath(new URL('mcp.mjs', import.meta.url));

async function run(...args: string[]): Promise<unknown> {
  const all = [RUN, '--seed', `${SEED}`, ...args];
  const { stdout } = await promisify(execFile)(process.execPath, all);
  return JSON.parse(stdout.split('\n')[1] ?? '');
}

test(`six servers of MCP take turns in three slots as LRU has it, and notice nothing of broken ones (seed ${SEED})`, async () => {
  expect(await run('--calls', '120', '--kills', '0')).toMatchObject({ rounds: { calls: 120 } });
}, 120_000);

test(`a client goes on calling while front, daemon and servers are killed, and nothing is left (seed ${SEED})`, async () => {
  const killed = { front: expect.any(Number), daemon: expect.any(Number), server: expect.any(Number) };
  expect(await run('--calls', '0', '--kills', '12')).toMatchObject({ kills: { killed } });
}, 120_000);
