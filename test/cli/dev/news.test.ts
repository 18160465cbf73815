import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { crashLine } from '../../../src/cli/dev/news.ts';
import { createStyle } from '../../../src/cli/terminal/style.ts';
import type { PluginSnapshot } from '../../../src/runtime/plugin-snapshot.ts';

test.each([
  ['E_CRASHED', 'crashed'],
  ['E_GIVEN_UP', 'crashed'],
  ['E_MEMORY', 'was given up'],
])('a plugin that failed with %s %s', (code, what) => {
  const plain = createStyle(new PassThrough() as unknown as NodeJS.WriteStream);
  const snapshot = { name: 'p', lastError: { code, message: 'It is so.' } } as PluginSnapshot;
  expect(crashLine(snapshot, 0, plain)).toContain(`p ${what}. ${code}: It is so.`);
});
