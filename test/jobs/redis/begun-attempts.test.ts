import { expect, test, vi } from 'vitest';
import { BegunAttempts, type ToldBegin } from '../../../src/jobs/redis/begun-attempts.ts';
import { SimulatedClock } from '../../simulation/clock.mjs';

const begun = (id: string) => ({ id, claim: 1, once: false, generation: 1 });

test('a beginning is told once it has waited, and one that came later waits on for its end', async () => {
  const clock = new SimulatedClock();
  const tell = vi.fn<(begun: readonly ToldBegin[]) => Promise<void>>().mockResolvedValue(undefined);
  const attempts = new BegunAttempts(clock, tell);
  const first = attempts.add(begun('first'));
  await clock.advance(15);
  void attempts.add(begun('second'));
  const third = attempts.add(begun('third'));
  await clock.advance(5);
  await first;
  expect(tell.mock.lastCall).toEqual([[{ id: 'first', claim: 1, generation: 1, agoMs: 20 }]]);
  expect(attempts.take(begun('second'))).toBeDefined();
  await clock.advance(15);
  await third;
  expect(tell.mock.lastCall).toEqual([[{ id: 'third', claim: 1, generation: 1, agoMs: 20 }]]);
  expect(tell).toHaveBeenCalledTimes(2);
});
