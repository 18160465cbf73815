import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { Arguments } from '../../src/index.ts';
import { eventually } from '../eventually.ts';
import { all, door, failure, type ManifestOf, type OpenedSupervisor, openSupervisor, startCall } from './greenroom.ts';

function cycle(): Record<string, unknown> {
  const value: Record<string, unknown> = { list: [{}] };
  value['list'] = [{ back: value }];
  return value;
}

test.each([
  ['NaN', { value: { rate: [1, Number.NaN] } }, 'input.value.rate[1] is NaN'],
  ['infinity', { value: Number.NEGATIVE_INFINITY }, 'input.value is -Infinity'],
  ['a cycle', cycle(), 'input.list[0].back refers back'],
  ['too long an integer', { value: { n: 10n ** 5000n } }, 'input.value.n is an integer of more than 4300 digits'],
  ['a function', { value: () => 1 }, 'input.value is a function'],
  ['a list of floats', { value: new Float32Array(3) }, 'input.value is a Float32Array'],
])('%s in the input is a typed error that says where, and no worker starts for it', async (_, input, where) => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  for (const call of [opened.supervisor.execute('plugin', input), opened.supervisor.stream('plugin', input).next()]) {
    const error = await failure(call);
    expect(error).toMatchObject({ code: 'E_SERIALIZE', plugin: 'plugin', message: expect.stringContaining(where) });
  }
  expect(opened.transitions).toEqual([]);
});

test('an object becomes named arguments, a list positional ones, anything else the only one', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench-python' } });
  const { supervisor } = opened;
  expect(await supervisor.execute('plugin', { do: 'note', text: 'named' })).toEqual(['named']);
  expect(await supervisor.execute('plugin', ['about'])).toMatchObject({ calls: ['named'] });
  expect(await supervisor.execute('plugin', 'about')).toMatchObject({ calls: ['named'] });
  expect(await supervisor.execute('plugin')).toBeNull();
});

test('positional and keyword arguments go together; a Node plugin has the first one as its input', async () => {
  const { supervisor } = await openSupervisor({
    python: { fixture: 'workbench-python' },
    node: { fixture: 'workbench' },
    toolbox: { fixture: 'toolbox', tools: [{ name: 'read' }] },
  });
  expect(await supervisor.execute('python', new Arguments(['note'], { text: 'both' }))).toEqual(['both']);
  expect(await supervisor.execute('node', new Arguments([{ value: 1 }], { value: 2 }))).toBe(1);
  expect(await supervisor.execute('node', new Arguments([], { value: 2 }))).toBe(2);
  expect(await supervisor.execute('toolbox', new Arguments([1], { a: [2] }), { tool: 'read' })).toMatchObject({
    args: [1],
    kwargs: { a: [2] },
  });
});

test.each([
  ['workbench', 100],
  ['workbench-python', 30],
])('an input arrives at %s whole, however large (%i MB)', async (fixture, megabytes) => {
  const opened = await openSupervisor({ plugin: { fixture } });
  const text = 'ä'.repeat(megabytes * 500_000);
  const result = await opened.supervisor.execute<string>('plugin', { value: text });
  expect(result === text).toBe(true);
});

test.each(['nan', 'cycle', 'function', 'map', 'promise', 'error', 'date', 'floats', 'class'])(
  'a result or chunk that JSON would change (%s) is a typed error of that call alone',
  async (kind) => {
    const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
    const { supervisor } = opened;
    const refused = { code: 'E_SERIALIZE', plugin: 'plugin' };
    const result = await failure(supervisor.execute('plugin', { do: 'odd', kind }));
    expect(result).toMatchObject({ ...refused, message: expect.stringContaining('result.list[1].odd') });
    const chunk = await failure(all(supervisor.stream('plugin', { odd: kind })));
    expect(chunk).toMatchObject({ ...refused, message: expect.stringContaining('chunk.list[1].odd') });
    expect(await supervisor.execute('plugin', { value: 'fine' })).toBe('fine');
    expect(opened.snapshot('plugin').generation).toBe(1);
  },
);

