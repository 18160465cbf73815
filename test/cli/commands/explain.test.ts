import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { folder, greenroom, start, usePlugin, write } from '../command-line.ts';
import { serve } from '../served-daemon.ts';

const ABOUT = JSON.stringify({ do: 'about' });

test('explain tells what was last decided about a plugin, and on what, after the program has ended', async () => {
  usePlugin('workbench');
  const run = await start(['run', 'workbench', ABOUT], { env: { GREENROOM_CAPACITY: 'ramMb=100,slots=2' } }).ended;
  expect(run.status).toBe(0);
  const { status, stdout } = await greenroom('explain', 'workbench');
  expect(status).toBe(0);
  expect(stdout).toMatch(
    /^"workbench" may run: it fits into the free capacity\.\n  asked    1 slot, at priority 0, .* ago, until .*\n  free     100 MiB of RAM and 2 slots\n  policy   queue, decided .* ago\n$/,
  );
});

test('explain --json gives the decision as it was made, and says so where there was none', async () => {
  usePlugin('workbench');
  const before = await greenroom('explain', 'workbench', '--json');
  expect([before.status, JSON.parse(before.stdout)]).toEqual([0, { plugin: 'workbench' }]);
  const refused = await start(['run', 'workbench', ABOUT], { env: { GREENROOM_CAPACITY: 'slots=1,ramMb=0' } }).ended;
  expect(refused.status).toBe(0);
  const after = await greenroom('explain', 'workbench', '--json');
  expect(JSON.parse(after.stdout)).toMatchObject({
    decision: { outcome: 'grant', reason: 'fits', asked: { slots: 1 } },
  });
  const unknown = await greenroom('explain', 'workbnech');
  expect([unknown.status, unknown.stderr]).toEqual([3, expect.stringContaining('Did you mean "workbench"')]);
});

test('explain says with what a plugin failed last at the daemon, where it was not given up', async () => {
  const server = fileURLToPath(new URL('../../fixtures/mcp/server.mjs', import.meta.url));
  write('plugins/s.json', { name: 's', worker: 'mcp', command: process.execPath, args: [server, '--exit-at-once'] });
  const daemon = await serve(['--search-path', `${folder}/plugins`], { GREENROOM_CAPACITY: 'slots=1' });
  expect((await greenroom('run', 's', '--tool', 'echo', '--search-path', `${folder}/plugins`)).status).not.toBe(0);
  const { stdout } = await greenroom('explain', 's', '--search-path', `${folder}/plugins`);
  expect(stdout).toMatch(/failed {3}[\d.]+ m?s ago: The worker of "s" exited with status 3/);
  expect(stdout).toContain('Last output: no API key was given');
  daemon.child.kill();
  await daemon.ended;
});
