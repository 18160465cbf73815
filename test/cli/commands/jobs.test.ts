import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { eventually } from '../../eventually.ts';
import { fetchText } from '../../server/served.ts';
import { type Ended, folder, greenroom, shown, start, usePlugin } from '../command-line.ts';
import { serve } from '../served-daemon.ts';

const WAIT = (): string => JSON.stringify({ do: 'wait', for: join(folder, 'door') });

/** Runs `greenroom jobs` to its end, which must be a good one. */
async function jobs(...args: readonly string[]): Promise<string> {
  const { status, stdout, stderr } = await greenroom('jobs', ...args);
  expect({ args, status, stderr }).toEqual({ args, status: 0, stderr: expect.any(String) });
  return stdout.trim();
}

async function stateOf(id: string): Promise<string> {
  return (JSON.parse(await jobs('show', id, '--json')) as { state: string }).state;
}

describe('at a daemon', () => {
  test('jobs are added, listed, shown, and named by the beginnings of their identifiers', async () => {
    usePlugin('workbench');
    const daemon = await serve();
    const ids = (await jobs('add', 'workbench', '{"value":1}', '{"value":{"big":12345678901234567890}}')).split('\n');
    expect(ids).toHaveLength(2);
    const [first = '', second = ''] = ids;
    expect(await jobs('show', second, '--result', '--json')).toBe('{"big":12345678901234567890}');
    expect(await jobs('show', second, '--input', '--json')).toBe('{"value":{"big":12345678901234567890}}');
    const waited = await greenroom('jobs', 'add', 'workbench', '-a', 'value=[2]', '--wait', '--json', '--after', first);
    expect(waited).toMatchObject({ status: 0, stdout: '[2]\n', stderr: '' });
    const lines = (await jobs('list')).split('\n');
    expect(lines[0]).toMatch(/^ID +PLUGIN +STATE +AGE +ATTEMPT$/);
    expect(lines.slice(1)).toHaveLength(3);
    const shortened = lines[3]?.split(' ')[0] ?? '';
    expect(first.startsWith(shortened) && shortened.length < 36).toBe(true);
    expect(await jobs('show', shortened)).toMatch(
      /^Job +[0-9a-f]{8}-[^]*Plugin +workbench\nState +done +took [^]*Attempts +1 of 3[^]* 1 +\d{4}-.*done/,
    );
    const all = JSON.parse(await jobs('list', '--state', 'done', '--plugin', 'workbench', '--json')) as {
      jobs: object[];
    };
    expect(all.jobs).toHaveLength(3);
    expect((JSON.parse(await jobs('list', '-n', '1', '--json')) as { jobs: object[] }).jobs).toHaveLength(1);
    const several = await greenroom('jobs', 'show', first.slice(0, 4));
    expect(several).toMatchObject({ status: 4, stderr: expect.stringContaining('several jobs') as string });
    expect(await greenroom('jobs', 'show', 'ffff')).toMatchObject({ status: 4 });
    daemon.child.kill('SIGTERM');
    await daemon.ended;
  }, 120_000);

  test('jobs are shown by the inspector of a daemon, which has none before one is added', async () => {
    usePlugin('workbench');
    const daemon = await serve(['--inspect']);
    const { port, hash } = new URL(daemon.started.inspector ?? '');
    const headers = { authorization: `Bearer ${hash.replace('#token=', '')}` };
    const ask = (path: string) => fetchText({ port: Number(port) }, `/inspector/api/jobs${path}`, { headers });
    expect(await ask('')).toMatchObject({ status: 409, body: 'No jobs are open.\n' });
    expect(existsSync(join(daemon.started.dataDir, 'jobs'))).toBe(false);
    const id = await jobs('add', 'workbench', '{"value":1}');
    expect(JSON.parse((await ask(`/${id}`)).body)).toMatchObject({ id, input: { value: 1 } });
    daemon.child.kill('SIGTERM');
    await daemon.ended;
  });

  test('a job of an unknown plugin says at once what it waits for, and runs once the plugin is there', async () => {
    const daemon = await serve();
    const { stdout, stderr, status } = await greenroom('jobs', 'add', 'workbnech', '{"value":1}');
    expect({ status, stderr }).toEqual({
      status: 0,
      stderr: expect.stringMatching(/^Waiting: .*no plugin "workbnech"/),
    });
    expect(await jobs('list')).toContain('There is no plugin "workbnech"');
    usePlugin('workbench');
    expect((await greenroom('jobs', 'add', 'workbnech')).stderr).toMatch(/^Waiting: .*"workbench"/);
    usePlugin('workbench', { name: 'workbnech' });
    expect(await jobs('watch', stdout.trim())).toContain('done');
    daemon.child.kill('SIGTERM');
    await daemon.ended;
  });

  test('watch follows a job over a restart of the daemon, and its status is how the job ended', async () => {
    usePlugin('workbench');
    const killed = await serve();
    const id = await jobs('add', 'workbench', WAIT());
    const watched = start(['jobs', 'watch', id]);
    await shown(watched.child, 'running', 'stdout');
    killed.child.kill('SIGKILL');
    await killed.ended;
    writeFileSync(join(folder, 'door'), '');
    const daemon = await serve();
    expect(await watched.ended).toMatchObject({
      status: 0,
      stdout: expect.stringMatching(/done {2}took .*\n$/) as string,
    });
    const failing = await jobs('add', 'workbench', '{"do":"fail"}');
    const failed = await greenroom('jobs', 'watch', failing, '--json');
    expect(failed.status).toBe(1);
    expect(JSON.parse(failed.stdout.trim().split('\n').at(-1) ?? '')).toMatchObject({ error: { code: 'E_REMOTE' } });
    const gone = await jobs('add', 'workbench', '--delay', '1000');
    const cancelled = greenroom('jobs', 'watch', gone);
    await jobs('cancel', gone);
    expect((await cancelled).status).toBe(130);
    daemon.child.kill('SIGTERM');
    await daemon.ended;
  }, 120_000);

  test('watch without a job follows all until none is left, and Ctrl-C ends the watching alone', async () => {
    usePlugin('workbench');
    const daemon = await serve();
    const id = await jobs('add', 'workbench', WAIT());
    const left = start(['jobs', 'watch', '--json']);
    const all = start(['jobs', 'watch']);
    await Promise.all([shown(left.child, '"running"', 'stdout'), shown(all.child, 'running', 'stdout')]);
    left.child.kill('SIGINT');
    expect((await left.ended).status).toBe(130);
    const later = await jobs('add', 'workbench', '{"value":1}', '--after', id);
    writeFileSync(join(folder, 'door'), '');
    const { status, stdout } = await all.ended;
    expect(status).toBe(0);
    for (const each of [id, later]) expect(stdout).toMatch(new RegExp(`${each} .* done`));
    expect(await greenroom('jobs', 'watch')).toMatchObject({ status: 0, stdout: '' });
    daemon.child.kill('SIGTERM');
    await daemon.ended;
  });

  test('jobs are paused, cancelled, run again and removed, each told with its state', async () => {
    usePlugin('workbench');
    const daemon = await serve();
    expect(await greenroom('jobs', 'pause', 'workbnech')).toMatchObject({
      status: 3,
      stderr: expect.stringContaining('Did you mean "workbench"?') as string,
    });
    expect(JSON.parse(await jobs('pause', 'workbench', '--json'))).toEqual({ paused: ['workbench'] });
    const [a = '', b = ''] = (await jobs('add', 'workbench', '{"value":1}', '{"value":2}')).split('\n');
    expect((await greenroom('jobs', 'list')).stderr).toContain('The jobs of "workbench" are paused.');
    expect(await jobs('cancel', a)).toBe(`${a} cancelled`);
    const mixed = await greenroom('jobs', 'retry', b, a);
    expect(mixed).toMatchObject({
      status: 4,
      stdout: `${a} waiting\n`,
      stderr: expect.stringContaining(`${b} is waiting`) as string,
    });
    await jobs('resume');
    for (const id of [a, b]) await eventually(async () => expect(await stateOf(id)).toBe('done'));
    expect((await jobs('remove', a, b)).split('\n')).toEqual([`${a} removed`, `${b} removed`]);
    expect((await greenroom('jobs', 'list')).stderr).toContain('There are no jobs.');
    daemon.child.kill('SIGTERM');
    await daemon.ended;
  }, 120_000);

  test('on a terminal states are coloured and a bar shows how far a job has come', async () => {
    usePlugin('workbench');
    const daemon = await serve();
    const id = await jobs('add', 'workbench', WAIT());
    const watched = start(['jobs', 'watch', id], { terminal: true });
    await shown(watched.child, 'waiting', 'stdout');
    writeFileSync(join(folder, 'door'), '');
    const { stdout } = await watched.ended;
    for (const part of ['░', '\u001b[32mdone']) expect(stdout).toContain(part);
    expect((await start(['jobs', 'list'], { terminal: true }).ended).stdout).toContain('\u001b[32mdone');
    expect(await jobs('list')).not.toContain('\u001b');
    daemon.child.kill('SIGTERM');
    await daemon.ended;
  });
});

