import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { PassThrough } from 'node:stream';
import { expect, test } from 'vitest';
import { ProcessOutput } from '../../src/process/process-output.ts';
import { eventually } from '../eventually.ts';

/** Runs a shell script and gives its lines as they are known when its output is said to be at its end. */
async function linesOf(script: string): Promise<{ lines: string[]; child: ChildProcess }> {
  const lines: string[] = [];
  const child = spawn('/bin/sh', ['-c', script], { stdio: ['ignore', 'pipe', 'pipe'] });
  const output = new ProcessOutput([
    [child.stdout, (line) => lines.push(`stdout ${line}`)],
    [child.stderr, (line) => lines.push(`stderr ${line}`)],
  ]);
  await once(child, 'exit');
  await output.rest();
  return { lines, child };
}

test('what a process wrote before its end is there, however busy the host is', async () => {
  const busy = setInterval(() => {
    const end = performance.now() + 20;
    while (performance.now() < end);
  }, 1);
  const all = await Promise.all(Array.from({ length: 10 }, () => linesOf('echo one; echo two >&2; exit 3')));
  clearInterval(busy);
  for (const { lines } of all) expect(lines.toSorted()).toEqual(['stderr two', 'stdout one']);
});

test('a child of the process that holds its pipes does not hold up the end', async () => {
  const { lines, child } = await linesOf('sleep 300 & echo $!; echo last');
  expect(lines).toEqual([expect.stringMatching(/^stdout \d+$/), 'stdout last']);
  expect(child.stdout?.closed).toBe(false);
  process.kill(Number(lines[0]?.slice('stdout '.length)), 'SIGKILL');
});

test('lines without end leave the event loop its turns, and none is lost', async () => {
  const stdout = new PassThrough();
  let lines = 0;
  let turns = 0;
  const takeLine = (): void => {
    lines += 1;
    // As long as it takes to write a line to the log.
    const end = performance.now() + 0.01;
    while (performance.now() < end);
  };
  const output = new ProcessOutput([
    [stdout, takeLine],
    [null, takeLine],
  ]);
  const count = (): void => {
    turns += 1;
    if (lines < 20_000) setImmediate(count);
  };
  stdout.end(Buffer.alloc(20_000, '\n'));
  setImmediate(count);
  await eventually(() => expect(lines).toBe(20_000));
  await output.rest();
  expect(turns).toBeGreaterThan(10);
});
