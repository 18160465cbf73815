import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { FIXTURES } from '../fixtures/plugins.ts';
import { failure, gone, type ManifestOf, openSupervisor } from './greenroom.ts';

const WRONG = join(FIXTURES, 'wrong');

test.each([
  ['is not JSON', '{"name": "plugin",', undefined],
  ['is empty', '', undefined],
  ['is a list', '[]', ''],
  ['has a field of the wrong type', '{"name": "plugin", "module": 17}', 'module'],
  ['has no name', '{"module": "x.mjs"}', 'name'],
  ['says of no worker how it is started', '{"name": "plugin"}', 'worker'],
])('a manifest that %s is named with file, field and reason, and stops no other', async (_, text, field) => {
  const opened = await openSupervisor({ other: { fixture: 'workbench' } });
  const file = join(opened.plugins, 'broken.json');
  writeFileSync(file, text);
  await opened.supervisor.discover();
  expect(opened.supervisor.problems()).toEqual([{ file, field, reason: expect.any(String), severity: 'error' }]);
  expect((await failure(opened.supervisor.load('plugin').catch((error: unknown) => Promise.reject(error)))).code).toBe(
    'E_UNKNOWN_PLUGIN',
  );
  expect(await opened.supervisor.execute('other', { value: 1 })).toBe(1);
});

test('of two manifests of one name the first counts, and the other is a problem that names it', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', description: 'first' } });
  writeFileSync(join(opened.plugins, 'second.json'), JSON.stringify({ name: 'plugin', module: 'x.mjs' }));
  await opened.supervisor.discover();
  expect(opened.snapshot('plugin').description).toBe('first');
  const [problem] = opened.supervisor.problems();
  expect(problem).toMatchObject({ file: join(opened.plugins, 'second.json'), field: 'name', severity: 'error' });
  expect(problem?.reason).toContain(join(opened.plugins, 'plugin.json'));
});

test('an unknown plugin is refused with the nearest name', async () => {
  const opened = await openSupervisor({ 'whisper-local': { fixture: 'workbench' } });
  const { supervisor } = opened;
  for (const call of [
    supervisor.execute('wisper-local'),
    supervisor.load('wisper-local'),
    supervisor.config('wisper-local'),
  ]) {
    const error = await failure(call);
    expect(error).toMatchObject({ code: 'E_UNKNOWN_PLUGIN', details: { nearest: 'whisper-local' } });
    expect(error.message).toContain('Did you mean "whisper-local"?');
  }
  expect(() => supervisor.stream('wisper-local')).toThrow('whisper-local');
  expect((await failure(supervisor.execute('something else entirely'))).message).toContain('plugins()');
  expect((await failure(supervisor.execute(undefined as unknown as string))).code).toBe('E_UNKNOWN_PLUGIN');
});

const starts: [string, ManifestOf, string, RegExp][] = [
  [
    'an interpreter that is not there',
    { fixture: 'workbench-python', python_path: '/nowhere/python3' },
    'E_MANIFEST',
    /interpreter \/nowhere\/python3 .*plugin\.json/,
  ],
  [
    'an interpreter that cannot be run',
    { fixture: 'workbench-python', python_path: '/etc/passwd' },
    'E_MANIFEST',
    /interpreter \/etc\/passwd/,
  ],
  [
    'a program that is not there',
    { worker: 'command', command: 'no-such-program' },
    'E_MANIFEST',
    /program no-such-program was not found on PATH/,
  ],
  [
    'a working directory that is not there',
    { fixture: 'bare', cwd: '/nowhere' },
    'E_START',
    /working directory \/nowhere does not exist.*plugin\.json/,
  ],
  [
    'a Python module that is not there',
    { fixture: 'workbench-python', module: 'no_such_module' },
    'E_START',
    /no_such_module/,
  ],
  [
    'a Python file that is not there',
    { fixture: 'workbench-python', module: './gone.py' },
    'E_MANIFEST',
    /module file \/.*gone\.py does not exist.*plugin\.json/,
  ],
  [
    'a Node module that is not there',
    { fixture: 'workbench', module: './gone.mjs' },
    'E_MANIFEST',
    /module file \/.*gone\.mjs does not exist.*plugin\.json/,
  ],
  ['a class that is not there', { fixture: 'workbench-python', class: 'Workbank' }, 'E_START', /Workbank/],
  [
    'a library that is not installed',
    { worker: 'python', module: join(WRONG, 'import_error.py'), class: 'Plugin' },
    'E_START',
    /a_library_that_is_not_there/,
  ],
  [
    'a constructor that throws',
    { fixture: 'workbench-python', class: 'Failing' },
    'E_START',
    /the constructor has no memory left/,
  ],
  [
    'a Node module that throws',
    { worker: 'node', module: join(WRONG, 'throws.mjs') },
    'E_START',
    /the model file is broken/,
  ],
  [
    'a worker that exits at once',
    { fixture: 'bare', args: ['bare.mjs', 'exits'] },
    'E_START',
    /exited with status 0 before it was ready/,
  ],
  [
    'a worker that never answers',
    { fixture: 'bare', args: ['bare.mjs', 'silent'], start_timeout_ms: 300 },
    'E_START_TIMEOUT',
    /start_timeout_ms/,
  ],
  [
    'a worker that never initialises',
    { fixture: 'bare', args: ['bare.mjs', 'never-initialised'], start_timeout_ms: 500 },
    'E_START_TIMEOUT',
    /initialising.*start_timeout_ms/,
  ],
  ['a nonce of another spawn', { fixture: 'bare', args: ['bare.mjs', 'wrong-nonce'] }, 'E_HANDSHAKE', /wrong nonce/],
];

