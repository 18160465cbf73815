import { expect, test } from 'vitest';
import { LatestReading } from '../../src/measure/latest-reading.ts';
import { SimulatedClock } from '../simulation/clock.mjs';

/** A source that is answered by hand. */
function source() {
  const clock = new SimulatedClock();
  const problems: string[] = [];
  const asked: { resolve(value: number): void; reject(error: Error): void }[] = [];
  const reading = new LatestReading<number>(
    () => new Promise((resolve, reject) => asked.push({ resolve, reject })),
    clock,
    (message) => problems.push(message),
  );
  return { clock, problems, asked, reading };
}

test('one reading runs at a time, and who asks meanwhile gets one that began later', async () => {
  const { clock, asked, reading } = source();
  const begun = clock.now();
  const first = reading.refresh();
  await Promise.resolve();
  clock.pass(10);
  const others = [reading.refresh(), reading.refresh()];
  await Promise.resolve();
  expect(asked).toHaveLength(1);
  asked[0]?.resolve(1);
  await first;
  expect(reading.last).toEqual({ value: 1, at: begun });
  asked[1]?.resolve(2);
  await Promise.all(others);
  expect(asked).toHaveLength(2);
  expect(reading.last).toEqual({ value: 2, at: begun + 10 });
});

test('what fails keeps what it said last, and is told of once until it is well again', async () => {
  const { clock, asked, problems, reading } = source();
  const answer = async (act: (asked: { resolve(value: number): void; reject(error: Error): void }) => void) => {
    const done = reading.refresh();
    await Promise.resolve();
    const last = asked.at(-1);
    if (last !== undefined) act(last);
    await done;
    clock.pass(1);
  };
  const begun = clock.now();
  await answer((it) => it.resolve(1));
  await answer((it) => it.reject(new Error('broken')));
  await answer((it) => it.reject(new Error('broken')));
  expect(problems).toEqual(['broken']);
  expect(reading.last).toEqual({ value: 1, at: begun });
  await answer((it) => it.reject(new Error('worse')));
  await answer((it) => it.resolve(2));
  await answer((it) => it.reject(new Error('worse')));
  expect(problems).toEqual(['broken', 'worse', 'worse']);
});
