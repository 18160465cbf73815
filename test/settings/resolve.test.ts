import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { expect, onTestFinished, test } from 'vitest';
import { permissive } from '../../src/scheduler/policies/permissive.ts';
import { readEnvironment, VARIABLES } from '../../src/settings/environment.ts';
import { resolveSettings } from '../../src/settings/resolve.ts';
import type { SupervisorSettings } from '../../src/settings/schema.ts';

function resolve(options: SupervisorSettings, env: Record<string, string> = {}, file?: object | string) {
  const cwd = mkdtempSync(join(tmpdir(), 'gr-'));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  if (file !== undefined)
    writeFileSync(join(cwd, 'greenroom.json'), typeof file === 'string' ? file : JSON.stringify(file));
  return resolveSettings(options, { env, cwd });
}

test('the policy is queue as soon as something is limited, and permissive else', () => {
  expect(resolve({}).policy).toBe('permissive');
  expect(resolve({ capacity: {} }).policy).toBe('permissive');
  expect(resolve({ capacity: { slots: 2 } }).policy).toBe('queue');
  expect(resolve({ capacity: { slots: 2 }, policy: 'safety' }).policy).toBe('safety');
});

test('configurations of MCP clients are paths from the working directory, by default one in the data directory', () => {
  expect(resolve({ dataDir: '/data' }).mcpConfigs).toEqual([join('/data', 'mcp.json')]);
  expect(resolve({ mcpConfigs: ['~/a.json', '/b.json'] }).mcpConfigs).toEqual([join(homedir(), 'a.json'), '/b.json']);
  expect(resolve({}, {}, { mcpConfigs: ['.mcp.json'] }).mcpConfigs).toEqual([
    expect.stringMatching(/gr-.*\.mcp\.json$/),
  ]);
});

test('the data directory of the user is the one that no project has chosen', () => {
  const ofUser = join(homedir(), '.greenroom');
  expect(resolve({}, {}, { dataDir: '/of-project' })).toMatchObject({ dataDir: '/of-project', userDataDir: ofUser });
  const env = { GREENROOM_HOME: '/of-user' };
  expect(resolve({}, env, { dataDir: '/p' })).toMatchObject({ dataDir: '/of-user', userDataDir: '/of-user' });
  expect(resolve({ dataDir: '/given' }, env)).toMatchObject({ dataDir: '/given', userDataDir: '/given' });
});

test('capacity, policy and order come from options, else the environment, else the file', () => {
  const file = { capacity: { ramMb: 1 }, order: 'cost-aware', maxWaitMs: 7 };
  const env = { GREENROOM_CAPACITY: 'ramMb=8000, slots=4', GREENROOM_POLICY: 'safety' };
  expect(resolve({}, {}, file)).toMatchObject({ capacity: { ramMb: 1 }, policy: 'queue', order: 'cost-aware' });
  expect(resolve({}, env, file)).toMatchObject({
    capacity: { ramMb: 8000, slots: 4 },
    policy: 'safety',
    order: 'cost-aware',
    maxWaitMs: 7,
  });
  expect(resolve({ capacity: { vramMb: 5 } }, env, file).capacity).toEqual({ vramMb: 5 });
});

test('a settings file that says something twice, or a number that would be rounded, is refused with the place', () => {
  const refused = (file: string) => expect(() => resolve({}, {}, file));
  refused('{"capacity":{"ramMb":1,"ramMb":2}}').toThrow(/greenroom\.json: capacity\.ramMb is given twice/);
  expect(() => resolve({}, { GREENROOM_CAPACITY: 'slots=1,ramMb=2,slots=3' })).toThrow('"slots" is given twice');
  refused('{"__proto__":{"order":"lru"}}').toThrow('__proto__ is a name with a meaning of its own');
  refused('{"capacity":{"ramMb":12345678901234567890}}').toThrow('capacity.ramMb is 12345678901234567890');
});

test('the memory of each GPU is given by its UUID, in the environment behind "gpus."', () => {
  const gpus = { 'GPU-1': 24_000, 'GPU-2': 16_000 };
  const text = 'gpus.GPU-1=24000, slots=4, gpus.GPU-2=16000';
  expect(resolve({}, {}, { capacity: { gpus } })).toMatchObject({ capacity: { gpus }, policy: 'queue' });
  expect(resolve({}, { GREENROOM_CAPACITY: text }).capacity).toEqual({ slots: 4, gpus });
});

