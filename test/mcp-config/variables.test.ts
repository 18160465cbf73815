import { describe, expect, test } from 'vitest';
import { inputVariable } from '../../src/mcp-config/inputs.ts';
import { configFolder, readText, told } from './config-folder.ts';

const ENV = { A: 'a', EMPTY: '', REFERS: '${A}${env:A}' };

/** The argument that is made of a text, in a file of Claude Code, and what is told. */
function argument(text: string, name = '.mcp.json') {
  const reading = readText({ mcpServers: { s: { command: 'x', args: [text] } } }, name, { env: ENV });
  const [server] = reading.servers;
  return {
    value: server?.kind === 'stdio' ? server.args[0]?.replace(reading.project, 'SHOP') : undefined,
    told: told(reading),
  };
}

test.each([
  ['${A}', 'a'],
  ['x${A}${A}y', 'xaay'],
  ['${A:-b}', 'a'],
  ['${NONE:-b c:-d}', 'b c:-d'],
  ['${NONE:-}', ''],
  ['${EMPTY:-b}', ''],
  ['${constructor:-b}', 'b'],
  ['${REFERS}', '${A}${env:A}'],
  ['${env:A}', 'a'],
  ['${workspaceFolder}/x', 'SHOP/x'],
  ['$A ${} ${1} ${ A } {A}', '$A ${} ${1} ${ A } {A}'],
])('in %s variables are filled in', (text, value) => {
  expect(argument(text)).toEqual({ value, told: [] });
});

test.each([
  ['${NONE}', 'the environment variable NONE is not set. Set it, or write a default: ${NONE:-…}'],
  ['${A:-${B}}', '${A:-${B} has a variable within a variable, which no client reads'],
  [
    '${command:x.y}',
    'unknown variable ${command:x.y}. Known are ${env:NAME}, ${input:ID}, ${userHome}, ${workspaceFolder}, ${workspaceFolderBasename}, ${pathSeparator}.',
  ],
  ['${input:a}', 'needs the input "a", which has no value. Set GREENROOM_INPUT_A in Greenroom\'s environment.'],
])('a server with %s is not run, and the reason is told', (text, reason) => {
  expect(argument(text)).toEqual({ value: undefined, told: [`error mcpServers.s.args[0]: ${reason}`] });
});

test('an environment variable in the form of the editors is left empty where it is not set, as by them', () => {
  expect(argument('x${env:NONE}')).toEqual({
    value: 'x',
    told: ['warning mcpServers.s.args[0]: the environment variable NONE is not set, and left empty'],
  });
});

test('a text of very many beginnings of variables is read through once', () => {
  const text = '${'.repeat(400_000);
  expect(argument(`${text}$A`)).toEqual({ value: `${text}$A`, told: [] });
  expect(argument('${A}${A')).toEqual({ value: 'a${A', told: [] });
});

test('a client that fills in no names leaves them as they are', () => {
  expect(argument('${A:-b} ${env:A}', '.cursor/mcp.json')).toEqual({
    value: '${A:-b} a',
    told: ['warning mcpServers.s.args[0]: ${A:-b} is left as it is, as by Cursor; to fill it in, write ${env:A}'],
  });
});

test('the user’s own file has no folder, unless one is worked in', () => {
  const { write, read } = configFolder();
  const path = 'home/.cursor/mcp.json';
  write(path, '{ "mcpServers": { "s": { "command": "x", "args": ["${workspaceFolder}"] } } }');
  expect(told(read(path))).toEqual([
    "error mcpServers.s.args[0]: ${workspaceFolder} has no value: the file is the user's own, and about no folder. Write the path of the folder.",
  ]);
  expect(read(path, { workspace: '/srv/now' }).servers).toMatchObject([{ args: ['/srv/now'] }]);
});

describe('inputs', () => {
  const input = (keys: object, given = {}) =>
    readText(
      { inputs: [{ id: 'api-key', type: 'promptString', ...keys }], servers: { s: { command: '${input:api-key}' } } },
      '.vscode/mcp.json',
      given,
    );

  test('are named by environment variables', () => {
    expect(inputVariable('api-key.v2')).toBe('GREENROOM_INPUT_API_KEY_V2');
  });

  test('have the value of the environment before the one that is kept, and that before the default', () => {
    const keys = { default: 'of the file' };
    const kept = (id: string) => (id === 'api-key' ? 'kept' : undefined);
    const env = { GREENROOM_INPUT_API_KEY: 'of the environment' };
    expect(input(keys, { input: kept, env }).servers).toMatchObject([{ command: 'of the environment' }]);
    expect(input(keys, { input: kept }).servers).toMatchObject([{ command: 'kept' }]);
    expect(input(keys, { input: () => undefined }).servers).toMatchObject([{ command: 'of the file' }]);
  });

  test('without a value are told of, with how to set them', () => {
    expect(told(input({ description: 'The key of the API' }))).toEqual([
      'error servers.s.command: needs the input "api-key" (The key of the API), which has no value. Set GREENROOM_INPUT_API_KEY in Greenroom\'s environment.',
    ]);
  });

  test('are one of their options, and the value that is not is kept secret', () => {
    const keys = { type: 'pickString', options: ['eu', { label: 'USA', value: 'us' }] };
    expect(told(input(keys, { env: { GREENROOM_INPUT_API_KEY: 'secret' } }))).toEqual([
      'error servers.s.command: the value of the input "api-key" is not one of its options. Set GREENROOM_INPUT_API_KEY to one of "eu", "us".',
    ]);
    expect(input(keys, { env: { GREENROOM_INPUT_API_KEY: 'us' } }).servers).toMatchObject([{ command: 'us' }]);
  });

  test('that are not valid are ignored, and told of', () => {
    const read = (inputs: unknown) => told(readText({ inputs, servers: {} }, '.vscode/mcp.json'));
    expect(read({})).toEqual(['warning inputs: expected a list of inputs (ignored)']);
    expect(read([{ type: 'promptString' }, 5])).toEqual([
      'warning inputs[0].id: missing; expected a string of at least 1 character (the input is ignored)',
      'warning inputs[1]: expected an object, got 5 (the input is ignored)',
    ]);
  });
});