test.each(['workbench', 'workbench-python'])(
  'whatever is sent to %s comes back as it was, or is refused before it is sent',
  async (fixture) => {
    const { supervisor } = await openSupervisor({ plugin: { fixture } });
    const odd = [new Map([[1, 2]]), new Set(), 1n, new Error('x'), /x/, new Date(NaN), () => 1];
    const bytes = fc.uint8Array().map((array) => Buffer.from(array));
    const data = fc.anything({
      maxDepth: 6,
      values: [
        ...[fc.string({ unit: 'binary' }), fc.integer(), fc.double(), fc.boolean(), fc.constant(null)],
        ...[fc.maxSafeInteger(), fc.constantFrom(-0, 2 ** 53, 2 ** 64, -1e20, 1e21, 1e300, 5e-324, '__proto__')],
        ...[fc.bigInt(), fc.constant(2n ** 64n), bytes],
      ],
    });
    const any = fc.oneof({ arbitrary: data, weight: 9 }, { arbitrary: fc.constantFrom(...odd), weight: 1 });
    const value = fc.oneof(data, fc.array(fc.record({ a: any, b: any })));
    await fc.assert(
      fc.asyncProperty(value, async (sent) => {
        const call = supervisor.execute('plugin', { value: sent });
        if (isData(sent)) expect(plain(await call)).toEqual(plain(sent));
        else expect((await failure(call)).code).toBe('E_SERIALIZE');
      }),
      { numRuns: 150 },
    );
  },
);

test.each(['workbench', 'workbench-python'])(
  'a value may be nested 500 levels deep on its way to %s',
  async (fixture) => {
    const { supervisor } = await openSupervisor({ plugin: { fixture } });
    const nested = (levels: number): unknown[] => (levels === 1 ? [] : [nested(levels - 1)]);
    // One level is that of the arguments.
    const value = nested(499);
    expect(JSON.stringify(await supervisor.execute('plugin', { value }))).toBe(JSON.stringify(value));
    expect((await failure(supervisor.execute('plugin', { value: [value] }))).code).toBe('E_SERIALIZE');
  },
);

function isData(value: unknown): boolean {
  if (typeof value === 'number') return Number.isFinite(value);
  if (typeof value !== 'object') return ['string', 'boolean', 'bigint'].includes(typeof value);
  if (value === null || Array.isArray(value)) return value === null || value.every(isData);
  if (Buffer.isBuffer(value)) return true;
  return Object.prototype.toString.call(value) === '[object Object]' && Object.values(value).every(isData);
}

/** As it is read: a small bigint is a number, and `toEqual` would take a field named __proto__ for a prototype. */
function plain(value: unknown): unknown {
  if (typeof value === 'bigint') return Number.isSafeInteger(Number(value)) ? Number(value) : value;
  if (typeof value !== 'object' || value === null || Buffer.isBuffer(value)) return value;
  return Array.isArray(value)
    ? value.map(plain)
    : new Map(Object.entries(value).map(([key, each]) => [key, plain(each)]));
}

const BIG = '725653563933458433';

test('integers of any size come exactly from whichever worker, or rounded where that is asked for', async () => {
  const says = (type: string, body: string): ManifestOf => ({
    fixture: 'bare',
    args: ['bare.mjs', 'says', type, body],
  });
  const opened = await openSupervisor({
    result: says('application/json', `{"result":{"ids":[1,${BIG}]}}`),
    frame: says('application/x-ndjson', `{"progress":0.5,"message":7}\n{"result":{"id":${BIG}}}\n`),
    chunk: says('application/x-ndjson', `{"chunk":{"id":1}}\n{"chunk":{"id":-${BIG}}}\n{"end":true}\n`),
    error: says('application/json', `{"error":{"type":"Taken","message":"no","details":{"id":${BIG}}}}`),
    fine: says('application/json', `{"result":{"n":[9007199254740991,0.1234567890123456789,1e20],"t":"${BIG}"}}`),
    infinite: says('application/json', '{"result":{"n":[1e999]}}'),
  });
  const { supervisor } = opened;
  const [id, rounded] = [BigInt(BIG), Number(BIG)];
  const integers = 'number';
  expect(await supervisor.execute('result')).toEqual({ ids: [1, id] });
  expect(await supervisor.execute('result', undefined, { integers })).toEqual({ ids: [1, rounded] });
  const messages: unknown[] = [];
  const onProgress = ({ message }: { message: string | undefined }): void => void messages.push(message);
  expect(await supervisor.execute('frame', undefined, { onProgress })).toEqual({ id });
  expect(messages).toEqual(['7']);
  expect(await all(supervisor.stream('chunk'))).toEqual([{ id: 1 }, { id: -id }]);
  expect(await all(supervisor.stream('chunk', undefined, { integers }))).toEqual([{ id: 1 }, { id: -rounded }]);
  expect(await failure(supervisor.execute('error'))).toMatchObject({
    code: 'E_REMOTE',
    remote: { type: 'Taken', details: { id } },
  });
  expect(await supervisor.execute('fine')).toEqual({ n: [9007199254740991, 0.12345678901234568, 1e20], t: BIG });
  expect(await failure(supervisor.execute('infinite'))).toMatchObject({
    code: 'E_SERIALIZE',
    message: expect.stringContaining('result.n[0] is 1e999'),
  });
});

