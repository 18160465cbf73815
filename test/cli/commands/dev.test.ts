import { chmodSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import { expect, onTestFinished, test } from 'vitest';
import { eventually } from '../../eventually.ts';
import { get } from '../../inspector/bench.ts';
import { folder, greenroom, shown, start, usePlugin, write } from '../command-line.ts';

/** The address of the inspector that is told in an output. */
function doorIn(output: string): { readonly port: number; readonly token: string } {
  const [, port = '', token = ''] = /http:\/\/127\.0\.0\.1:(\d+)\/#token=([\w-]+)/.exec(output) ?? [];
  return { port: Number(port), token };
}

/** All that a running command line has written so far. */
function outputOf(child: ReturnType<typeof start>['child']): () => string {
  let text = '';
  child.stdout?.on('data', (data: Buffer) => (text += data.toString()));
  return () => text;
}

test('dev serves the inspector, tells of what happens in lines, follows the disk, and ends by Ctrl-C', async () => {
  usePlugin('workbench');
  const { child, ended } = start(['dev', '--load']);
  const output = outputOf(child);
  await shown(child, 'workbench: spawning → ready', 'stdout');
  const { port, token } = doorIn(output());
  const { body } = await get(port, '/api/snapshot', { authorization: `Bearer ${token}` });
  expect(JSON.parse(body)).toMatchObject({ plugins: [{ name: 'workbench', state: 'ready' }], control: false });
  expect((await get(port, '/')).body).toContain('<title>Greenroom</title>');
  const gone = shown(child, 'workbench: ready → discovered (stopping)', 'stdout');
  rmSync(join(folder, '.greenroom/plugins/workbench.json'));
  await gone;
  const told = shown(child, 'broken.json');
  write('.greenroom/plugins/broken.json', '{');
  await told;
  child.kill('SIGINT');
  expect(await ended).toMatchObject({ status: 130 });
});

test('what dev finds wrong in edited code is told by explain and logs in another terminal', async () => {
  write('.greenroom/plugins/p/manifest.json', { name: 'p', module: './p.mjs' });
  const file = join(folder, '.greenroom/plugins/p/p.mjs');
  writeFileSync(file, 'export default { execute: () => 1 };\n');
  const { child, ended } = start(['dev', '--load']);
  await shown(child, 'p: spawning → ready', 'stdout');
  const told = shown(child, 'p was not replaced', 'stdout');
  writeFileSync(file, 'export default { execute: () => = 1 };\n');
  await told;
  const fault = /The changed code is not run: .*p\.mjs:1: SyntaxError/;
  expect((await greenroom('explain', 'p')).stdout).toMatch(fault);
  expect(JSON.parse((await greenroom('explain', 'p', '--json')).stdout)).toMatchObject({
    codeFault: expect.stringMatching(fault),
  });
  expect((await greenroom('logs', 'p')).stdout).toMatch(fault);
  child.kill('SIGINT');
  await ended;
});

test('dev --json tells a program of every transition, decision and problem', async () => {
  usePlugin('workbench');
  const { child, ended } = start(['dev', '--load', '--json']);
  await shown(child, '"to":"ready"', 'stdout');
  child.kill('SIGTERM');
  const { status, stdout, stderr } = await ended;
  expect([status, stderr]).toEqual([143, '']);
  const events = stdout
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line) as { type: string });
  expect(events[0]).toMatchObject({
    type: 'started',
    inspector: expect.stringContaining('#token='),
    plugins: ['workbench'],
  });
  expect(events).toContainEqual(expect.objectContaining({ type: 'decision', plugin: 'workbench', outcome: 'grant' }));
  expect(events.at(-1)).toEqual({ type: 'stopped' });
});

