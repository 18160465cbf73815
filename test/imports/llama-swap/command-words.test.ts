import { expect, test } from 'vitest';
import { commandWords } from '../../../src/imports/llama-swap/command-words.ts';

test.each<[what: string, command: string, words: string[]]>([
  ['words', 'a  b\tc\nd', ['a', 'b', 'c', 'd']],
  ['quotes, which may begin within a word', `a 'b c' "d e" f'g h'i ''`, ['a', 'b c', 'd e', 'fg hi', '']],
  ['quotes in quotes', `'"a b"' "it's"`, ['"a b"', "it's"]],
  ['backslashes', String.raw`a\ b "c\"d\n\\" 'e\f' \'`, ['a b', String.raw`c"d\n` + '\\', String.raw`e\f`, "'"]],
  ['lines that end with a backslash, spaces behind it too', 'a \\\n  b \\  \nc\\', ['a', 'b', 'c']],
  ['comments, of whole lines only', '# not\na # b\n  # not\\\nc#d', ['a', '#', 'b', 'c#d']],
  ['a line that is continued within quotes', '"a\nb"', ['a\nb']],
  ['a quote without an end', `a 'b c`, ['a', 'b c']],
  ['nothing', ' \n# x\n', []],
])('a command is split as by a shell: %s', (_what, command, words) => {
  expect(commandWords(command, 'linux')).toEqual(words);
});

test.each<[what: string, command: string, words: string[]]>([
  ['paths', String.raw`C:\bin\server.exe -m C:\models\ x`, ['C:\\bin\\server.exe', '-m', 'C:\\models\\', 'x']],
  ['double quotes alone', `"a b" 'c d'`, ['a b', "'c", "d'"]],
  ['escaped quotes', String.raw`\"a\" "b\"c"`, ['"a"', 'b"c']],
  ['backslashes before a quote', String.raw`"a\\" "b\\\"c"`, ['a\\', 'b\\"c']],
  ['a doubled quote within quotes', '"a""b" ""', ['a"b', '']],
])('on Windows as there: %s', (_what, command, words) => {
  expect(commandWords(command, 'win32')).toEqual(words);
});
