import { expect, test } from 'vitest';
import { oneLine, printable } from '../../src/text/printable.ts';

test.each([
  ['clears the screen', '\u001b[2Jx', '\\u001b[2Jx'],
  ['names the window', '\u001b]0;renamed\u0007', '\\u001b]0;renamed\\u0007'],
  ['writes the clipboard', '\u001b]52;c;aGk=\u0007', '\\u001b]52;c;aGk=\\u0007'],
  ['begins a control in one sign', '\u009b2J', '\\u009b2J'],
  ['goes back', 'a\bb\rc\0', 'a\\u0008b\\u000dc\\u0000'],
  ['rubs out', 'a\u007f', 'a\\u007f'],
  ['begins a line or a paragraph of Unicode', 'a\u2028b\u2029c', 'a\\u2028b\\u2029c'],
  ['turns text round', 'txt.\u202egnp', 'txt.\\u202egnp'],
])('text that %s is only shown', (_what, text, shown) => {
  expect(printable(text)).toBe(shown);
});

test('colours, lines and tabs stay', () => {
  const text = '\u001b[31mred\u001b[0m\n\tüçñ 日本 🎭';
  expect(printable(text)).toBe(text);
});

test.each([
  ['a colour that is not ended', '\u001b[31mred', '\u001b[31mred\u001b[0m'],
  ['hidden text', 'a \u001b[8mb\u001b[22m', 'a \u001b[8mb\u001b[22m\u001b[0m'],
  ['bold that goes on after the colour', '\u001b[1;31mx\u001b[39m', '\u001b[1;31mx\u001b[39m\u001b[0m'],
  ['what is ended', '\u001b[1;31mx\u001b[39m\u001b[22m\u001b[7my\u001b[m', undefined],
])('%s ends with its text', (_what, text, shown = text) => {
  expect(printable(text)).toBe(shown);
});

test('a word in a line has no colours and no lines of its own', () => {
  expect(oneLine('a\u001b[31mb\nc\u009b2J\u202e')).toBe('a\\u001b[31mb\\u000ac\\u009b2J\\u202e');
  expect(oneLine('üçñ\t日本 🎭')).toBe('üçñ\t日本 🎭');
});
