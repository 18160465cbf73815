import { expect, test } from 'vitest';
import { KnownEras } from '../../src/mcp/known-eras.ts';

const DAY_MS = 24 * 60 * 60 * 1_000;

test('what a program speaks is known for a day', () => {
  let now = 0;
  const eras = new KnownEras(() => now);
  expect(eras.get('a')).toBeUndefined();
  eras.set('a', 'modern');
  now = DAY_MS - 1;
  expect([eras.get('a'), eras.get('b')]).toEqual(['modern', undefined]);
  now = DAY_MS;
  expect(eras.get('a')).toBeUndefined();
});

test('of a thousand and one programs the one that was found out about first is forgotten', () => {
  const eras = new KnownEras(() => 0);
  for (let at = 0; at <= 1_000; at += 1) eras.set(`program ${at}`, 'legacy');
  expect([eras.get('program 0'), eras.get('program 1')]).toEqual([undefined, 'legacy']);
});
