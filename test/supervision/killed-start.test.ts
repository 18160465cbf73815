import { expect, test } from 'vitest';
import { outlastsStart } from '../../src/supervision/killed-start.ts';

const KILLED = { signal: 'SIGKILL', outOfMemory: false } as const;

test('calls outlast two starts in a row that were killed, and not the third', () => {
  expect([0, 1, 2, 3].map((before) => outlastsStart(KILLED, before))).toEqual([true, true, false, false]);
});

test.each([
  ['the process did not end', undefined],
  ['it ended with a status', { signal: null, outOfMemory: false }],
  ['it was killed for want of memory', { signal: 'SIGKILL', outOfMemory: true }],
] as const)('calls do not outlast a start that failed because %s', (_, exit) => {
  expect(outlastsStart(exit, 0)).toBe(false);
});
