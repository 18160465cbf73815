import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { closeSync, openSync } from 'node:fs';
import { resolve } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { expect, test } from 'vitest';

const TERMINAL = fileURLToPath(new URL('../fixtures/cli/terminal.py', import.meta.url));

/** A program that logs with the supervisor's own log, built. */
function program(body: string): string[] {
  const module = pathToFileURL(resolve('dist/logs/supervisor-log.js')).href;
  const code = `import { openSupervisorLog } from ${JSON.stringify(module)};\nconst log = openSupervisorLog('info');\n${body}`;
  return [process.execPath, '--input-type=module', '-e', code];
}

/** More than a pipe takes, and more than may wait. */
const MANY_LINES = `
for (let line = 0; line < 3000; line += 1) log.warn('x'.repeat(1000));
console.log('still here');
`;

test('a terminal shows what plugins say in the log, and does not obey it', async () => {
  const said = 'a\u001b[2J b\u009b2J c\u007f d\u202e e\u2028 f';
  const [file = '', ...rest] = program(`log.warn({ reason: ${JSON.stringify(said)} }, ${JSON.stringify(said)});`);
  const child = spawn('python3', [TERMINAL, file, ...rest]);
  const output = await text(child.stdout);
  const shown = 'a\\u001b[2J b\\u009b2J c\\u007f d\\u202e e\\u2028 f';
  expect(output).toMatch(/^\d\d:\d\d:\d\d warning: [\u0020-\u007e]+\r\n$/);
  expect(output).toContain(`: ${shown}\r\n`);
});

test('integers of any size in details are logged in digits', async () => {
  const [file = '', ...rest] = program(
    `log.warn({ problems: [{ got: 2n ** 64n }], err: Object.assign(new Error('x'), { remote: { details: 2n ** 64n } }) }, 'odd');`,
  );
  const child = spawn(file, rest);
  const line = await text(child.stderr);
  expect(line).toContain('"problems":[{"got":18446744073709551616}]');
  expect(line).toContain('"remote":{"details":18446744073709551616}');
});

test('a log on a full disk ends no program', async () => {
  const full = openSync('/dev/full', 'w');
  const [file = '', ...rest] = program(MANY_LINES);
  const child = spawn(file, rest, { stdio: ['ignore', 'pipe', full] });
  closeSync(full);
  const [output, [status]] = await Promise.all([text(child.stdout as NodeJS.ReadableStream), once(child, 'exit')]);
  expect([status, output]).toEqual([0, 'still here\n']);
});

test('a log that nobody reads on holds up no program, and goes on when it is read again', async () => {
  // What the program itself prints there makes the pipe one that refuses instead of waiting.
  const [file = '', ...rest] = program(`
    process.stderr.write('');
    ${MANY_LINES}
    const goOn = () => {
      log.warn('read again');
      setImmediate(goOn);
    };
    process.stdin.once('data', goOn);
  `);
  const child = spawn(file, rest);
  await once(child.stdout, 'data');
  child.stdin.write('go on\n');
  let errors = '';
  for await (const block of child.stderr.setEncoding('utf8')) {
    errors += block;
    if (errors.includes('read again')) break;
  }
  child.kill();
  const lines = errors.split('\n').slice(0, -1);
  for (const line of lines) expect(JSON.parse(line)).toHaveProperty('msg');
  // As many as may wait, and those that were in the pipe.
  expect(lines.filter((line) => line.includes('xxx')).length).toBeLessThan(2000);
});
