import { expect, test } from 'vitest';
import { greenroom, start, usePlugin } from '../command-line.ts';

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
