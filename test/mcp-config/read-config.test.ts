import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { parseManifest } from '../../src/manifest/schema.ts';
import { configFileAt } from '../../src/mcp-config/config-files.ts';
import { mcpPlugins } from '../../src/mcp-config/manifests.ts';
import { readMcpConfig } from '../../src/mcp-config/read-config.ts';
import { configFolder, readText, told } from './config-folder.ts';
import '../seed.ts';

const server = (keys: object): object => ({ mcpServers: { a: { command: 'x', ...keys } } });

describe('a file that cannot be read', () => {
  test('is null where it is not there', () => {
    const { folder, home } = configFolder();
    const surroundings = { platform: 'linux', env: {}, home } as const;
    expect(readMcpConfig(configFileAt('.mcp.json', { ...surroundings, cwd: folder }), surroundings)).toBeNull();
  });

  test.each(['utf16le', 'utf16be', 'utf8'])('is read as Windows writes it, in %s with its mark', (encoding) => {
    const { project, write, read } = configFolder();
    write('shop/.mcp.json', '');
    const text = `\ufeff${JSON.stringify({ mcpServers: { äö: { command: 'x' } } })}`;
    const bytes = Buffer.from(text, encoding === 'utf8' ? 'utf8' : 'utf16le');
    writeFileSync(join(project, '.mcp.json'), encoding === 'utf16be' ? bytes.swap16() : bytes);
    const reading = read('shop/.mcp.json');
    expect([told(reading), reading.servers.map(({ name }) => name)]).toEqual([[], ['äö']]);
  });

  test('is told of where it is a folder, or larger than 1 MiB', () => {
    const { write, read, project } = configFolder();
    mkdirSync(join(project, '.mcp.json'), { recursive: true });
    expect(told(read('shop/.mcp.json'))).toEqual(['error : is a folder, not a file']);
    write('shop/.cursor/mcp.json', ' '.repeat(1024 * 1024 + 1));
    const reading = read('shop/.cursor/mcp.json');
    expect(told(reading)).toEqual(['error : is larger than 1024 KiB, the limit']);
    expect(reading.content).toBeUndefined();
  });

  test.each([
    ['', 'warning : is empty'],
    ['{ "mcpServers": {', 'error : is not JSON: expected "}" (line 1, column 18)'],
    ['[]', 'error : must be a JSON object'],
    ['{}', 'warning : has no servers; expected "mcpServers", "servers" (VS Code) or "context_servers" (Zed)'],
    ['{ "mcpServers": [] }', 'error mcpServers: expected an object of servers by their names'],
    ['{ "mcpServers": {}, "input": [] }', 'warning input: unknown key "input"; did you mean "inputs"? (ignored)'],
  ])('%j has its problem told', (text, problem) => {
    const reading = readText(text);
    expect(told(reading)).toEqual([problem]);
    expect(reading.servers).toEqual([]);
  });
});

describe('a server that cannot be run is told of with its field, and harms no other', () => {
  test.each<[keys: unknown, field: string, reason: string]>([
    [5, '', 'expected an object with "command" or "url"'],
    [{}, '.command', 'missing; a server needs "command", or "url" where it is a remote one'],
    [{ command: null }, '.command', 'missing; a server needs "command", or "url" where it is a remote one'],
    [{ command: 5 }, '.command', 'expected a string or an object, got 5'],
    [{ command: '' }, '.command', 'must not be empty'],
    [{ command: { path: ' ' } }, '.command.path', 'must not be empty'],
    [{ command: 'x\0' }, '.command', 'must not contain the character NUL'],
    [{ command: 'x', url: 'https://x' }, '', 'has both "command" and a URL; keep one, or say which counts with "type"'],
    [{ type: 'http' }, '.url', 'missing; a server of type "http" needs it'],
    [
      { type: 'htp', url: 'https://x' },
      '.type',
      'expected one of "stdio", "local", "http", "sse", "streamable-http", "streamableHttp", "ws", got "htp"; did you mean "http"?',
    ],
    [{ command: 'x', args: 'y' }, '.args', 'expected a list, got "y"'],
    [{ command: 'x', args: ['y', {}] }, '.args[1]', 'expected a string or a number or true or false, got an object'],
    [{ command: 'x', env: 'TOKEN=secret' }, '.env', 'expected an object of names and values'],
    [{ command: 'x', env: { A: ['secret'] } }, '.env.A', 'expected a string, a number, true, false or null'],
    [{ command: 'x', env: { 'A=': 'b' } }, '.env.A=', 'must have a name that is not empty, without "=" and NUL'],
    [{ command: 'x', cwd: 1 }, '.cwd', 'expected a string, got 1'],
    [{ command: 'x', disabled: 'yes' }, '.disabled', 'expected true or false, got "yes"'],
    [{ command: 'x', disabledTools: [1] }, '.disabledTools[0]', 'expected a string, got 1'],
    [{ command: 'x', timeout: 0 }, '.timeout', 'expected a number above 0, got 0'],
    [{ command: 'x', envFile: 'none.env' }, '.envFile', 'the file SHOP/none.env does not exist'],
    [{ command: 'x', envFile: '.' }, '.envFile', 'the file SHOP is a folder, not a file'],
  ])('%j', (keys, field, reason) => {
    const reading = readText({ mcpServers: { a: keys, b: { command: 'b' } } });
    const lines = told(reading).map((line) => line.replace(reading.project, 'SHOP'));
    expect(lines).toEqual([`error mcpServers.a${field}: ${reason}`]);
    expect(reading.problems[0]).toMatchObject({ server: 'a' });
    expect(reading.servers.map(({ name }) => name)).toEqual(['b']);
  });
});

