import { expect, test } from 'vitest';
import type { TransitionEvent } from '../../src/runtime/supervisor-events.ts';
import { openSupervisor } from './greenroom.ts';

test('a plugin that never ran has no transition when the supervisor stops', async () => {
  const { supervisor } = await openSupervisor({ workbench: { fixture: 'workbench' } });
  const told: TransitionEvent[] = [];
  supervisor.on('transition', (transition) => told.push(transition));
  await supervisor.stop();
  expect(told).toEqual([]);
});