test.each(starts)(
  '%s is a typed error for each of those who wait, and other plugins go on',
  async (_, manifest, code, message) => {
    const opened = await openSupervisor({ plugin: manifest, other: { fixture: 'bare' } });
    const { supervisor } = opened;
    const waiting = [supervisor.load('plugin'), supervisor.execute('plugin'), supervisor.stream('plugin').next()];
    const other = supervisor.execute('other');
    for (const call of waiting) {
      const error = await failure(call);
      expect(error).toMatchObject({ code, plugin: 'plugin', message: expect.stringMatching(message) });
    }
    expect(await other).toMatchObject({ pid: expect.any(Number) });
  },
);

test('a Node module with a syntax error is reported with its file', async () => {
  const opened = await openSupervisor({});
  const module = join(opened.scratch, 'syntax.mjs');
  writeFileSync(module, 'export default { execute( {\n');
  opened.write('plugin', { worker: 'node', module });
  await opened.supervisor.discover();
  const error = await failure(opened.supervisor.load('plugin'));
  expect(error).toMatchObject({ code: 'E_START', message: expect.stringContaining('SyntaxError') });
  expect(error.details).toMatchObject({ output: expect.stringContaining('syntax.mjs') });
});

test('what another start cannot mend is given up at once, and load tries again once it is mended', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'bare', command: 'no-such-program' } });
  const failed = opened.entered('plugin', 'crashed', 'failed');
  await failure(opened.supervisor.load('plugin'));
  await failed;
  const error = await failure(opened.supervisor.execute('plugin'));
  expect(error).toMatchObject({
    code: 'E_GIVEN_UP',
    cause: { code: 'E_MANIFEST' },
    details: { kind: 'not-retryable' },
  });
  opened.write('plugin', { fixture: 'bare' });
  await opened.supervisor.discover();
  await opened.supervisor.load('plugin');
  expect(opened.snapshot('plugin').state).toBe('ready');
});

test('a worker that is killed at its start deadline leaves none of its children', async () => {
  const opened = await openSupervisor({
    plugin: { fixture: 'bare', args: ['bare.mjs', 'silent-child'], start_timeout_ms: 300 },
  });
  await failure(opened.supervisor.load('plugin'));
  await opened.supervisor.unload('plugin');
  expect(opened.supervisor.status().workers).toBe(0);
});

test('a name that has no letter in common with the one asked for is not meant', async () => {
  const { supervisor } = await openSupervisor({ py: { fixture: 'bare' } });
  expect((await failure(supervisor.execute('n'))).message).toContain('plugins()');
});

test.each(['workbench', 'workbench-python'])(
  '%s: a plugin that prints nothing has no line in its log',
  async (fixture) => {
    const opened = await openSupervisor({ plugin: { fixture } });
    await opened.supervisor.load('plugin');
    expect(await opened.supervisor.logs('plugin')).toBe('worker started: plugin');
  },
);

