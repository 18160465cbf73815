import { afterEach, expect, test } from 'vitest';
import { createActor, fromCallback } from 'xstate';
import { monitorLogic } from '../../src/actors/monitor.ts';
import { schedulerMachine } from '../../src/machines/scheduler.ts';
import { SystemMonitor } from '../../src/measure/system-monitor.ts';
import type { Decision } from '../../src/scheduler/decision.ts';
import { needOf } from '../../src/scheduler/need.ts';
import { policyNamed } from '../../src/scheduler/policies/policies.ts';
import { residentKey } from '../../src/scheduler/resident-key.ts';
import type { SchedulerReply } from '../../src/scheduler/scheduler-events.ts';
import { type Clock, systemClock } from '../../src/time/clock.ts';
import { eventually } from '../eventually.ts';
import { failure, openSupervisor } from './greenroom.ts';

/** By it, figures are old after 50 ms. */
const impatient: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() * 20 };

const actors: { stop(): unknown }[] = [];
afterEach(() => {
  for (const actor of actors.splice(0)) actor.stop();
});

test('what a worker takes beyond its manifest is measured, reserved for it, and counts in decisions', async () => {
  const opened = await openSupervisor({ glutton: { fixture: 'glutton' } });
  const { pid } = await opened.supervisor.execute<{ pid: number }>('glutton', { eat_mb: 1 });
  let ahead = 0;
  const clock: Clock = { ...systemClock, monotonic: () => systemClock.monotonic() + ahead };
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
  await opened.supervisor.execute('glutton', { eat_mb: 300 });
  // The figures of the first decision are old.
  ahead = 2_000;
  const decision = await ask('other', 900);
  const glutton = ledger.get(residentKey({ plugin: 'glutton' }), 1);
  expect(glutton?.used?.ramMb).toBeGreaterThan(300);
  expect(glutton?.need.ramMb).toBe(glutton?.used?.ramMb);
  expect(decision).toMatchObject({
    outcome: 'wait',
    reason: 'no-capacity',
    waitingFor: [{ plugin: 'glutton', uses: { ramMb: glutton?.used?.ramMb } }],
  });
  expect(decision.free.ramMb).toBe(1_000 - (glutton?.used?.ramMb ?? 0));
  const stats = await opened.supervisor.stats('glutton');
  expect(Math.abs((stats.memoryRssMb ?? 0) - (glutton?.used?.ramMb ?? 0))).toBeLessThan(20);
});

test('a supervisor with a capacity measures its workers, and explains by what they use', async () => {
  const resources = { min_system_ram_mb: 10 };
  const opened = await openSupervisor(
    {
      glutton: { fixture: 'glutton', resources },
      small: { fixture: 'workbench', resources },
      big: { fixture: 'workbench', resources: { min_system_ram_mb: 950 } },
    },
    { policy: 'safety', capacity: { ramMb: 1_000 }, clock: impatient },
  );
  const { supervisor } = opened;
  await supervisor.execute('glutton', { eat_mb: 300 });
  // At work, so that it cannot be taken away.
  const eating = supervisor.execute('glutton', { eat_mb: 1 });
  await supervisor.load('small');
  await eventually(async () => {
    await supervisor.reload('small');
    expect(supervisor.explain('glutton').holdings[0]?.uses?.ramMb).toBeGreaterThan(300);
  });
  await eating;
  const { holdings, lines } = supervisor.explain('glutton');
  const [holding] = holdings;
  expect(holding?.holds.ramMb).toBe(holding?.uses?.ramMb);
  expect(lines.join('\n')).toMatch(/^uses {5}3\d\d MiB of RAM and 1 slot, measured$/m);
  const { scheduling } = supervisor.status();
  expect(scheduling.measured?.free.ramMb).toBeGreaterThan(0);
  expect(scheduling.reserved.ramMb).toBeGreaterThan(300);
});

test('a plugin that is the monitor takes no slot, is never evicted, and tells what is free', async () => {
  const resources = { min_gpu_vram_mb: 50 };
  const opened = await openSupervisor(
    { gauge: { fixture: 'workbench', resources: { min_gpu_vram_mb: 900 } }, job: { fixture: 'workbench', resources } },
    { policy: 'safety', capacity: { vramMb: 100, slots: 1 }, clock: impatient },
  );
  const { supervisor } = opened;
  expect(await failure(supervisor.load('gauge'))).toMatchObject({ code: 'E_REFUSED' });
  await supervisor.registerSystemMonitor('gauge');
  expect(supervisor.explain('gauge')).toMatchObject({
    decision: { outcome: 'grant', reason: 'exempt' },
    holdings: [{ holds: { vramMb: 0, slots: 0 } }],
  });
  // It says that 40 MiB are free of the GPU.
  const error = await failure(supervisor.load('job'));
  expect(error).toMatchObject({
    code: 'E_REFUSED',
    details: { reason: 'no-capacity', free: { vramMb: 40, slots: 1 } },
  });
  expect(opened.snapshot('gauge')).toMatchObject({ loaded: true, generation: expect.any(Number) });
});
