import { expect, test } from 'vitest';
import { formatTable } from '../../src/cli/terminal/table.ts';
import { fitText, textWidth } from '../../src/cli/terminal/text-width.ts';

test.each([
  ['plain', 5],
  ['\u001b[31mred\u001b[39m', 3],
  ['naïve', 5],
  ['nai\u0308ve', 5],
  ['日本語', 6],
  ['𠮷野家', 6],
  ['ｆｕｌｌ', 8],
  ['한국', 4],
  ['🚀', 2],
  ['🇳🇴', 2],
  ['─●✓█', 4],
  ['a\u200bb', 2],
])('%s takes the columns that a terminal gives it', (text, columns) => {
  expect(textWidth(text)).toBe(columns);
});

test('columns stay in line beside wide characters', () => {
  const lines = formatTable([
    ['日本', 'one'],
    ['abcdef', 'two'],
  ]);
  expect(lines).toEqual(['日本    one', 'abcdef  two']);
});

test('a text is cut before the character that does not fit', () => {
  expect(fitText('日本語', 6)).toBe('日本語');
  expect(fitText('日本語', 5)).toBe('日本…');
  expect(fitText('日本語', 4)).toBe('日…');
  expect(fitText('two\nlines', 20)).toBe('two lines');
  expect(fitText('none', 0)).toBe('');
});
