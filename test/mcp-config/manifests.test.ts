import { expect, test } from 'vitest';
import { parseManifest } from '../../src/manifest/schema.ts';
import { mcpPlugins, toManifest } from '../../src/mcp-config/manifests.ts';
import type { StdioServer } from '../../src/mcp-config/server.ts';

const SERVER: StdioServer = {
  kind: 'stdio',
  name: 'files',
  file: '/srv/shop/.mcp.json',
  client: 'claude-code',
  scope: 'project',
  field: 'mcpServers.files',
  disabled: false,
  command: 'npx',
  args: ['-y', 'files'],
  env: { TOKEN: 'secret' },
  cwd: '/srv/shop',
  disabledTools: [],
};

const names = (servers: Parameters<typeof mcpPlugins>[0], taken?: readonly string[]): string[] =>
  mcpPlugins(servers, taken).map(({ manifest }) => manifest.name);

test('a server becomes a manifest', () => {
  expect(toManifest({ ...SERVER, description: 'Files.' }, 'files')).toEqual({
    name: 'files',
    description: 'Files.',
    worker: 'mcp',
    command: 'npx',
    args: ['-y', 'files'],
    cwd: '/srv/shop',
    env_vars: { TOKEN: 'secret' },
    pass_env: expect.arrayContaining(['LOGNAME', 'SHELL', 'TERM', '*_PROXY']),
  });
  const least = toManifest({ ...SERVER, args: [], env: {} }, 'files');
  expect(Object.keys(least)).toEqual(['name', 'worker', 'command', 'cwd', 'pass_env']);
});

test('servers of several files that run the same program are one plugin, under the name of the first', () => {
  const another: StdioServer = { ...SERVER, name: 'fs', file: '/home/ada/.cursor/mcp.json', client: 'cursor' };
  const plugins = mcpPlugins([SERVER, another]);
  expect(plugins).toMatchObject([{ manifest: { name: 'files' }, servers: [SERVER, another] }]);
  const [a, b] = [
    { A: '1', B: '2' },
    { B: '2', A: '1' },
  ].map((env) => ({ ...SERVER, env }));
  expect(mcpPlugins([a, b] as StdioServer[])).toHaveLength(1);
});

test('different programs of one name are several plugins, also where only upper and lower case differ', () => {
  const others = [{ args: ['x'] }, { env: {} }, { cwd: '/' }, { command: 'uvx' }, { name: 'FILES', cwd: '/x' }];
  expect(names([SERVER, ...others.map((other) => ({ ...SERVER, ...other }))])).toEqual([
    'files',
    'files-2',
    'files-3',
    'files-4',
    'files-5',
    'FILES-6',
  ]);
  expect(names([SERVER], ['Files', 'files-2'])).toEqual(['files-3']);
});

test('disabled and remote servers have no plugin', () => {
  const remote = { ...SERVER, kind: 'remote', url: 'https://x' } as const;
  expect(mcpPlugins([remote, { ...SERVER, disabled: true }])).toEqual([]);
});

test.each([
  ['GitHub MCP', 'GitHub MCP'],
  ['@scope/server', '@scope-server'],
  ['a\\b\u0000c', 'a-b-c'],
  ['/', 'server'],
  ['', 'server'],
  ['..', 'server'],
  [' a ', 'a'],
  [`${'x'.repeat(119)}🦉`, 'x'.repeat(119)],
])('a server that is named %j has a plugin of the name %j, which is valid', (name, expected) => {
  const [plugin] = mcpPlugins([{ ...SERVER, name }]);
  expect(plugin?.manifest.name).toBe(expected);
  expect(parseManifest({ ...plugin?.manifest, worker: 'command' })).toMatchObject({ ok: true, warnings: [] });
});

test('what a client leaves out of the tools of a server is left out, also where another runs the same program with all', () => {
  const [cursor, copilot, other] = [
    { ...SERVER, disabledTools: ['drop'] },
    { ...SERVER, enabledTools: ['list', 'read', 'drop'] },
    { ...SERVER, enabledTools: ['list', 'drop'] },
  ] as const;
  const toolsOf = (...servers: StdioServer[]) => mcpPlugins(servers).map(({ manifest }) => manifest);
  expect(toolsOf(SERVER, cursor)).toMatchObject([{ deny_tools: ['drop'] }]);
  expect(toolsOf(SERVER, copilot, other, cursor)).toMatchObject([
    { allow_tools: ['list', 'drop'], deny_tools: ['drop'] },
  ]);
  expect(toolsOf(SERVER)[0]).not.toHaveProperty('deny_tools');
});