test('integers are read as the supervisor is set, where a call does not say', async () => {
  const body = `{"result":{"id":${BIG}}}`;
  const plugin = { fixture: 'bare', args: ['bare.mjs', 'says', 'application/json', body] };
  const { supervisor } = await openSupervisor({ plugin }, { integers: 'number' });
  expect(await supervisor.execute('plugin')).toEqual({ id: Number(BIG) });
  expect(await supervisor.execute('plugin', undefined, { integers: 'bigint' })).toEqual({ id: BigInt(BIG) });
  expect(await supervisor.config('plugin')).toEqual({ result: { id: Number(BIG) } });
});

test('an input is sent as it was at the call, whatever its caller changes while it waits', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const input = { value: { n: [1] }, count: 1 };
  const call = opened.supervisor.execute('plugin', input);
  const stream = opened.supervisor.stream('plugin', input);
  input.value.n.push(2);
  input.count = 3;
  expect(await call).toEqual({ n: [1] });
  expect(await all(stream)).toHaveLength(1);
});

test('a config is the one that was given, whatever its giver or reader changes later', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' }, resting: { fixture: 'workbench' } });
  const { supervisor } = opened;
  const config = { sizes: [1], since: new Date(0) };
  const loading = supervisor.load('plugin', { config });
  config.sizes.push(2);
  await loading;
  const given = { sizes: [1], since: '1970-01-01T00:00:00.000Z' };
  await supervisor.reload('plugin');
  expect(await supervisor.execute('plugin', { do: 'about' })).toMatchObject({ config: given });
  await supervisor.unload('plugin');
  ((await supervisor.config('plugin')) as typeof config).sizes.push(3);
  expect(await supervisor.config('plugin')).toEqual(given);
});

test('a config that JSON would change is refused wherever it is given, and the former stays', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { supervisor } = opened;
  const config = { deep: [{ ids: new Set([1]) }] };
  const refused = { code: 'E_SERIALIZE', message: expect.stringContaining('config.deep[0].ids is a Set') };
  expect(await failure(supervisor.load('plugin', { config }))).toMatchObject(refused);
  expect(opened.transitions).toEqual([]);
  await supervisor.load('plugin', { config: { deep: 1 } });
  expect(await failure(supervisor.updateConfig('plugin', config))).toMatchObject(refused);
  expect(await failure(supervisor.reload('plugin', { config }))).toMatchObject(refused);
  const outcomes = await supervisor.loadAll({ plugin: config });
  expect(outcomes.get('plugin')).toMatchObject({ error: refused });
  expect(await supervisor.config('plugin')).toEqual({ deep: 1 });
});

test('a config has integers of any size as they were given, and is checked with them', async () => {
  const config_schema = { type: 'object', properties: { seed: { type: 'integer' }, model: { type: 'string' } } };
  const plugin = { fixture: 'workbench', config_schema, resources: { min_system_ram_mb: 1 } };
  const [exact, rounded] = [await openSupervisor({ plugin }), await openSupervisor({ plugin }, { integers: 'number' })];
  for (const { supervisor } of [exact, rounded]) {
    await supervisor.load('plugin', { config: { seed: 2n ** 64n } });
    await supervisor.unload('plugin');
  }
  expect(await exact.supervisor.config('plugin')).toEqual({ seed: 2n ** 64n });
  expect(await rounded.supervisor.config('plugin')).toEqual({ seed: 2 ** 64 });
  expect(await failure(exact.supervisor.load('plugin', { config: { model: 2n ** 64n } }))).toMatchObject({
    code: 'E_CONFIG',
    message: expect.stringContaining('model: expected a string, got 18446744073709551616'),
  });
});

test('a plugin named as a method of every object has no config by that', async () => {
  const opened = await openSupervisor({ constructor: { fixture: 'workbench' } });
  await opened.supervisor.loadAll();
  expect(await opened.supervisor.config('constructor')).toEqual({});
});