test('what a worker prints before its handshake and around its calls neither stops nor confuses it', async () => {
  const opened = await openSupervisor({
    early: { worker: 'node', module: join(WRONG, 'chatty.mjs') },
    late: { fixture: 'workbench' },
  });
  expect(await opened.supervisor.execute('early')).toBe('still here');
  expect(await opened.supervisor.execute('late', { do: 'print', bytes: 10_000_000 })).toBe('printed');
  expect(await opened.supervisor.execute('late', { value: 1 })).toBe(1);
  expect((await opened.supervisor.logs('late', { lines: 2 })).split('\n')).toEqual(['x'.repeat(999), 'x'.repeat(999)]);
});

const SCHEMA = {
  type: 'object',
  properties: {
    model: { enum: ['base', 'large'], default: 'base' },
    beams: { type: 'integer', minimum: 1, default: 5 },
  },
  additionalProperties: false,
};

test('a config that does not fit the schema is refused with every place, before any worker starts', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', config_schema: SCHEMA } });
  const error = await failure(opened.supervisor.load('plugin', { config: { model: 'huge', beams: 0, speed: 2 } }));
  expect(error).toMatchObject({ code: 'E_CONFIG', plugin: 'plugin' });
  expect((error.details as { problems: string[] }).problems).toEqual([
    expect.stringContaining('speed'),
    expect.stringContaining('model'),
    expect.stringContaining('beams'),
  ]);
  expect(opened.transitions).toEqual([]);
  await opened.supervisor.load('plugin', { config: { beams: 2 } });
  expect(await opened.supervisor.config('plugin')).toEqual({ model: 'base', beams: 2 });
});

test('a config update that does not fit, or that the plugin refuses, leaves the former in force', async () => {
  const opened = await openSupervisor({
    checked: { fixture: 'workbench', config_schema: SCHEMA },
    refusing: { fixture: 'workbench' },
  });
  await opened.supervisor.load('checked');
  await opened.supervisor.load('refusing', { config: { a: 1 } });
  expect((await failure(opened.supervisor.updateConfig('checked', { beams: 'many' }))).code).toBe('E_CONFIG');
  const refused = await failure(opened.supervisor.updateConfig('refusing', { refuse: 'tiny' }));
  expect(refused).toMatchObject({ code: 'E_REMOTE', remote: { type: 'RangeError' } });
  expect(await opened.supervisor.configs()).toEqual({ checked: { model: 'base', beams: 5 }, refusing: { a: 1 } });
});

test('where socket paths would be too long the worker is reached over TCP', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'bare' } });
  const long = join(opened.scratch, 'x'.repeat(100));
  mkdirSync(long);
  const { XDG_RUNTIME_DIR, TMPDIR } = process.env;
  process.env['XDG_RUNTIME_DIR'] = long;
  process.env['TMPDIR'] = long;
  try {
    expect(await opened.supervisor.execute('plugin')).toMatchObject({ pid: expect.any(Number) });
  } finally {
    process.env['XDG_RUNTIME_DIR'] = XDG_RUNTIME_DIR;
    if (TMPDIR === undefined) delete process.env['TMPDIR'];
    else process.env['TMPDIR'] = TMPDIR;
  }
});

test('a data directory that cannot be written is named, and nothing is left running', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'bare' } }, { dataDir: '/dev/null/data' });
  const error = await failure(opened.supervisor.load('plugin'));
  expect(error).toMatchObject({
    code: 'E_DATA_DIR',
    plugin: 'plugin',
    message: expect.stringContaining('/dev/null/data'),
  });
  expect(opened.supervisor.status().workers).toBe(0);
});

test('a search path that is not there is empty until somebody makes it', async () => {
  const opened = await openSupervisor({}, { searchPaths: ['/nowhere/plugins'] });
  expect(opened.supervisor.plugins()).toEqual([]);
});

test('a worker that fails under ten callers is reported to all ten', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'bare', args: ['bare.mjs', 'exits'] } });
  const calls = Array.from({ length: 10 }, () => failure(opened.supervisor.execute('plugin')));
  expect((await Promise.all(calls)).map(({ code }) => code)).toEqual(Array.from({ length: 10 }, () => 'E_START'));
  await gone([]);
});
