import { expect, test } from 'vitest';
import { withoutNulls } from '../../src/client/unlimited.ts';

test('amounts without a limit are infinite again, and every other null stays', () => {
  const amounts = { vramMb: null, ramMb: 5, slots: null, gpus: { a: null, b: 1 } };
  expect(withoutNulls({ free: [amounts], pid: null, memory: { ramMb: null } })).toEqual({
    free: [{ vramMb: Infinity, ramMb: 5, slots: Infinity, gpus: { a: Infinity, b: 1 } }],
    pid: null,
    memory: { ramMb: null },
  });
});