describe('what is ignored is told of', () => {
  test.each([
    [server({ comand: 'y' }), 'a.comand: unknown key "comand"; did you mean "command"? (ignored)'],
    [server({ type: 'stdio', url: 'https://x' }), 'a.url: ignored, as "type" is that of a program'],
    [server({ type: 'stdio', serverUrl: 'x' }), 'a.serverUrl: ignored, as "type" is that of a program'],
    [
      { mcpServers: { a: { url: '${HOST}/mcp?secret' } } },
      'a: remote: not run by Greenroom; connect to its URL from the client itself',
    ],
  ])('%j', (text, problem) => {
    const reading = readText(text);
    expect(told(reading)).toEqual([`warning mcpServers.${problem}`]);
    expect(reading.servers).toHaveLength(1);
  });

  test('of a name that is given twice, the first', () => {
    const reading = readText('{ "mcpServers": { "a": { "command": "x" }, "a": { "command": "y", "command": "z" } } }');
    expect(told(reading)).toEqual([
      'warning mcpServers.a: is given twice; the later one counts',
      'warning mcpServers.a.command: is given twice; the later one counts',
    ]);
    expect(reading.servers).toMatchObject([{ command: 'z' }]);
  });

  test('of very many problems, the first hundred', () => {
    const args = Array.from({ length: 120 }, () => '${env:NONE}');
    const problems = told(readText(server({ args })));
    expect(problems).toHaveLength(101);
    expect(problems.at(-1)).toBe('warning : 20 more problems are not shown');
  });

  test('of very many unknown keys, the first twenty', () => {
    const keys = Object.fromEntries(Array.from({ length: 50_000 }, (_, index) => [`unknown${index}`, 1]));
    const problems = told(readText(server(keys)));
    expect(problems).toHaveLength(21);
    expect(problems.at(-1)).toBe('warning mcpServers.a: has 49980 more unknown keys (ignored)');
  });

  test('of very many servers and inputs, those beyond five hundred', () => {
    const servers = Object.fromEntries(Array.from({ length: 501 }, (_, index) => [`s${index}`, { command: 'x' }]));
    const inputs = Array.from({ length: 501 }, (_, index) => ({ id: `i${index}` }));
    const reading = readText({ inputs, servers }, '.vscode/mcp.json');
    expect(told(reading)).toEqual([
      'warning inputs: has more than 500 inputs; the others are ignored',
      'error servers: has more than 500 servers; the others are ignored',
    ]);
    expect(reading.servers).toHaveLength(500);
  });

  test('lines of an environment file, without what is in them', () => {
    const { write, read } = configFolder();
    const file = write('shop/.env', 'secret\nA=1\n');
    write('shop/.mcp.json', JSON.stringify(server({ envFile: '.env' })));
    const reading = read('shop/.mcp.json');
    expect(reading.problems).toEqual([{ file, reason: 'line 1: expected NAME=value (ignored)', severity: 'warning' }]);
    expect(reading.servers).toMatchObject([{ env: { A: '1' } }]);
  });
});

test('an environment file with the character NUL is refused', () => {
  const { write, read } = configFolder();
  const file = write('shop/.env', 'A=\0\n');
  write('shop/.mcp.json', JSON.stringify(server({ envFile: '.env' })));
  expect(told(read('shop/.mcp.json'))).toEqual([
    `error mcpServers.a.envFile: the file ${file} contains the character NUL`,
  ]);
});