test('dev on a terminal shows a table of the plugins as they are, and crashes and evictions above it', async () => {
  usePlugin('workbench');
  usePlugin('workbench-python');
  write('.greenroom/plugins/broken.json', { name: 'broken', worker: 'command', command: 'false' });
  write('greenroom.json', { capacity: { slots: 1 }, restart: { intensity: 0 } });
  const { child, ended } = start(['dev', '--load'], { terminal: true });
  const output = outputOf(child);
  await Promise.all([
    shown(child, 'broken', 'stdout'),
    shown(child, 'crashed failed', 'stdout'),
    shown(child, 'Making room for', 'stdout'),
    shown(child, ' MiB', 'stdout'),
  ]);
  child.stdin?.write('\n');
  expect((await ended).status).toBe(130);
  const text = stripVTControlCharacters(output());
  expect(text).toMatch(/^ {2}PLUGIN +STATE +FOR +PID +MEMORY +CALLS +RESTARTS +LAST ERROR/m);
  expect(text).toMatch(/^✖ broken +crashed failed .* E_\w+/m);
  expect(text).toMatch(/✖ broken crashed\. E_\w+: /);
});

test('dev follows code: an edit is served and a fault told, in lines and as JSON, unless a variable or a setting says otherwise', async () => {
  const plugin = '.greenroom/plugins/edited';
  const code = (value: string): string => `export default { execute: () => ${value} };\n`;
  const save = (value: string): string => write(`${plugin}/plugin.mjs`, code(value));
  write(`${plugin}/manifest.json`, { name: 'edited', module: './plugin.mjs' });
  save('1');
  const lines = start(['dev', '--load']);
  await shown(lines.child, 'edited: spawning → ready', 'stdout');
  const served = shown(lines.child, `edited runs the changed ${plugin}/plugin.mjs, `, 'stdout');
  save('2');
  await served;
  const faulty = shown(lines.child, `edited was not replaced: ${plugin}/plugin.mjs:1: SyntaxError: `, 'stdout');
  save('= 3');
  await faulty;
  lines.child.kill('SIGINT');
  await lines.ended;
  save('1');
  const json = start(['dev', '--load', '--json']);
  await shown(json.child, '"to":"ready"', 'stdout');
  const told = shown(json.child, '"type":"code","outcome":"served"', 'stdout');
  save('2');
  await told;
  json.child.kill('SIGINT');
  await json.ended;
  for (const [env, settings, edit] of [
    [{ GREENROOM_WATCH_CODE: 'false' }, {}, '3'],
    [{}, { watchCode: false }, '4'],
  ] as const) {
    write('greenroom.json', settings);
    const off = start(['dev', '--load', '--json'], { env });
    await shown(off.child, '"to":"ready"', 'stdout');
    save(edit);
    const changed = shown(off.child, 'broken.json', 'stdout');
    write('.greenroom/plugins/broken.json', '{');
    await changed;
    off.child.kill('SIGINT');
    expect((await off.ended).stdout).not.toContain('"type":"code"');
    rmSync(join(folder, '.greenroom/plugins/broken.json'));
  }
});

test('the keys of dev reload, show logs, open the inspector and quit, and the terminal is as it was before', async () => {
  usePlugin('workbench', { env_vars: { GREETING: 'hello' } });
  // Stands for the program that opens a browser.
  write('bin/xdg-open', '#!/bin/sh\ncat "$1" > opened.html\n');
  chmodSync(join(folder, 'bin/xdg-open'), 0o755);
  const { child, ended } = start(['dev', '--load'], {
    terminal: true,
    shell: '"$@"; echo "status $?"; stty -a',
    env: { PATH: `${join(folder, 'bin')}:${process.env['PATH']}` },
  });
  await Promise.all([
    shown(child, 'r reload · l logs · o open the inspector · q quit', 'stdout'),
    shown(child, ' MiB', 'stdout'),
  ]);
  const press = async (key: string, words: string): Promise<void> => {
    const told = shown(child, words, 'stdout');
    child.stdin?.write(key);
    await told;
  };
  await press('r', 'reloaded in');
  await press('l', 'Logs of all plugins');
  await press('l', 'Logs are no longer shown');
  child.stdin?.write('o');
  await eventually(() => expect(readFileSync(join(folder, 'opened.html'), 'utf8')).toContain('#token='), {
    interval: 20,
  });
  child.stdin?.write('q');
  const text = stripVTControlCharacters((await ended).stdout);
  expect(text).toContain('status 0');
  expect(text).toMatch(/(?<!-)\bicanon\b/);
  expect(text).toMatch(/(?<!-)\becho\b/);
  expect(text).toMatch(/(?<!-)\bisig\b/);
});