test('a path of a Node begins at the working directory, and a bare name is left to PATH', () => {
  expect(resolve({}).nodePath).toBeUndefined();
  expect(resolve({}, { GREENROOM_NODE_PATH: '/opt/node/bin/node' }).nodePath).toBe('/opt/node/bin/node');
  expect(resolve({}, {}, { nodePath: '../bin/node' }).nodePath).toMatch(/^\/.*\/bin\/node$/);
  expect(resolve({ nodePath: 'node22' }).nodePath).toBe('node22');
});

test('a policy may be an object with decide(), and is taken as it is', () => {
  expect(resolve({ policy: permissive }).policy).toBe(permissive);
});

test.each([
  [{ policy: 'greedy' }, 'policy: must be "permissive", "safety", "queue", or an object with decide()'],
  [{ policy: { name: 'mine' } }, 'policy: must be'],
  [{ searchPath: [] }, 'unknown option "searchPath"; did you mean "searchPaths"?'],
  [{ capacity: { ram: 5 } }, 'capacity: unknown option "ram"; did you mean "ramMb"?'],
  [{ capacity: { ramMb: -1 } }, 'capacity.ramMb: expected a number of at least 0, got -1.'],
  [{ capacity: { slots: 1.5 } }, 'capacity.slots: expected a whole number of at least 1, got 1.5.'],
  [{ maxWaiting: '4' }, 'maxWaiting: expected a whole number of at least 1, got "4".'],
  [
    { inspect: { port: 70_000 } },
    'inspect.port: expected a whole number of at least 0 and of at most 65535, got 70000.',
  ],
  [{ protocol: 3 }, 'protocol: must be 1 or 2, got 3.'],
  [{ liveness: true }, 'liveness: expected false or an object, got true.'],
  [{ liveness: { intervalMs: 'x' } }, 'liveness.intervalMs: expected a whole number of at least 1, got "x".'],
  [{ capacity: { gpus: { 'GPU-1': -1 } } }, 'capacity.gpus.GPU-1'],
  [{ capacity: { gpus: 24_000 } }, 'capacity.gpus'],
  [{ order: 'lrv' }, 'order: expected one of "lru", "cost-aware", got "lrv"; did you mean "lru"?'],
])('%j is refused, and it is said what is wrong', (options, message) => {
  expect(() => resolve(options as SupervisorSettings)).toThrow(message);
});

const VARIABLE_TEXTS: readonly [variable: string, text: string, setting: string, value: unknown][] = [
  ['GREENROOM_SEARCH_PATHS', ['/a', '', '/b'].join(delimiter), 'searchPaths', ['/a', '/b']],
  ['GREENROOM_MCP_CONFIGS', ['/a.json', '/b.json'].join(delimiter), 'mcpConfigs', ['/a.json', '/b.json']],
  ['GREENROOM_HOME', '/home', 'dataDir', '/home'],
  ['GREENROOM_POLICY', 'safety', 'policy', 'safety'],
  ['GREENROOM_CAPACITY', 'slots=2', 'capacity', { slots: 2 }],
  ['GREENROOM_ORDER', 'cost-aware', 'order', 'cost-aware'],
  ['GREENROOM_MAX_WAIT_MS', '7', 'maxWaitMs', 7],
  ['GREENROOM_MAX_SCHEDULER_WAITING', '7', 'maxSchedulerWaiting', 7],
  ['GREENROOM_WATCH', '0', 'watch', false],
  ['GREENROOM_WATCH_CODE', 'true', 'watchCode', true],
  ['GREENROOM_POLL_MS', '7', 'pollMs', 7],
  ['GREENROOM_TRANSPORT', 'tcp', 'transport', 'tcp'],
  ['GREENROOM_PROTOCOL', '1', 'protocol', 1],
  ['GREENROOM_PASS_ENV', 'HF_*, TOKEN', 'passEnv', ['HF_*', 'TOKEN']],
  ['GREENROOM_NODE_PATH', 'node22', 'nodePath', 'node22'],
  ['GREENROOM_START_TIMEOUT_MS', '7', 'startTimeoutMs', 7],
  ['GREENROOM_DRAIN_TIMEOUT_MS', '7', 'drainTimeoutMs', 7],
  ['GREENROOM_STOP_TIMEOUT_MS', '7', 'stopTimeoutMs', 7],
  ['GREENROOM_STREAM_IDLE_MS', '7', 'streamIdleMs', 7],
  ['GREENROOM_API_KEYS', 'one, two', 'apiKeys', ['one', 'two']],
  ['GREENROOM_LOG_LEVEL', 'debug', 'logLevel', 'debug'],
];

test.each(VARIABLE_TEXTS)('%s=%s sets %s', (variable, text, setting, value) => {
  expect(resolve({}, { [variable]: text })).toHaveProperty(setting, value);
});

