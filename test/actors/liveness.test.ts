import { expect, test } from 'vitest';
import { watchLiveness } from '../../src/actors/liveness.ts';
import type { WorkerChannel } from '../../src/channel/worker-channel.ts';
import type { GreenroomError } from '../../src/errors.ts';
import { SimulatedClock } from '../simulation/clock.mjs';

const LIVENESS = { intervalMs: 1_000, timeoutMs: 500 };

function watch(health: WorkerChannel['health']) {
  const clock = new SimulatedClock();
  const lost: GreenroomError[] = [];
  const channel: WorkerChannel = {
    execute: () => ({ pause() {}, resume() {} }),
    close() {},
    ...(health && { health }),
  };
  const stop = watchLiveness('p', { channel, concurrency: 1 }, LIVENESS, clock, (error) => lost.push(error));
  return { clock, lost, stop };
}

test('a worker that does not answer in time is lost, once', async () => {
  const { clock, lost } = watch(() => new Promise(() => {}));
  await clock.advance(10_000);
  expect(lost).toMatchObject([{ code: 'E_HUNG', plugin: 'p' }]);
});

test('a worker that cannot be asked is never lost, and no timer runs for it', async () => {
  const { clock, lost, stop } = watch(undefined);
  expect(clock.pending).toBe(0);
  await clock.advance(10_000);
  stop();
  expect(lost).toEqual([]);
});
