import { expect, test } from 'vitest';
import { Screen } from '../../../src/cli/dev/screen.ts';

/** A terminal of this width that only remembers what was written. */
function terminal(columns: number, rows = 10) {
  const written: string[] = [];
  return { columns, rows, written, write: (text: string) => written.push(text) };
}

test('what is drawn again takes away all rows that a narrower terminal has broken it into', () => {
  const stream = terminal(40);
  const screen = new Screen(stream as unknown as NodeJS.WriteStream);
  screen.draw(['x'.repeat(39), '', `\u001b[1m${'y'.repeat(20)}\u001b[22m`]);
  stream.columns = 20;
  screen.draw(['z']);
  expect(stream.written.at(-1)).toBe('\u001b[4A\r\u001b[Jz\n');
  screen.say('stays');
  expect(stream.written.at(-1)).toBe('\u001b[1A\r\u001b[Jstays\n');
  screen.draw(['w'.repeat(19)]);
  stream.columns = 1;
  screen.draw([]);
  expect(stream.written.slice(-2)).toEqual([`${'w'.repeat(19)}\n`, '\u001b[9A\r\u001b[J']);
});