test('the environment file of a disabled server is not read', () => {
  const reading = readText(server({ envFile: '${env:NONE}', disabled: true, args: ['${NONE}'] }));
  expect(told(reading)).toEqual([]);
  expect(reading.content?.envFiles).toEqual(new Map());
});

test('paths count from the folder of the project, those of the user’s own files from the home folder', () => {
  const paths = { cwd: 'sub', command: './bin/x', envFile: '~/.env' };
  const { write, read, home, project } = configFolder();
  write('home/.env', 'A=1');
  write('shop/.cursor/mcp.json', JSON.stringify(server(paths)));
  expect(read('shop/.cursor/mcp.json').servers).toMatchObject([
    { command: `${project}/bin/x`, cwd: `${project}/sub`, env: { A: '1' } },
  ]);
  write('home/.cursor/mcp.json', JSON.stringify(server(paths)));
  expect(read('home/.cursor/mcp.json').servers).toMatchObject([{ command: `${home}/bin/x`, cwd: `${home}/sub` }]);
  const workspace = '/srv/now';
  expect(read('home/.cursor/mcp.json', { workspace }).servers).toMatchObject([{ command: '/srv/now/bin/x' }]);
});

test('on Windows paths are those of Windows', () => {
  const text = server({
    command: 'bin\\x.exe',
    args: ['${workspaceFolderBasename}${/}a', '${pathSeparator}'],
    cwd: 'D:\\data',
  });
  const { write, project, home } = configFolder();
  const path = write('shop/.mcp.json', JSON.stringify(text));
  const workspace = 'C:\\shop';
  const file = { path, client: 'cursor', scope: 'user' } as const;
  expect(project).toContain('/');
  expect(readMcpConfig(file, { platform: 'win32', env: {}, home, workspace })?.servers).toMatchObject([
    { command: 'C:\\shop\\bin\\x.exe', args: ['shop\\a', '\\'], cwd: 'D:\\data' },
  ]);
});

test('the content tells in which folder a linked file runs its servers', () => {
  const { write, read, folder, project } = configFolder();
  write('shop/.mcp.json', '{}');
  symlinkSync(project, join(folder, 'link'));
  expect(read('link/.mcp.json').content).toMatchObject({ workspace: project, text: '{}' });
});

test('any content of a file is read without a throw, and makes valid manifests', () => {
  const { write, read } = configFolder();
  const value = fc.oneof(fc.jsonValue({ maxDepth: 2 }), fc.string());
  const keys = (names: readonly string[]) => fc.dictionary(fc.constantFrom(...names), value);
  const text = fc.oneof(fc.string(), fc.constantFrom('x', './x', '${A}', '${env:A}', '${B:-b}', '${input:a}', '\0'));
  const sound = fc.record(
    {
      command: fc.oneof(text, fc.record({ path: text, args: fc.array(text) })),
      args: fc.array(fc.oneof(text, fc.integer(), fc.double())),
      env: fc.dictionary(fc.string(), fc.oneof(text, fc.boolean(), fc.constant(null))),
      cwd: text,
      timeout: fc.double(),
    },
    { requiredKeys: ['command'] },
  );
  const known = ['type', 'command', 'args', 'env', 'envFile', 'cwd', 'url', 'disabled', 'tools', 'timeout', 'source'];
  const servers = fc.oneof(value, fc.dictionary(fc.string(), fc.oneof(keys(known), sound)));
  const sections = ['mcpServers', 'servers', 'context_servers', 'mcp', 'projects', 'inputs', '__proto__'];
  const anyKeys = fc.dictionary(fc.constantFrom(...sections), servers);
  const soundServers = fc.record({ mcpServers: fc.dictionary(fc.string(), sound) });
  const content = fc.oneof(
    fc.json(),
    fc.oneof(anyKeys, soundServers).map((all) => JSON.stringify(all)),
  );
  let manifests = 0;
  fc.assert(
    fc.property(content, fc.constantFrom('.mcp.json', '.vscode/mcp.json', 'x.json'), (given, name) => {
      write(join('shop', name), given);
      for (const { manifest } of mcpPlugins(read(join('shop', name), { env: { A: 'a' } }).servers)) {
        manifests += 1;
        expect(parseManifest({ ...manifest, worker: 'command' })).toMatchObject({ ok: true, warnings: [] });
      }
    }),
    { numRuns: 500 },
  );
  expect(manifests).toBeGreaterThan(50);
});
