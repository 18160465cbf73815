import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { resolve } from 'node:path';
import { expect, test } from 'vitest';

/** Prints many lines at once, none awaited, and ends when all of them are out or nobody reads any more. */
const PROGRAM = `
import { Terminal } from ${JSON.stringify(pathToFileURL(resolve('dist/cli/terminal.js')).href)};
const terminal = new Terminal(true);
const line = 'x'.repeat(1000);
await Promise.all(Array.from({ length: 2000 }, () => terminal.print(line)));
process.exitCode = terminal.left.aborted ? 3 : 4;
`;

test.each([
  ['slowly', 4],
  ['no more', 3],
])('any number of lines wait without a warning for an output that is read %s', async (how, status) => {
  const child = spawn(process.execPath, ['--input-type=module', '-e', PROGRAM]);
  const errors = text(child.stderr);
  await once(child.stdout, 'readable');
  if (how === 'slowly') child.stdout.resume();
  else child.stdout.destroy();
  const [code] = (await once(child, 'exit')) as [number];
  expect([code, await errors]).toEqual([status, '']);
});
