import { expect, test } from 'vitest';
import { configFolder, fixture, told } from './config-folder.ts';

test('a file of Claude Desktop is read, beside its other settings', () => {
  const { write, read, home } = configFolder();
  const file = write('home/.config/Claude/claude_desktop_config.json', fixture('claude-desktop.json'));
  const reading = read('home/.config/Claude/claude_desktop_config.json');
  expect(told(reading)).toEqual([]);
  expect(reading.servers).toEqual([
    {
      kind: 'stdio',
      name: 'files',
      file,
      client: 'claude-desktop',
      scope: 'user',
      field: 'mcpServers.files',
      disabled: false,
      command: 'npx',
      args: ['-y', '@modelcontextprotocol/server-filesystem', '/srv/files'],
      env: { DEBUG: '1' },
      cwd: home,
      disabledTools: [],
    },
  ]);
});

test('a file of Claude Code is read, with variables and their defaults', () => {
  const { write, read, project } = configFolder();
  write('shop/.mcp.json', fixture('claude-code.json'));
  const reading = read('shop/.mcp.json', { env: { TOOLS: '/opt/tools', TOKEN: 'secret' } });
  expect(told(reading)).toEqual([
    'warning mcpServers.issues: remote: not run by Greenroom; connect to issues.example from the client itself',
  ]);
  expect(reading.servers).toMatchObject([
    {
      kind: 'stdio',
      name: 'search',
      client: 'claude-code',
      scope: 'project',
      command: '/opt/tools/search',
      args: ['--index', '/srv/index', '$HOME'],
      env: { TOKEN: 'secret', LEVEL: '' },
      cwd: project,
      timeoutMs: 60_000,
    },
    { kind: 'remote', name: 'issues', url: 'https://issues.example/mcp?key=secret' },
  ]);
});

test('of the user’s own file of Claude Code the servers of each project are read, with the project', () => {
  const { write, read, home } = configFolder();
  write('home/.claude.json', fixture('claude-user.json'));
  const reading = read('home/.claude.json', { env: { CLAUDE_PROJECT_DIR: '/another' } });
  expect(told(reading)).toEqual([]);
  expect(reading.servers).toMatchObject([
    { name: 'memory', scope: 'user', cwd: home, field: 'mcpServers.memory' },
    {
      name: 'orders',
      scope: 'user',
      project: '/srv/shop',
      command: '/srv/shop/orders',
      args: ['/srv/shop/data'],
      cwd: '/srv/shop',
      field: 'projects./srv/shop.mcpServers.orders',
    },
  ]);
  expect(reading.servers[0]).not.toHaveProperty('project');
});

test('a file of Cursor is read, with its environment file', () => {
  const { write, read, home, project } = configFolder();
  write('shop/.env', 'TOKEN=of the file\nFROM_FILE=1\n');
  write('shop/.cursor/mcp.json', fixture('cursor.json'));
  const reading = read('shop/.cursor/mcp.json', { env: { TOKEN: 'secret' } });
  expect(told(reading)).toEqual([
    'warning mcpServers.db.env.SHELL_TEXT: ${HOME} is left as it is, as by Cursor; to fill it in, write ${env:HOME}',
    'warning mcpServers.web: remote: not run by Greenroom; connect to web.example from the client itself',
  ]);
  expect(reading.servers[0]).toMatchObject({
    client: 'cursor',
    command: `${project}/bin/db`,
    args: ['--name', 'shop', '--home', home],
    env: { TOKEN: 'secret', FROM_FILE: '1', SHELL_TEXT: '${HOME}' },
    cwd: `${project}/data`,
  });
});

test('a file of VS Code is read, with inputs, numbers as they are written and variables that null removes', () => {
  const { write, read, project } = configFolder();
  write('shop/.env', 'FROM_FILE=1\nOTHER=2\n');
  // The formatter of this project would shorten the number.
  write('shop/.vscode/mcp.json', fixture('vscode.jsonc').replace('1.1,', '1.10,'));
  const reading = read('shop/.vscode/mcp.json', { env: { GREENROOM_INPUT_API_KEY: 'secret' } });
  expect(told(reading)).toEqual([
    'warning servers.api.sandboxEnabled: has no effect: the server is run without the sandbox of VS Code',
    'warning servers.api.env.TZ: is not removed: every worker gets this variable. Set it to "" instead.',
    'warning servers.remote: remote: not run by Greenroom; connect to remote.example from the client itself',
  ]);
  expect(reading.servers[0]).toMatchObject({
    client: 'vscode',
    command: `${project}/bin/api`,
    args: ['--region', 'eu', project],
    cwd: `${project}/api`,
  });
  expect(reading.servers[0]).toHaveProperty('env', { KEY: 'secret', RETRIES: '3', VERSION: '1.10', OTHER: '2' });
});