test('a terminal is given back by dev when Ctrl-Z stops it, taken again when it goes on, and given back when Ctrl-C ends it', async () => {
  usePlugin('workbench');
  const { child, ended } = start(['dev', '--load'], {
    terminal: true,
    // Ctrl-Z stops it, which the shell that waits for it hears of; then it goes on in the foreground.
    shell: 'set -m; "$@"; echo "stopped $?"; stty -a; echo "go on"; fg > /dev/null; echo "status $?"; stty -a',
  });
  await shown(child, 'q quit', 'stdout');
  const stopped = shown(child, 'go on', 'stdout');
  child.stdin?.write('\u001a');
  await stopped;
  const again = shown(child, 'q quit', 'stdout');
  await again;
  child.stdin?.write('\n');
  const text = stripVTControlCharacters((await ended).stdout);
  expect(text).toContain('status 130');
  expect(text.match(/(?<!-)\bicanon\b/g)).toHaveLength(2);
});

test('dev takes orders from the page only if it is told so', async () => {
  usePlugin('workbench');
  for (const [more, status] of [
    [[], 405],
    [['--inspect-control'], 202],
  ] as const) {
    const { child, ended } = start(['dev', ...more]);
    const output = outputOf(child);
    await shown(child, '#token=', 'stdout');
    const { port, token } = doorIn(output());
    const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' };
    const body = JSON.stringify({ action: 'cancel', plugin: 'workbench' });
    expect((await get(port, '/api/control', headers, { method: 'POST', body })).status).toBe(status);
    child.kill('SIGINT');
    await ended;
  }
});

test('dev says what is wrong with a port', async () => {
  expect(await greenroom('dev', '--port', 'http')).toMatchObject({ status: 2 });
  const server = createServer().listen(0, '127.0.0.1');
  onTestFinished(() => void server.close());
  await new Promise((resolve) => server.once('listening', resolve));
  const port = String((server.address() as AddressInfo).port);
  const { status, stderr } = await greenroom('dev', '--port', port);
  expect(status).toBe(4);
  expect(stderr).toContain(`port ${port} is already in use. Choose another with --port`);
});

test('inspect serves a session from a file to the page, and to nobody without the token', async () => {
  usePlugin('workbench');
  const dev = start(['dev', '--load']);
  const live = outputOf(dev.child);
  await shown(dev.child, 'spawning → ready', 'stdout');
  const door = doorIn(live());
  const session = (await get(door.port, '/api/export', { authorization: `Bearer ${door.token}` })).body;
  dev.child.kill('SIGINT');
  await dev.ended;

  const file = write('kept/a session.ndjson', session);
  const { child, ended } = start(['inspect', file]);
  const output = outputOf(child);
  await shown(child, '#token=', 'stdout');
  const { port, token } = doorIn(output());
  expect((await get(port, '/')).body).toContain('<title>Greenroom</title>');
  expect((await get(port, '/api/stream')).status).toBe(401);
  const { body, headers } = await get(port, '/api/stream', { authorization: `Bearer ${token}` });
  expect(body).toBe(session);
  expect(headers['greenroom-session']).toBe('a%20session.ndjson');
  expect((await get(port, '/api/snapshot', { authorization: `Bearer ${token}` })).status).toBe(404);
  child.kill('SIGINT');
  expect(await ended).toMatchObject({ status: 130 });
});

test.each([
  ['nothing.ndjson', undefined, /cannot be read/],
  ['empty.ndjson', '', /is empty/],
  ['notes.txt', 'Dear diary\n', /is not a Greenroom session/],
  ['other.json', '{"format":"else"}\n', /is not a Greenroom session/],
  ['endless.json', 'x'.repeat(65 * 2 ** 20), /its first line has no end/],
  [
    'new.ndjson',
    '{"format":"greenroom-session","version":2}\n',
    /of version 2; this version of Greenroom reads only version 1/,
  ],
])('inspect says why it cannot open %s', async (name, content, reason) => {
  const file = content === undefined ? name : write(name, content);
  const { status, stderr } = await greenroom('inspect', file);
  expect(status).toBe(4);
  expect(stderr).toMatch(reason);
});
