import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readMcpConfig } from '../../src/mcp-config/read-config.ts';
import { trustStore } from '../../src/mcp-config/trust.ts';
import { eventually } from '../eventually.ts';
import { openSupervisor } from './greenroom.ts';

const SERVER = fileURLToPath(new URL('../fixtures/mcp/server.mjs', import.meta.url));
const SECRET = 'sesame-5d1f';

/** A server of the fixture, with a variable and, among its arguments, a secret. */
const server = (value: string) => ({
  command: process.execPath,
  args: [`--title=${SECRET}`, SERVER],
  env: { VALUE: value },
});

/** A supervisor of the servers in the `mcp.json` of its data directory. */
async function open(servers: Readonly<Record<string, object>>) {
  let file = '';
  const put = (given: Readonly<Record<string, object>>): void =>
    writeFileSync(file, JSON.stringify({ mcpServers: given }));
  const opened = await openSupervisor({}, ({ plugins }) => {
    file = join(dirname(plugins), 'data', 'mcp.json');
    put(servers);
    return { watch: true };
  });
  const { supervisor } = opened;
  return {
    ...opened,
    file,
    put,
    value: (plugin: string) => supervisor.execute(plugin, { name: 'VALUE' }, { tool: 'env' }),
    pid: (plugin: string) => supervisor.plugin(plugin).snapshot().pid,
  };
}

test('an edit of one server leaves the processes of the others as they are', async () => {
  const { supervisor, put, value, pid } = await open({ a: server('a'), b: server('b'), c: server('c') });
  expect(await Promise.all(['a', 'b', 'c'].map(value))).toEqual(['a', 'b', 'c']);
  const before = { a: pid('a'), b: pid('b') };
  put({ a: server('a'), b: server('b2'), d: server('d') });
  await eventually(async () => expect(await value('b')).toBe('b2'));
  expect(await value('d')).toBe('d');
  expect(pid('a')).toBe(before.a);
  expect(pid('b')).not.toBe(before.b);
  await eventually(() => expect(supervisor.snapshot().plugins.map(({ name }) => name)).not.toContain('c'));
});

test('what a configuration holds is not written to the data directory', async () => {
  const { supervisor, dataDir, file, value } = await open({ a: server(SECRET) });
  expect(await value('a')).toBe(SECRET);
  expect(await supervisor.tools('a')).not.toEqual([]);
  const files = readdirSync(dataDir, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
  expect(files.length).toBeGreaterThan(1);
  expect(files.filter((each) => readFileSync(each, 'utf8').includes(SECRET))).toEqual([file]);
});

test('the servers of a project run once its file is trusted, and no more when it is not', async () => {
  const { supervisor, dataDir, scratch, value } = await open({ a: server('a') });
  const project = join(scratch, '.mcp.json');
  writeFileSync(project, JSON.stringify({ mcpServers: { theirs: server('project') } }));
  const places = { platform: process.platform, env: process.env, home: scratch, cwd: scratch };
  const reading = readMcpConfig({ client: 'claude-code', path: project, scope: 'project' }, places);
  if (reading?.content === undefined) throw new Error('The file of the project cannot be read.');
  const names = () => supervisor.plugins().map(({ name }) => name);
  expect(names()).toEqual(['a']);
  trustStore(dataDir).trust(reading.content);
  await eventually(() => expect(names()).toEqual(['a', 'theirs']));
  expect(await value('theirs')).toBe('project');
  trustStore(dataDir).distrust(project);
  await eventually(() => expect(names()).toEqual(['a']));
});