test('no other setting has a variable, and an empty one counts as absent', () => {
  const variables = VARIABLE_TEXTS.map(([variable]) => variable);
  expect([...VARIABLES.values()].map(({ name }) => name)).toEqual(variables);
  expect(readEnvironment(Object.fromEntries(variables.map((name) => [name, ''])))).toEqual({});
});

test('a default never overrules a source, and an option that is undefined leaves the others their say', () => {
  const file = { order: 'cost-aware', watch: false, inspect: true, liveness: false };
  const env = { GREENROOM_MAX_WAIT_MS: '7' };
  expect(resolve({ watch: undefined, maxWaitMs: undefined }, env, file)).toMatchObject({
    order: 'cost-aware',
    watch: false,
    inspect: {},
    liveness: false,
    maxWaitMs: 7,
  });
});

test.each(['ramMb', 'ramMb=lots', 'ramMb=', 'ram=1', 'gpus.GPU-1=', 'gpus.=1', 'gpus=1'])(
  'GREENROOM_CAPACITY=%s is refused',
  (text) => {
    expect(() => resolve({}, { GREENROOM_CAPACITY: text })).toThrow(
      'Invalid settings in the environment: GREENROOM_CAPACITY',
    );
  },
);

test('manifests are watched, polled or left alone, as options, environment or file say', () => {
  expect(resolve({})).toMatchObject({ watch: true, pollMs: 2_000 });
  expect(resolve({}, {}, { watch: 'poll', pollMs: 500 })).toMatchObject({ watch: 'poll', pollMs: 500 });
  expect(resolve({}, { GREENROOM_WATCH: 'poll', GREENROOM_POLL_MS: '500' })).toMatchObject({
    watch: 'poll',
    pollMs: 500,
  });
  expect(resolve({}, { GREENROOM_WATCH: 'false' }).watch).toBe(false);
  expect(resolve({}, { GREENROOM_WATCH: '1' }).watch).toBe(true);
  expect(() => resolve({}, { GREENROOM_WATCH: 'often' })).toThrow('GREENROOM_WATCH: must be true, false or "poll"');
  expect(() => resolve({ pollMs: 0 })).toThrow('pollMs');
});

test.each([
  ['a device', '/dev/zero', 'is a device or pipe, not a file'],
  ['a folder', '/', 'is a folder, not a file'],
])('greenroom.json that is %s is refused, and not read for ever', (_what, target, reason) => {
  const cwd = mkdtempSync(join(tmpdir(), 'gr-'));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  symlinkSync(target, join(cwd, 'greenroom.json'));
  expect(() => resolveSettings({}, { env: {}, cwd })).toThrow(reason);
});

test('greenroom.json that is too large or nested too deep is refused, and a byte order mark is not', () => {
  const cwd = mkdtempSync(join(tmpdir(), 'gr-'));
  onTestFinished(() => rmSync(cwd, { recursive: true }));
  const settingsIn = (text: string) => {
    writeFileSync(join(cwd, 'greenroom.json'), text);
    return resolveSettings({}, { env: {}, cwd });
  };
  expect(() => settingsIn(' '.repeat(2 ** 20 + 1))).toThrow('is larger than 1024 KiB');
  expect(() => settingsIn(`{"restart":${'['.repeat(5_000)}${']'.repeat(5_000)}}`)).toThrow('more than 64 levels deep');
  expect(settingsIn('\ufeff{"watch":false}').watch).toBe(false);
});

test('how long a stream may be left unread is a time above 0, or Infinity, and anything else is refused with its value', () => {
  expect(resolve({}).streamIdleMs).toBe(600_000);
  expect(resolve({}, {}, { streamIdleMs: 7 }).streamIdleMs).toBe(7);
  expect(resolve({}, { GREENROOM_STREAM_IDLE_MS: '8' }, { streamIdleMs: 7 }).streamIdleMs).toBe(8);
  expect(resolve({}, { GREENROOM_STREAM_IDLE_MS: 'Infinity' }).streamIdleMs).toBe(Infinity);
  expect(resolve({ streamIdleMs: Infinity }, { GREENROOM_STREAM_IDLE_MS: '8' }).streamIdleMs).toBe(Infinity);
  for (const wrong of [0, -1, 1.5, Number.NaN, '5'] as never[]) {
    expect(() => resolve({ streamIdleMs: wrong })).toThrow(
      /the options of createSupervisor\(\): streamIdleMs: must be a whole number of milliseconds above 0, or Infinity for no limit, got/,
    );
  }
  expect(() => resolve({}, { GREENROOM_STREAM_IDLE_MS: 'soon' })).toThrow(
    /the environment: GREENROOM_STREAM_IDLE_MS: .*, got "soon"/,
  );
});
