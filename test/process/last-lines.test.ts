import { expect, test } from 'vitest';
import { LastLines } from '../../src/process/last-lines.ts';

test('the last hundred lines are kept, and of those only the ones of the end are the last words', () => {
  let now = 0;
  const lines = new LastLines(() => now);
  expect([lines.text, lines.lastWords]).toEqual(['', undefined]);
  for (let n = 0; n < 110; n += 1) lines.add(`${n}`);
  expect(lines.text.split('\n')).toEqual(Array.from({ length: 100 }, (_, n) => `${n + 10}`));
  now = 11_000;
  lines.add('MemoryError');
  now = 20_000;
  lines.add('end');
  now = 25_000;
  lines.add('');
  expect(lines.lastWords).toEqual({ text: 'MemoryError\nend\n', agoMs: 5_000 });
  lines.clear();
  expect([lines.text, lines.lastWords]).toEqual(['', undefined]);
});