test('servers in the settings of VS Code are read', () => {
  const { write, read } = configFolder();
  write('home/.config/Code/User/settings.json', fixture('vscode-settings.jsonc'));
  const reading = read('home/.config/Code/User/settings.json', { input: (id) => `value of ${id}` });
  expect(told(reading)).toEqual([]);
  expect(reading.servers).toMatchObject([
    { name: 'old', client: 'vscode', field: 'mcp.servers.old', env: { KEY: 'value of key' } },
  ]);
});

test('a file of Windsurf is read, with what is disabled', () => {
  const { write, read, home } = configFolder();
  write('home/.codeium/windsurf/mcp_config.json', fixture('windsurf.json'));
  const reading = read('home/.codeium/windsurf/mcp_config.json', { env: { TOKEN: 'secret' } });
  expect(told(reading)).toEqual([
    'warning mcpServers.remote: remote: not run by Greenroom; connect to remote.example from the client itself',
  ]);
  expect(reading.servers).toMatchObject([
    { name: 'figma', disabled: false, env: { KEY: 'secret' }, cwd: `${home}/figma`, disabledTools: ['delete_file'] },
    { name: 'off', disabled: true, kind: 'stdio' },
    { name: 'remote', disabled: false, kind: 'remote', url: 'https://remote.example/mcp' },
    { name: 'remote-off', disabled: true, kind: 'remote' },
  ]);
});

test('the settings of Zed are read, in the present form and in the older one', () => {
  const { write, read, home } = configFolder();
  write('home/.config/zed/settings.json', fixture('zed.jsonc'));
  const reading = read('home/.config/zed/settings.json');
  expect(told(reading)).toEqual([
    'warning context_servers.from-extension: a server of a Zed extension: not run by Greenroom, as only Zed knows its program',
    'warning context_servers.remote: remote: not run by Greenroom; connect to zed.example from the client itself',
  ]);
  expect(reading.servers).toMatchObject([
    { name: 'now', client: 'zed', command: 'now', args: ['serve'], env: { A: 'b' }, timeoutMs: 90_000 },
    { name: 'old', command: `${home}/old`, args: ['x', '1'], env: { N: '2' } },
    { name: 'off', disabled: true },
    { name: 'remote', kind: 'remote' },
  ]);
});

test('a file of Copilot is read, with the tools to be offered', () => {
  const { write, read } = configFolder();
  write('home/.copilot/mcp-config.json', fixture('copilot.json'));
  const reading = read('home/.copilot/mcp-config.json', { env: { TOKEN: 'secret' } });
  expect(told(reading)).toEqual([]);
  expect(reading.servers).toMatchObject([
    { name: 'play', client: 'copilot', args: ['secret'], timeoutMs: 30_000 },
    { name: 'few', enabledTools: ['read', 'list'], description: 'A few tools.' },
  ]);
  expect(reading.servers[0]).not.toHaveProperty('enabledTools');
});

test.each([
  ['zed', '{ "context_servers": { "a": { "command": "a" } } }'],
  ['vscode', '{ "servers": { "a": { "command": "a" } } }'],
  ['vscode', '{ "mcp": { "servers": { "a": { "command": "a" } } } }'],
  ['claude-code', '{ "projects": { "/p": { "mcpServers": { "a": { "command": "a" } } } } }'],
  ['windsurf', '{ "mcpServers": { "a": { "serverUrl": "https://a.example" } } }'],
  ['unknown', '{ "mcpServers": { "a": { "command": "a" } } }'],
])('a file of any name is told to be one of %s by its keys', (client, text) => {
  const { write, read } = configFolder();
  write('shop/servers.json', text);
  expect(read('shop/servers.json').servers).toMatchObject([{ name: 'a', client }]);
});

test('a file with the sections of several clients is read whole', () => {
  const { write, read } = configFolder();
  write(
    'shop/.vscode/mcp.json',
    '{ "mcpServers": { "a": { "command": "a" } }, "servers": { "a": { "command": "b" } } }',
  );
  const fields = read('shop/.vscode/mcp.json').servers.map(({ field }) => field);
  expect(fields).toEqual(['mcpServers.a', 'servers.a']);
});
