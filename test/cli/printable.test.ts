import { expect, test } from 'vitest';
import { printable } from '../../src/cli/printable.ts';

test.each([
  ['clears the screen', '\u001b[2Jx', '\\u001b[2Jx'],
  ['names the window', '\u001b]0;renamed\u0007', '\\u001b]0;renamed\\u0007'],
  ['writes the clipboard', '\u001b]52;c;aGk=\u0007', '\\u001b]52;c;aGk=\\u0007'],
  ['begins a control in one sign', '\u009b2J', '\\u009b2J'],
  ['goes back', 'a\bb\rc\0', 'a\\u0008b\\u000dc\\u0000'],
  ['turns text round', 'txt.\u202egnp', 'txt.\\u202egnp'],
])('text that %s is only shown', (_what, text, shown) => {
  expect(printable(text)).toBe(shown);
});

test('colours, lines and tabs stay', () => {
  const text = '\u001b[31mred\u001b[0m\n\tüçñ 日本 🎭';
  expect(printable(text)).toBe(text);
});
