import { expect, test } from 'vitest';
import { eventName } from '../../src/machines/event-name.ts';
import { pluginMachine } from '../../src/machines/plugin.ts';
import { schedulerMachine } from '../../src/machines/scheduler.ts';
import { supervisorMachine } from '../../src/machines/supervisor.ts';
import { workerMachine } from '../../src/machines/worker.ts';

test.each([
  ['WORKER.READY', 'WORKER.READY'],
  ['xstate.done.actor.release', 'release done'],
  ['xstate.error.actor.release', 'release failed'],
  ['xstate.after.backoff.plugin.alive.lifecycle.crashed.backoff', 'after backoff'],
  ['xstate.init', 'start'],
])('the event %s is called %s', (type, name) => {
  expect(eventName(type)).toBe(name);
});

test('no event of any machine is called by the path of a state or a name of XState', () => {
  const machines = [supervisorMachine, schedulerMachine, pluginMachine, workerMachine];
  const names = machines.flatMap(({ events }) => events.map(eventName));
  expect(names).toEqual(expect.arrayContaining(['release done', 'resume failed', 'cleanup done', 'after backoff']));
  expect(names.filter((name) => /xstate|\d|[a-z]\.[a-z]/.test(name))).toEqual([]);
});