test('details of an error that JSON would change come as text, and messages of progress as what they say', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const error = await failure(opened.supervisor.execute('plugin', { do: 'fail', how: 'details' }));
  expect(error.remote?.details).toContain("Map(1) { 'id' => 7n }");
  const messages: unknown[] = [];
  for (const message of [7, { step: 1 }, null, 'text']) {
    await opened.supervisor.execute(
      'plugin',
      { do: 'report', message },
      { onProgress: (progress) => messages.push(progress.message) },
    );
  }
  expect(messages).toEqual(['7', '{"step":1}', undefined, 'text']);
});

test("a plugin's own error comes with its type, message, category, details and stack", async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const error = await failure(opened.supervisor.execute('plugin', { do: 'fail' }));
  expect(error).toMatchObject({
    code: 'E_REMOTE',
    plugin: 'plugin',
    remote: {
      type: 'RangeError',
      message: 'out of range',
      category: 'input',
      details: { limit: 3 },
      stack: expect.stringContaining('workbench.mjs'),
    },
  });
});

test.each(['string', 'null', 'object', 'getter'])(
  'whatever a plugin throws (%s) is an error of that call alone',
  async (how) => {
    const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
    expect((await failure(opened.supervisor.execute('plugin', { do: 'fail', how }))).code).toBe('E_REMOTE');
    expect(await opened.supervisor.execute('plugin', { value: 1 })).toBe(1);
  },
);

test('a Python exception that cannot even be printed is an error of that call alone', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench-python' } });
  expect(await failure(opened.supervisor.execute('plugin', { do: 'fail' }))).toMatchObject({
    code: 'E_REMOTE',
    remote: { type: expect.stringContaining('Unprintable') },
  });
  expect(await opened.supervisor.execute('plugin', { value: 1 })).toBe(1);
});

test.each([
  ['workbench', { count: 5, failAt: 3 }, 'TypeError'],
  ['workbench-python', { count: 5, fail_at: 3 }, 'KeyError'],
])('a stream of %s that fails midway gives what came before, then the error', async (fixture, input, type) => {
  const opened = await openSupervisor({ plugin: { fixture } });
  const chunks: unknown[] = [];
  const reading = (async () => {
    for await (const chunk of opened.supervisor.stream('plugin', input)) chunks.push(chunk);
  })();
  expect(await failure(reading)).toMatchObject({ code: 'E_REMOTE', remote: { type } });
  expect(chunks).toHaveLength(3);
  expect(await opened.supervisor.execute('plugin', { value: 1 })).toBe(1);
});

test('a stream whose worker dies midway gives what came before, then the crash', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const chunks: unknown[] = [];
  const reading = (async () => {
    for await (const chunk of opened.supervisor.stream('plugin', { count: 5, dieAt: 3, pause: 20 })) chunks.push(chunk);
  })();
  expect(await failure(reading)).toMatchObject({ code: 'E_CRASHED', details: { exitCode: 3 } });
  expect(chunks).toHaveLength(3);
});

test('a stream starts with its first next and not before', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const stream = opened.supervisor.stream('plugin', { count: 2 });
  expect(opened.transitions).toEqual([]);
  expect(await all(stream)).toEqual([
    { index: 0, filler: 'x' },
    { index: 1, filler: 'x' },
  ]);
});

test("leaving a stream's loop cancels it at the worker, which then takes the next call", async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  for await (const { index } of opened.supervisor.stream<{ index: number }>('plugin', { pause: 1 }))
    if (index === 3) break;
  const about = await opened.supervisor.execute<{ cancelled: number; produced: number }>('plugin', { do: 'about' });
  expect(about.cancelled).toBe(1);
});

test('a reader that stops holds the producer back, and gets every chunk once it goes on', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', max_concurrency: 2 } });
  const { supervisor } = opened;
  const count = 3_000;
  const stream = supervisor.stream<{ index: number }>('plugin', { count, size: 50_000 });
  await stream.next();
  const produced = async (): Promise<number> =>
    (await supervisor.execute<{ produced: number }>('plugin', { do: 'about' })).produced;
  // Held back: two looks apart show the same number.
  let before = -1;
  await eventually(
    async () => {
      const now = await produced();
      const same = now === before;
      before = now;
      expect(same).toBe(true);
    },
    { interval: 100 },
  );
  expect(before).toBeLessThan(count);
  const rest = await all(stream);
  expect(rest.map(({ index }) => index)).toEqual(Array.from({ length: count - 1 }, (_, index) => index + 1));
});

