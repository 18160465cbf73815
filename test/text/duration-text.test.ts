import { expect, test } from 'vitest';
import { durationText } from '../../src/text/duration-text.ts';

test('a time is said in the unit in which people say it', () => {
  const times = [-5, 0, 3.4, 99, 100, 9_900, 12_000, 119_000, 180_000, 7_200_000];
  expect(times.map(durationText)).toEqual([
    '0 ms',
    '0 ms',
    '3 ms',
    '99 ms',
    '0.1 s',
    '9.9 s',
    '12 s',
    '119 s',
    '3 min',
    '2 h',
  ]);
});
