import { afterEach, expect, test } from 'vitest';
import { createActor, fromCallback } from 'xstate';
import { monitorLogic } from '../../src/actors/monitor.ts';
import { type Clock, systemClock } from '../../src/clock.ts';
import { schedulerMachine } from '../../src/machines/scheduler.ts';
import type { Decision } from '../../src/scheduler/decision.ts';
import { needOf } from '../../src/scheduler/need.ts';
import { policyNamed } from '../../src/scheduler/policies.ts';
import type { SchedulerReply } from '../../src/scheduler/scheduler-events.ts';
import { SystemMonitor } from '../../src/system-monitor.ts';
import { openRoom } from './greenroom.ts';

const actors: { stop(): unknown }[] = [];
afterEach(() => {
  for (const actor of actors.splice(0)) actor.stop();
});

test('what a worker takes beyond its manifest is measured, reserved for it, and counts in decisions', async () => {
  const room = await openRoom({ glutton: { fixture: 'glutton' } });
  const { pid } = await room.supervisor.execute<{ pid: number }>('glutton', { eat_mb: 1 });
  let ahead = 0;
  const clock: Clock = { ...systemClock, now: () => systemClock.now() + ahead };
  const figures = new SystemMonitor({
    clock,
    workers: () => [{ plugin: 'glutton', generation: 1, pid }],
    onProblem: (message) => expect.fail(message),
  });
  const monitor = createActor(monitorLogic, {
    input: { clock, figures, answer: (event) => scheduler.send(event) },
  }).start();
  const scheduler = createActor(schedulerMachine, {
    input: { clock, monitor, policy: policyNamed('queue'), capacity: { ramMb: 1_000 } },
  });
  const { ledger } = scheduler.getSnapshot().context.admission;
  scheduler.start();
  actors.push(monitor, scheduler);

  const ask = (plugin: string, ramMb: number): Promise<Decision> =>
    new Promise((resolve) => {
      const off = scheduler.on('decision', ({ decision }) => {
        if (decision.plugin !== plugin) return;
        off.unsubscribe();
        resolve(decision);
      });
      const ref = createActor(fromCallback<SchedulerReply>(() => {})).start();
      actors.push(ref);
      const asking = { plugin, generation: 1, ref, need: needOf({ min_system_ram_mb: ramMb }), priority: 0 };
      scheduler.send({ type: 'ACQUIRE', ...asking, deadline: undefined, at: clock.now() });
    });

  expect(await ask('glutton', 10)).toMatchObject({ outcome: 'grant' });
  scheduler.send({ type: 'BUSY', plugin: 'glutton', generation: 1 });
  await room.supervisor.execute('glutton', { eat_mb: 300 });
  // The figures of the first decision are old.
  ahead = 2_000;
  const decision = await ask('other', 900);
  const glutton = ledger.get('glutton', 1);
  expect(glutton?.used?.ramMb).toBeGreaterThan(300);
  expect(glutton?.need.ramMb).toBe(glutton?.used?.ramMb);
  expect(decision).toMatchObject({
    outcome: 'wait',
    reason: 'no-room',
    waitingFor: [{ plugin: 'glutton', uses: { ramMb: glutton?.used?.ramMb } }],
  });
  expect(decision.free.ramMb).toBe(1_000 - (glutton?.used?.ramMb ?? 0));
  const stats = await room.supervisor.stats('glutton');
  expect(Math.abs((stats.memoryRssMb ?? 0) - (glutton?.used?.ramMb ?? 0))).toBeLessThan(20);
});
