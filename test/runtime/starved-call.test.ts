import { join } from 'node:path';
import { expect, test } from 'vitest';
import type { Decision } from '../../src/index.ts';
import { failure, openSupervisor } from './greenroom.ts';

test('a call that runs out of memory comes back, once, to a worker with more room', async () => {
  const opened = await openSupervisor(
    {
      starving: { fixture: 'workbench', resources: { min_system_ram_mb: 100 } },
      other: { fixture: 'hoard', env_vars: { HOARD_MB: 32 }, resources: { min_system_ram_mb: 50 } },
    },
    {
      capacity: { ramMb: 160 },
    },
  );
  await opened.supervisor.execute('other');
  const decisions: Decision[] = [];
  opened.supervisor.on('decision', (decision) => decisions.push(decision));
  const mark = join(opened.scratch, 'mark');
  expect(await opened.supervisor.execute('starving', { do: 'starve-once', mark })).toBe('fed');
  // A hundred fit beside the other one; half as much again does not.
  expect(
    decisions.filter(({ plugin }) => plugin === 'starving').map(({ outcome, asked }) => [outcome, asked.ramMb]),
  ).toEqual([
    ['grant', 100],
    ['evict', 150],
    ['grant', 150],
  ]);
  expect(decisions.flatMap(({ chosen }) => chosen.map(({ plugin }) => plugin))).toContain('other');
  const always = await failure(
    opened.supervisor.execute('starving', { do: 'starve-once', mark: join(opened.scratch, 'no', 'mark') }),
  );
  expect(always).toMatchObject({ code: 'E_REMOTE', remote: { category: 'resource' } });
});
