import { expect, it, vi } from 'vitest';
import { patient } from '../../src/time/patience.ts';
import { SimulatedClock } from '../simulation/clock.mjs';

it('a timer that fires in time is not put off', () => {
  const clock = new SimulatedClock();
  const fired = vi.fn();
  patient(clock).setTimeout(fired, 1_000);
  clock.pass(999);
  expect(fired).not.toHaveBeenCalled();
  clock.pass(1);
  expect(fired).toHaveBeenCalledTimes(1);
  expect(clock.pending).toBe(0);
});

it('the time that a program was held up does not count, up to the time that was set', () => {
  const clock = new SimulatedClock();
  const fired = vi.fn();
  patient(clock).setTimeout(fired, 10_000);
  clock.hold(12_000);
  clock.pass(1_999);
  expect(fired).not.toHaveBeenCalled();
  clock.pass(1);
  expect(fired).toHaveBeenCalledTimes(1);

  patient(clock).setTimeout(fired, 10_000);
  clock.hold(86_400_000);
  clock.pass(9_999);
  expect(fired).toHaveBeenCalledTimes(1);
  clock.pass(1);
  expect(fired).toHaveBeenCalledTimes(2);
});

it('a program that is held up again and again judges in the end', () => {
  const clock = new SimulatedClock();
  const fired = vi.fn();
  patient(clock).setTimeout(fired, 1_000);
  for (let time = 0; time < 3; time += 1) clock.hold(5_000);
  expect(fired).not.toHaveBeenCalled();
  clock.hold(5_000);
  expect(fired).toHaveBeenCalledTimes(1);
});

it('a timer can be cleared, put off or not', () => {
  const clock = new SimulatedClock();
  const timers = patient(clock);
  const fired = vi.fn();
  const timer = timers.setTimeout(fired, 1_000);
  clock.hold(1_500);
  timers.clearTimeout(timer);
  timers.clearTimeout(undefined);
  clock.pass(10_000);
  expect(fired).not.toHaveBeenCalled();
  expect(clock.pending).toBe(0);
});

it('setting the time of day puts nothing off and brings nothing nearer', () => {
  const clock = new SimulatedClock();
  const fired = vi.fn();
  patient(clock).setTimeout(fired, 1_000);
  clock.set(86_400_000);
  clock.pass(999);
  expect(fired).not.toHaveBeenCalled();
  clock.set(-2 * 86_400_000);
  clock.pass(1);
  expect(fired).toHaveBeenCalledTimes(1);
});
