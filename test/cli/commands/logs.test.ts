import { appendFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { folder, greenroom, shown, start, usePlugin } from '../command-line.ts';

async function say(...words: string[]): Promise<void> {
  for (const text of words) await greenroom('run', 'workbench', JSON.stringify({ do: 'say', text }));
}

test('logs shows the end of what a plugin has printed, with the time', async () => {
  usePlugin('workbench');
  await say('one', 'two');
  const { status, stdout } = await greenroom('logs', 'workbench');
  expect(status).toBe(0);
  expect(stdout).toMatch(/^\d\d:\d\d:\d\d · worker started: workbench\n\d\d:\d\d:\d\d one\n/);
  const last = await greenroom('logs', 'workbench', '-n', '1');
  expect(last.stdout).toMatch(/^\d\d:\d\d:\d\d · worker ended \(.*\)\n$/);
});

test('logs --json gives the records as they are', async () => {
  usePlugin('workbench');
  await say('one');
  const { stdout } = await greenroom('logs', 'workbench', '--json');
  const records = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as unknown);
  expect(records).toContainEqual(expect.objectContaining({ plugin: 'workbench', msg: 'one', stream: 'stdout' }));
});

test('logs -f goes on with what comes, and Ctrl-C ends it', async () => {
  usePlugin('workbench');
  await say('old');
  const { child, ended } = start(['logs', 'workbench', '-f']);
  await shown(child, ' old', 'stdout');
  const news = shown(child, ' new', 'stdout');
  appendFileSync(
    join(folder, 'home/logs/workbench.log'),
    `${JSON.stringify({ time: new Date().toISOString(), msg: 'new', stream: 'stdout' })}\n`,
  );
  await news;
  child.kill('SIGINT');
  expect(await ended).toMatchObject({ signal: 'SIGINT', stderr: '' });
});

test('logs says of which worker a line is where a plugin may have several', async () => {
  usePlugin('workbench', { instances: { max: 2 } });
  await say('one', 'two');
  const { stdout } = await greenroom('logs', 'workbench');
  expect(stdout).toMatch(/^\d\d:\d\d:\d\d #1 · worker started: workbench\n\d\d:\d\d:\d\d #1 one\n/);
});

test('logs shows lines that are not of ours as they are', async () => {
  usePlugin('workbench');
  await say('one');
  appendFileSync(join(folder, 'home/logs/workbench.log'), 'null\n{"a":1}\n');
  expect(await greenroom('logs', 'workbench', '-n', '2')).toMatchObject({ status: 0, stdout: 'null\n{"a":1}\n' });
});

test('logs shows how a worker has ended, and why Greenroom has ended it', async () => {
  usePlugin('workbench');
  await say('one');
  const end = { time: new Date().toISOString(), code: null, signal: 'SIGKILL', msg: 'worker ended: It was deaf.' };
  appendFileSync(join(folder, 'home/logs/workbench.log'), `${JSON.stringify(end)}\n`);
  const { stdout } = await greenroom('logs', 'workbench', '-n', '1');
  expect(stdout).toMatch(/^\d\d:\d\d:\d\d · worker ended \(SIGKILL\): It was deaf\.\n$/);
});

test('logs of a plugin that has printed nothing, or that is not there', async () => {
  usePlugin('workbench');
  expect(await greenroom('logs', 'workbench')).toMatchObject({ status: 0, stdout: '' });
  const { status, stderr } = await greenroom('logs', 'wrkbench');
  expect(status).toBe(3);
  expect(stderr).toContain('Did you mean "workbench"?');
  expect((await greenroom('logs', '../../etc/passwd')).status).toBe(3);
});
