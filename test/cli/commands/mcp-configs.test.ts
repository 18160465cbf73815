import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { readMcpConfig } from '../../../src/mcp-config/read-config.ts';
import { trustStore } from '../../../src/mcp-config/trust.ts';
import { folder, greenroom, start, write } from '../command-line.ts';
import { serve } from '../served-daemon.ts';

const SERVER = fileURLToPath(new URL('../../fixtures/mcp/server.mjs', import.meta.url));
const PLACES = { platform: process.platform, env: {}, home: '/nowhere' };
const server = { command: process.execPath, args: [SERVER] };

test('list shows the servers of the configuration in the data directory, and what is not run and why', async () => {
  write('home/mcp.json', {
    mcpServers: { files: server, far: { url: 'https://example.com/mcp' }, gone: { command: 'nope' } },
  });
  const { status, stdout, stderr } = await greenroom('list');
  expect(status).toBe(0);
  expect(stdout.split('\n').map((line) => line.trimEnd())).toEqual([
    'NAME   VERSION  CATEGORY  WORKER  MANIFEST',
    'files                     mcp     home/mcp.json',
    'gone                      mcp     home/mcp.json',
    '',
  ]);
  expect(stderr).toMatch(/warning {2}mcpServers\.far +remote: not run by Greenroom/);
  expect(stderr).toMatch(/error +mcpServers\.gone\.command {2}the program nope was not found on PATH/);
});

test('a server is called by its name, from the file that is named by an option, a variable or the settings', async () => {
  write('.cursor/mcp.json', { mcpServers: { files: server } });
  const call = ['run', 'files', '{"text":"hi"}', '--tool', 'echo', '--json'];
  const said = { status: 0, stdout: '"hi"\n' };
  expect(await greenroom(...call)).toMatchObject({ status: 3 });
  expect(await greenroom(...call, '--mcp-config', '.cursor/mcp.json')).toMatchObject(said);
  const env = { GREENROOM_MCP_CONFIGS: '~/.cursor/mcp.json' };
  expect(await start(call, { env }).ended).toMatchObject(said);
  write('greenroom.json', { mcpConfigs: ['.cursor/mcp.json'] });
  expect(await greenroom(...call)).toMatchObject(said);
});

test('a daemon that does not read the configurations of a command is not used', async () => {
  write('home/mcp.json', { mcpServers: { files: server } });
  write('.cursor/mcp.json', { mcpServers: { notes: server } });
  mkdirSync(join(folder, '.greenroom/plugins'), { recursive: true });
  const daemon = await serve();
  const names = async (...args: string[]): Promise<string[]> =>
    (JSON.parse((await greenroom('list', '--json', ...args)).stdout) as { plugins: { name: string }[] }).plugins.map(
      ({ name }) => name,
    );
  expect(await names()).toEqual(['files']);
  expect(await names('--mcp-config', '.cursor/mcp.json')).toEqual(['notes']);
  expect((await greenroom('explain', 'files')).status).toBe(0);
  daemon.child.kill('SIGTERM');
  await daemon.ended;
});

test("a data directory that a project has chosen is not the user's: its configuration needs trust, which it cannot give itself", async () => {
  write('greenroom.json', { dataDir: 'kept' });
  write('kept/mcp.json', { mcpServers: { files: server } });
  const path = join(folder, 'kept/mcp.json');
  const content = readMcpConfig({ client: 'unknown', path, scope: 'project' }, PLACES)?.content;
  if (content !== undefined) trustStore(join(folder, 'kept')).trust(content);
  // The user says nothing of the data directory, so that the file of the project does.
  const run = (...args: string[]) => start(args, { env: { GREENROOM_HOME: '' } }).ended;
  const call = ['run', 'files', '{"text":"hi"}', '--tool', 'echo', '--json'];
  const problem = /kept\/mcp\.json.*is not trusted.*greenroom mcp trust/s;
  expect((await run('list')).stderr).toMatch(problem);
  expect((await run('mcp', 'trust', 'kept/mcp.json')).stdout).toContain('is trusted. It runs:');
  expect(await run(...call)).toMatchObject({ status: 0, stdout: '"hi"\n' });
});

test("a data directory that the user names is the user's, whatever a project says", async () => {
  write('greenroom.json', { dataDir: 'kept' });
  write('kept/mcp.json', { mcpServers: { files: server } });
  const listed = await start(['list', '--data-dir', 'kept'], { env: { GREENROOM_HOME: '' } }).ended;
  expect(listed).toMatchObject({ status: 0, stdout: expect.stringMatching(/^files /m), stderr: '' });
});

test('a project that chooses a data directory need not have a configuration there', async () => {
  write('greenroom.json', { dataDir: 'kept' });
  const { status, stderr } = await start(['list'], { env: { GREENROOM_HOME: '' } }).ended;
  expect(status).toBe(0);
  expect(stderr).not.toContain('mcp.json');
});

test('validate checks the configurations of the settings, and one that is named', async () => {
  write('home/mcp.json', { mcpServers: { files: server } });
  const good = await greenroom('validate');
  expect(good).toMatchObject({ status: 0, stdout: '✓ home/mcp.json  files\n' });
  write('shop/.mcp.json', { mcpServers: { files: server } });
  const { status, stdout } = await greenroom('validate', 'shop/.mcp.json', '--json');
  expect(status).toBe(4);
  expect(JSON.parse(stdout)).toMatchObject({
    files: [{ valid: false, servers: [], problems: [{ reason: expect.stringContaining('is not trusted') as string }] }],
  });
  write('other.json', { mcpServers: { self: { command: 'greenroom', args: ['mcp'] } } });
  expect((await greenroom('validate', 'other.json')).stdout).toContain('is not trusted');
});

test('doctor says which configurations are trusted, and which programs are missing', async () => {
  write('home/mcp.json', { mcpServers: { files: server } });
  write('shop/.mcp.json', { mcpServers: { notes: server } });
  const paths = ['--mcp-config', 'home/mcp.json', '--mcp-config', 'shop/.mcp.json'];
  const { stdout } = await greenroom('doctor', ...paths);
  expect(stdout).toMatch(/^ok +MCP servers +home\/mcp\.json: 1 server$/m);
  expect(stdout).toMatch(/^warn +MCP servers +shop\/\.mcp\.json is not trusted: .*greenroom mcp trust/m);
  expect(stdout).toMatch(/^ok +MCP servers +the programs of all 1 are there$/m);
  write('home/mcp.json', { mcpServers: { files: { command: 'nope' } } });
  const missing = await greenroom('doctor', ...paths);
  expect(missing.status).toBe(1);
  expect(missing.stdout).toMatch(/^fail +MCP servers +files: the program nope was not found on PATH$/m);
});