test('without a daemon, add starts one that has the job, and all others say what to do', async () => {
  usePlugin('workbench');
  for (const args of [['list'], ['watch'], ['cancel', '019'], ['pause']])
    expect(await greenroom('jobs', ...args)).toMatchObject({
      status: 6,
      stderr: expect.stringContaining('Start one: greenroom serve') as string,
    });
  const { status, stdout, stderr } = await greenroom('jobs', 'add', 'workbench', '{"value":5}', '--wait', '--json');
  expect({ status, stdout, stderr }).toEqual({ status: 0, stdout: '5\n', stderr: '' });
  const again: Ended = await greenroom('serve', '--replace', '--end-when-idle', '0.05');
  expect(again.status).toBe(0);
});

describe('what is wrong with the command line is said with what was meant', () => {
  test.each([
    [['jobs', 'ad'], 'Unknown command "ad".', 'Did you mean "add"?'],
    [['jobs', 'add'], 'Missing argument: PLUGIN.', 'Usage: greenroom jobs add PLUGIN [INPUT…]'],
    [['jobs', 'cancel'], 'Missing argument: ID.', 'Usage: greenroom jobs cancel ID…'],
    [['jobs', 'list', '--state', 'runing'], '--state must be one of', 'Did you mean "running"?'],
    [['jobs', 'list', '--limit', '0'], '--limit must be a whole number', ''],
    [['jobs', 'list', '--once'], 'Unknown option "--once".', ''],
    [['jobs', 'add', 'a', '--delay', 'soon'], '--delay must be a number of seconds', ''],
    [['jobs', 'add', 'a', '{}', '{}', '--key', 'k'], '--key is the name of one job', ''],
    [['jobs', 'add', 'a', '--priority', 'high'], '--priority must be a number', ''],
  ])('%j', async (args, message, hint) => {
    const { status, stdout, stderr } = await greenroom(...args);
    expect({ status, stdout }).toEqual({ status: 2, stdout: '' });
    expect(stderr).toContain(message);
    expect(stderr).toContain(hint);
  });

  test('its help lists its commands, and each has a help of its own', async () => {
    const help = await greenroom('jobs', '--help');
    expect(help.stdout).toMatch(/^Usage: greenroom jobs COMMAND[^]*Commands:\n {2}add +add jobs/);
    expect((await greenroom('jobs')).stdout).toBe(help.stdout);
    expect((await greenroom('jobs', 'add', '--help')).stdout).toMatch(
      /^Usage: greenroom jobs add PLUGIN[^]*--ttl SECONDS/,
    );
  });
});
