import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';

/** Prints many lines at once, none awaited, and ends when all of them are out or nobody reads any more. */
const PROGRAM = `
import { Terminal } from ${JSON.stringify(pathToFileURL(resolve('dist/cli/terminal/terminal.js')).href)};
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

/** Reports many lines, says so, and ends when the reader has caught up and one more line is out. */
const REPORTER = (json: boolean) => `
import { Terminal } from ${JSON.stringify(pathToFileURL(resolve('dist/cli/terminal/terminal.js')).href)};
const terminal = new Terminal(${json});
for (let index = 0; index < 20_000; index += 1) terminal.report(JSON.stringify({ index, filler: 'x'.repeat(1000) }));
process.stderr.write('reported');
await terminal.flush();
terminal.report('{"type":"after"}');
`;

test.each([true, false])(
  'what is only reported does not wait without bound for its reader (JSON: %s)',
  async (json) => {
    const child = spawn(process.execPath, ['--input-type=module', '-e', REPORTER(json)]);
    await once(child.stderr, 'data');
    const lines = (await text(child.stdout)).trimEnd().split('\n');
    const whole = lines.slice(0, -2).map((line) => JSON.parse(line) as { index: number });
    // The first are there, none of them in part, and of the others it is said how many they were.
    expect(whole.map(({ index }) => index)).toEqual(whole.map((_, index) => index));
    expect(whole.length).toBeGreaterThan(8_000);
    const count = 20_000 - whole.length;
    expect(count).toBeGreaterThan(10_000);
    expect(lines.slice(-2)).toEqual([
      json ? JSON.stringify({ type: 'dropped', count }) : `${count} lines were dropped: this output is read too slowly`,
      '{"type":"after"}',
    ]);
  },
);
