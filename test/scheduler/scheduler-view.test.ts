import { expect, test } from 'vitest';
import { policyNamed } from '../../src/scheduler/policies/policies.ts';
import { SchedulerView } from '../../src/scheduler/scheduler-view.ts';
import { need } from './need.ts';
import { Stage } from './stage.ts';

test('a request is told of until it has its answer: while memory is measured for it, and while others are evicted', () => {
  const monitored = { vramMb: 10 };
  using stage = new Stage({ policy: policyNamed('queue'), capacity: { vramMb: 10 } }, monitored);
  const view = new SchedulerView(stage.actor.getSnapshot().context.admission);
  stage.reside('a', need(8));
  expect(view.isAsked).toBe(false);
  stage.measured = undefined;
  stage.pass(2_000);
  stage.acquire('b', need(8));
  expect([stage.state, view.waiting, view.isAsked]).toEqual(['measuring', 0, true]);
  stage.measured = monitored;
  stage.measure();
  expect([stage.told, view.waiting, view.isAsked]).toEqual([['a RELEASE'], 0, true]);
  stage.freed('a');
  stage.pass(500);
  expect([stage.told, view.isAsked]).toEqual([['b GRANTED'], false]);
});
