import { execFileSync } from 'node:child_process';
import { chmodSync, copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { door, failure, gone, type OpenedSupervisor, openSupervisor } from '../runtime/greenroom.ts';

const fixture = (path: string): string => fileURLToPath(new URL(`../fixtures/${path}`, import.meta.url));
const SERVER = fixture('mcp/server.mjs');

const INSTALLED = ['spawning.admitting', 'spawning.launching', 'spawning.installing', 'spawning.launching'];

/** A plugin that npx or uvx of the fixtures starts; its program is a server of MCP. */
function packed(
  scratch: string,
  more: Record<string, string> = {},
  runner = 'npx',
  args = ['-y', 'pack@1', '--pages'],
) {
  const programs = join(scratch, 'programs');
  writeServer(programs, `exec '${process.execPath}' '${SERVER}' "$@"`);
  const env_vars = { RUNS: join(scratch, 'runs'), PROGRAMS: programs, ...more };
  return { worker: 'mcp', command: fixture(`packages/${runner}`), args, env_vars };
}

function writeServer(programs: string, script: string): void {
  mkdirSync(programs, { recursive: true });
  writeFileSync(join(programs, 'server'), `#!/bin/sh\n${script}\n`);
  chmodSync(join(programs, 'server'), 0o755);
}

function runs({ scratch }: OpenedSupervisor): string[] {
  return readFileSync(join(scratch, 'runs'), 'utf8').trimEnd().split('\n');
}

const echo = ({ supervisor }: OpenedSupervisor, plugin = 's'): Promise<unknown> =>
  supervisor.execute(plugin, { text: 'hi' }, { tool: 'echo' });

test('a package of npm is installed before its server starts, and no npx stays beside the server', async () => {
  const opened = await openSupervisor(({ scratch }) => {
    const source = join(scratch, 'source');
    mkdirSync(source);
    const bin = { 'pack-server': 'server.mjs' };
    const scripts = { postinstall: 'echo "$npm_package_name" >built' };
    writeFileSync(join(source, 'package.json'), JSON.stringify({ name: 'pack', version: '1.0.0', bin, scripts }));
    const text = readFileSync(SERVER, 'utf8');
    writeFileSync(join(source, 'server.mjs'), `#!/usr/bin/env node\n${text}`);
    const env_vars = { npm_config_cache: join(scratch, 'cache'), npm_config_offline: 'true' };
    execFileSync('npm', ['pack', '--silent'], { cwd: source, env: { ...process.env, ...env_vars } });
    const args = ['-y', `file:${join(source, 'pack-1.0.0.tgz')}`, '--era', 'modern'];
    return { s: { worker: 'mcp', command: 'npx', args, env_vars, cwd: scratch } };
  });
  expect(await echo(opened)).toBe('hi');
  expect(opened.path('s').slice(0, 4)).toEqual(INSTALLED);
  const { pid } = opened.snapshot('s');
  const words = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  expect(words[1]).toMatch(new RegExp(`^${opened.scratch}/cache/_npx/\\w+/node_modules/\\.bin/pack-server$`));
  expect(words.slice(2, 4)).toEqual(['--era', 'modern']);
  // The scripts of the package are run as ever.
  expect(readFileSync(join(String(words[1]), '../../pack/built'), 'utf8')).toBe('pack\n');
  expect(readFileSync(`/proc/${pid}/task/${pid}/children`, 'utf8')).toBe('');
});

test('of what was installed the next start knows', async () => {
  const opened = await openSupervisor(({ scratch }) => ({ s: packed(scratch) }));
  expect(await echo(opened)).toBe('hi');
  await opened.supervisor.reload('s');
  expect(await echo(opened)).toBe('hi');
  expect(runs(opened)).toEqual(['-y pack@1']);
  expect((await opened.supervisor.tools('s')).map(({ name }) => name)).toContain('echo');
});

test('two servers of one package install it once, and calls of both wait meanwhile', async () => {
  const opened = await openSupervisor(({ scratch }) => {
    const plugin = packed(scratch, { DOOR: join(scratch, 'door') });
    return { a: plugin, b: plugin };
  });
  const installing = ['a', 'b'].map((name) => opened.entered(name, 'spawning', 'installing'));
  const calls = ['a', 'b'].map((name) => echo(opened, name));
  await Promise.all(installing);
  expect(opened.snapshot('b')).toMatchObject({ state: 'spawning', phase: 'installing', waiting: 1 });
  expect(opened.snapshot('b').pid).toBeUndefined();
  expect(opened.supervisor.mcpPlugin('b')?.installing?.()).toMatchObject({ spec: 'pack@1' });
  door(opened).open();
  expect(await Promise.all(calls)).toEqual(['hi', 'hi']);
  expect(runs(opened)).toEqual(['-y pack@1']);
});

test.each(['unload', 'stop'] as const)('%s ends an installation with all that it has started', async (how) => {
  const opened = await openSupervisor(({ scratch }) => ({ s: packed(scratch, { DOOR: join(scratch, 'door') }) }));
  const installing = opened.entered('s', 'spawning', 'installing');
  const call = failure(echo(opened));
  await installing;
  const left = await leftBehind(opened);
  await (how === 'unload' ? opened.supervisor.unload('s') : opened.supervisor.stop());
  await gone([left]);
  expect((await call).code).toBe('E_STOPPING');
});

test('an installation of another server goes on where one that shares the package is unloaded', async () => {
  const opened = await openSupervisor(({ scratch }) => {
    const plugin = packed(scratch, { DOOR: join(scratch, 'door') });
    return { a: plugin, b: plugin };
  });
  const first = opened.entered('a', 'spawning', 'installing');
  const ended = failure(echo(opened, 'a'));
  await first;
  await leftBehind(opened);
  const second = opened.entered('b', 'spawning', 'installing');
  const call = echo(opened, 'b');
  await second;
  await opened.supervisor.unload('a');
  await ended;
  door(opened).open();
  expect(await call).toBe('hi');
  expect(runs(opened)).toHaveLength(2);
});

test('an installation that takes too long is killed', async () => {
  const opened = await openSupervisor(({ scratch }) => ({
    s: { ...packed(scratch, { DOOR: join(scratch, 'door') }), install_timeout_ms: 200 },
  }));
  const error = await failure(echo(opened));
  expect(error.code).toBe('E_START_TIMEOUT');
  expect(error.message).toContain('install_timeout_ms');
});

test('an installation that fails says why, and the next call tries again', async () => {
  const opened = await openSupervisor(({ scratch }) => ({ s: packed(scratch) }));
  const fail = join(opened.scratch, 'runs.fail');
  writeFileSync(fail, '');
  const error = await failure(echo(opened));
  expect(error.code).toBe('E_START');
  expect(error.message).toContain('"pack@1" of "s"');
  expect(error.message).toContain('exited with status 1. Last output: 404 Not Found - GET https://registry/pack.');
  expect(error.message).toContain('greenroom logs s');
  expect(await opened.supervisor.logs('s')).toContain('npm error code E404');
  rmSync(fail);
  expect(await echo(opened)).toBe('hi');
});

test('a program that is gone, or that ends before it answers, is looked for again', async () => {
  const opened = await openSupervisor(({ scratch }) => ({ s: packed(scratch) }));
  const programs = join(opened.scratch, 'programs');
  expect(await echo(opened)).toBe('hi');
  await opened.supervisor.unload('s');
  const other = join(opened.scratch, 'other');
  writeServer(other, 'exit 3');
  copyFileSync(join(programs, 'server'), join(other, 'good'));
  copyFileSync(join(other, 'server'), join(programs, 'server'));
  expect((await failure(echo(opened))).code).toBe('E_START');
  expect(runs(opened)).toHaveLength(1);
  copyFileSync(join(other, 'good'), join(programs, 'server'));
  expect(await echo(opened)).toBe('hi');
  expect(runs(opened)).toHaveLength(2);
  await opened.supervisor.unload('s');
  rmSync(join(programs, 'server'));
  const looked = opened.entered('s', 'spawning', 'installing');
  const call = failure(echo(opened));
  await looked;
  await call;
});

test('a program that cannot be found is left to npx', async () => {
  const opened = await openSupervisor(({ scratch }) => ({ s: packed(scratch) }));
  // As on a file system from which nothing is run.
  mkdirSync(join(opened.dataDir, 'installs', 'npx-probe.sh'), { recursive: true });
  expect(await echo(opened)).toBe('hi');
  expect(runs(opened)).toEqual(['-y pack@1', '-y pack@1 --pages']);
});

test('uvx installs the package first, and is then run as it is', async () => {
  const opened = await openSupervisor(({ scratch }) => ({ s: packed(scratch, {}, 'uvx', ['pack@1.2', '--pages']) }));
  expect(await echo(opened)).toBe('hi');
  expect(runs(opened)).toEqual(['--from pack==1.2 python -c ', 'pack@1.2 --pages']);
  expect(opened.path('s').slice(0, 4)).toEqual(INSTALLED);
});

/** The process that an installation of the fixtures has started, in a session of its own. */
async function leftBehind({ scratch }: OpenedSupervisor): Promise<number> {
  return expect
    .poll(() => Number(readFileSync(join(scratch, 'runs.left'), 'utf8')), { timeout: 10_000, interval: 5 })
    .toBeGreaterThan(0)
    .then(() => Number(readFileSync(join(scratch, 'runs.left'), 'utf8')));
}