/** A value that saves itself, and tells where. */
function savable(opened: OpenedSupervisor, name: string): { toTempFile(): string; file: string } {
  const file = join(opened.scratch, name);
  return {
    file,
    toTempFile() {
      writeFileSync(file, `content of ${name}`);
      return file;
    },
  };
}

const removed = (file: string): Promise<void> =>
  eventually(() => expect(existsSync(file)).toBe(false), { interval: 5 });

test('a value that can save itself travels as a path, and its file is removed after the call', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const audio = savable(opened, 'audio');
  expect(await opened.supervisor.execute('plugin', { do: 'read', file: audio })).toEqual({
    path: audio.file,
    text: 'content of audio',
  });
  await removed(audio.file);
});

test('the file of such a value is removed after an error and after a cancel, too', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const [failing, cancelled, waiting] = ['failing', 'cancelled', 'waiting'].map((name) => savable(opened, name)) as [
    ReturnType<typeof savable>,
    ReturnType<typeof savable>,
    ReturnType<typeof savable>,
  ];
  await failure(opened.supervisor.execute('plugin', { do: 'fail', file: failing }));
  await removed(failing.file);
  const controller = new AbortController();
  const { file } = door(opened);
  const call = startCall(opened, 'plugin', { do: 'wait', for: file, file: cancelled }, { signal: controller.signal });
  await call.running;
  const queued = opened.supervisor.execute('plugin', { file: waiting }, { signal: controller.signal });
  expect(existsSync(cancelled.file)).toBe(true);
  await eventually(() => expect(opened.snapshot('plugin').waiting).toBe(1), { interval: 2 });
  controller.abort();
  await failure(call.result);
  await failure(queued);
  await removed(cancelled.file);
  await removed(waiting.file);
});

test('a call whose input takes for ever to be saved ends at its time-out and its cancel', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  let save!: (file: string) => void;
  const saved = new Promise<string>((resolve) => (save = resolve));
  const slow = { toTempFile: () => saved };
  const controller = new AbortController();
  const waiting = [
    failure(opened.supervisor.execute('plugin', { slow }, { timeoutMs: 20 })),
    failure(opened.supervisor.stream('plugin', { slow }, { timeoutMs: 20 }).next()),
    failure(opened.supervisor.execute('plugin', { slow }, { signal: controller.signal })),
  ];
  controller.abort();
  const errors = await Promise.all(waiting);
  expect(errors.map(({ code }) => code)).toEqual(['E_TIMEOUT', 'E_TIMEOUT', 'E_CANCELLED']);
  expect(errors[0]?.message).toContain('saving its input to files');
  const { file, toTempFile } = savable(opened, 'slow');
  save(toTempFile());
  await removed(file);
});

test('a value that fails to save itself is a typed error, and what others saved is removed', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const good = savable(opened, 'good');
  const bad = {
    toTempFile() {
      throw new Error('the disk is full');
    },
  };
  const error = await failure(opened.supervisor.execute('plugin', { good, bad }));
  expect(error).toMatchObject({ code: 'E_SERIALIZE', message: expect.stringContaining('toTempFile() of input.bad') });
  await removed(good.file);
});

describe.each(['workbench', 'workbench-python'])('a chunk of %s', (fixture) => {
  test('is what it was as it was given, whatever the plugin makes of it then', async () => {
    const { supervisor } = await openSupervisor({ plugin: { fixture } });
    for (const rest of [{}, { text: 'ä' }, { deep: [1] }, { bytes: Buffer.from('ab') }]) {
      const chunks = await all(supervisor.stream('plugin', { reused: rest }));
      expect(chunks).toEqual([0, 1, 2].map((n) => ({ ...rest, n })));
    }
  });

  test('comes in its place among others, whether they are written together or not', async () => {
    const { supervisor } = await openSupervisor({ plugin: { fixture } });
    const values = [1, 'two', { three: 3, ä: null, f: 0.5 }, [4], { five: { deep: true } }, null, true, '', {}];
    const many = Array.from({ length: 50 }, () => [
      ...values,
      Buffer.from('six'),
      2n ** 64n,
      -0,
      'x'.repeat(20_000),
    ]).flat();
    expect(await all(supervisor.stream('plugin', { values: many }))).toEqual(many);
  });
});
