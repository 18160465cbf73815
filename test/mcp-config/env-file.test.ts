import * as fc from 'fast-check';
import { expect, test } from 'vitest';
import { readEnvFile } from '../../src/mcp-config/env-file.ts';
import '../seed.ts';

const variables = (text: string): unknown => Object.fromEntries(readEnvFile(text).variables);

test.each([
  ['NAME=value', { NAME: 'value' }],
  ['\ufeff  export  NAME = a value \r\nOTHER=', { NAME: 'a value', OTHER: '' }],
  ['# a comment\n\nNAME=a#b # a comment', { NAME: 'a#b' }],
  ['NAME=# a comment', { NAME: '' }],
  ['NAME="a # b" # a comment', { NAME: 'a # b' }],
  ['NAME="a\\n\\t\\"b\\" \\\\ C:\\dir"', { NAME: 'a\n\t"b" \\ C:\\dir' }],
  ['NAME=\'a\\n "b" $X\'', { NAME: 'a\\n "b" $X' }],
  ['NAME=`it\'s "b"`', { NAME: 'it\'s "b"' }],
  ['KEY="-----BEGIN\nabc\n-----END"\nNAME=x', { KEY: '-----BEGIN\nabc\n-----END', NAME: 'x' }],
  ['NAME=a\nNAME=b', { NAME: 'b' }],
  ['NAME=${OTHER}\nOTHER=x', { NAME: '${OTHER}', OTHER: 'x' }],
  ['a.b-c=1', { 'a.b-c': '1' }],
])('%j is read', (text, expected) => {
  expect(readEnvFile(text)).toMatchObject({ faults: [] });
  expect(variables(text)).toEqual(expected);
});

test('lines that are not valid are told by their numbers, without what is in them, and the others are read', () => {
  const text = 'A=1\nsecret\nB="x\ny" secret\nC=2\nD=\'secret\nE="z"\n=secret\nF=\'secret';
  const read = readEnvFile(text);
  expect(read.faults).toEqual([
    'line 2: expected NAME=value (ignored)',
    'line 3: unexpected text after the closing " (ignored)',
    "line 6: unexpected text after the closing ' (ignored)",
  ]);
  expect(variables(text)).toEqual({ A: '1', C: '2' });
  expect(readEnvFile("A=1\nB='secret\nC=2\nD=`x\nE=3")).toMatchObject({
    faults: ["line 2: the value has no closing ' (ignored)", 'line 4: the value has no closing ` (ignored)'],
  });
  expect(variables("A=1\nB='secret\nC=2")).toEqual({ A: '1', C: '2' });
});

test('what is written as NAME="value" is read back, and no text throws', () => {
  const value = fc.string({ unit: fc.constantFrom('a', ' ', '#', '\n', "'", '"', '\\', '=', '$') });
  fc.assert(
    fc.property(fc.array(value), (values) => {
      const quoted = values.map((each) => `"${each.replaceAll(/["\\]/g, '\\$&')}"`);
      const text = quoted.map((each, index) => `N${index}=${each}`).join('\n');
      expect(readEnvFile(text)).toEqual({ faults: [], variables: new Map(values.map((each, at) => [`N${at}`, each])) });
    }),
  );
  fc.assert(fc.property(value, (text) => void readEnvFile(text)));
});
