import { existsSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import { GreenroomError, type Progress } from '../../src/index.ts';
import { Arguments, createSupervisor } from '../../src/sync/index.ts';
import { eventually } from '../eventually.ts';
import { type About, SCHEMA } from '../runtime/workbench.ts';
import { openBlocking, thrownBy } from './blocking.ts';

const tools = { fixture: 'workbench' };

test('a call returns its result, of plugins in Node and in Python', async () => {
  const { blocking } = await openBlocking({ tools, python: { fixture: 'workbench-python' } });
  expect(blocking.execute('tools', { do: 'echo', value: ['two', null] })).toEqual(['two', null]);
  const { pid } = blocking.execute<About>('python', { do: 'about' });
  // An object has the keyword arguments, a list the positional ones, anything else is the only one.
  expect(blocking.execute('python', ['about'])).toMatchObject({ pid });
  expect(blocking.execute('python', 'about')).toMatchObject({ pid });
  expect(blocking.plugins({ loaded: true }).map(({ name }) => name)).toEqual(['python', 'tools']);
});

test('values are as exact as those of awaited calls', async () => {
  const { blocking, supervisor } = await openBlocking({ tools });
  const value = JSON.parse('{"zero":-0.0,"large":1e20,"half":"\\ud800","__proto__":{"a":1},"deep":[[[]]]}') as unknown;
  const result = blocking.execute('tools', { do: 'echo', value });
  expect(result).toStrictEqual(value);
  expect(result).toStrictEqual(await supervisor.execute('tools', { do: 'echo', value }));
  expect(Object.hasOwn(result as object, '__proto__')).toBe(true);
  expect(blocking.execute('tools', { do: 'echo', value: new Date(0) })).toBe('1970-01-01T00:00:00.000Z');
});

test('bytes and integers of any size go both ways, in calls, streams and details, or are refused as by awaited calls', async () => {
  const { blocking, supervisor } = await openBlocking({ tools });
  const every = Buffer.from(Array.from({ length: 256 }, (_, byte) => byte));
  const value = { list: [every, [{ deep: Buffer.alloc(0) }]], ids: [2n ** 64n, -(10n ** 30n)], float: 1e20 };
  expect(blocking.execute('tools', { value })).toStrictEqual(value);
  expect(blocking.execute('tools', new Arguments([{ value: every }], { value: 2 }))).toStrictEqual(every);
  expect([...blocking.stream('tools', { values: [value, every] })]).toStrictEqual([value, every]);
  const complained = thrownBy(() => blocking.execute('tools', { do: 'complain', details: value })) as GreenroomError;
  expect(complained.remote?.details).toStrictEqual(value);
  expect(blocking.execute('tools', { value: 2n ** 64n }, { integers: 'number' })).toBe(2 ** 64);
  const large = new Uint8Array(130 * 2 ** 20);
  for (const refused of [{ value: [large, large] }, { value: 10n ** 5000n }]) {
    const expected = await supervisor.execute('tools', refused).catch((error: unknown) => error as GreenroomError);
    expect(thrownBy(() => blocking.execute('tools', refused))).toMatchObject({
      code: 'E_SERIALIZE',
      message: (expected as GreenroomError).message,
    });
  }
});

test('errors are those of awaited calls, with the stack of the caller', async () => {
  const { blocking, supervisor } = await openBlocking({ tools });
  const cycle: Record<string, unknown> = {};
  cycle['self'] = cycle;
  const calls: [string, unknown, object?][] = [
    ['tool', {}],
    ['tools', { do: 'fail' }],
    ['tools', { do: 'fail', how: 'string' }],
    ['tools', { do: 'odd', kind: 'map' }],
    ['tools', { list: [{ map: new Map() }] }],
    ['tools', cycle],
    ['tools', { do: 'echo' }, { timeoutMs: -1 }],
    ['tools', { do: 'echo' }, { priority: Number.NaN }],
    ['tools', { do: 'echo' }, { onProgress: 5 }],
    ['tools', { do: 'echo' }, 5 as unknown as object],
    ['tools', { do: 'exit', code: 3 }],
  ];
  for (const [name, input, options] of calls) {
    const expected = await supervisor.execute(name, input, options).catch((error: unknown) => error as GreenroomError);
    const error = thrownBy(() => blocking.execute(name, input, options)) as GreenroomError;
    expect(error).toBeInstanceOf(GreenroomError);
    const { code, plugin, message, remote, cause } = expected as GreenroomError;
    expect(error, message).toMatchObject({ code, plugin, message });
    expect(error.remote?.details).toEqual(remote?.details);
    expect((error.cause as Error | undefined)?.message).toBe((cause as Error | undefined)?.message);
    expect(error.stack).toMatch(/^GreenroomError: /);
    expect(error.stack).toContain('blocking-supervisor.test.ts');
  }
});

test('a failed start tells what the worker left, in details and in causes', async () => {
  const { blocking, scratch, write } = await openBlocking({ tools: { ...tools, restart: { policy: 'temporary' } } });
  const module = join(scratch, 'exits.mjs');
  writeFileSync(module, 'console.error("the last words"); process.exit(5);');
  write('exits', { version: '1.0.0', worker: 'node', module, restart: { policy: 'temporary' } });
  blocking.discover();
  const error = thrownBy(() => blocking.load('exits')) as GreenroomError;
  expect(error).toMatchObject({ code: 'E_START', details: { exitCode: 5, output: expect.stringContaining('words') } });
  const refused = thrownBy(() => blocking.load('tools', { config: { refuse: 'large' } }));
  expect(refused).toMatchObject({ code: 'E_REMOTE', remote: { type: 'RangeError', message: 'no such model: large' } });
});

test('a call that takes too long ends by its timeoutMs, and the next has its own result', async () => {
  const { blocking, scratch } = await openBlocking({ tools });
  const late = join(scratch, 'late');
  const input = { do: 'wait', for: late, value: 'late' };
  const error = thrownBy(() => blocking.execute('tools', input, { timeoutMs: 300 }));
  expect(error).toMatchObject({ code: 'E_TIMEOUT', plugin: 'tools' });
  writeFileSync(late, '');
  expect(blocking.execute('tools', { do: 'echo', value: 'next' })).toBe('next');
});

test('onProgress is called in order while the call waits, and may make calls of its own', async () => {
  const { blocking } = await openBlocking({ tools, other: tools });
  const steps: unknown[] = [];
  const onProgress = ({ progress, message }: Progress): void => {
    steps.push([progress, message, blocking.execute('other', { do: 'echo', value: message })]);
  };
  steps.push(blocking.execute('tools', { do: 'steps', count: 4 }, { onProgress }));
  expect(steps).toEqual([...[1, 2, 3, 4].map((n) => [n / 4, `step ${n}`, `step ${n}`]), 'done']);
});

test('an onProgress that throws or rejects is warned of, and the call goes on', async () => {
  const { blocking } = await openBlocking({ tools });
  const warned = vi.spyOn(process, 'emitWarning').mockImplementation(() => {});
  const fail = (): never => {
    throw new Error('not today');
  };
  expect(blocking.execute('tools', { do: 'steps', count: 1 }, { onProgress: fail })).toBe('done');
  expect(warned).toHaveBeenCalledWith('onProgress failed, and the call went on: not today', 'GreenroomWarning');
  warned.mockClear();
  const reject: () => unknown = async () => fail();
  expect(blocking.execute('tools', { do: 'steps', count: 1 }, { onProgress: reject })).toBe('done');
  await eventually(() => expect(warned).toHaveBeenCalledOnce());
  warned.mockRestore();
});

test('cancelCalls ends the call that waits, from its onProgress', async () => {
  const { blocking } = await openBlocking({ tools });
  const reason = new RangeError('enough');
  const error = thrownBy(() =>
    blocking.execute(
      'tools',
      { do: 'wait', for: '/nowhere' },
      { onProgress: () => blocking.cancelCalls('tools', reason) },
    ),
  ) as GreenroomError;
  expect(error).toMatchObject({ code: 'E_CANCELLED', plugin: 'tools' });
  expect(error.cause).toMatchObject({ name: 'RangeError', message: 'enough' });
});

test('a signal is refused, with what to use instead', async () => {
  const { blocking } = await openBlocking({ tools });
  // In TypeScript there is none.
  const signal: object = AbortSignal.timeout(1_000);
  const options: object = { signal };
  const refused = thrownBy(() => blocking.execute('tools', {}, options));
  expect(refused).toMatchObject({
    code: 'E_OPTIONS',
    message:
      'The option "signal" of a call to "tools" cannot be used: nothing can abort it while the program waits. Set timeoutMs instead.',
  });
  expect(thrownBy(() => blocking.execute('tools', {}, signal))).toEqual(refused);
  expect(thrownBy(() => blocking.stream('tools', {}, options).next())).toMatchObject({ code: 'E_OPTIONS' });
  expect(thrownBy(() => blocking.load('tools', options))).toMatchObject({
    code: 'E_OPTIONS',
    message: expect.stringMatching(/^The option "signal" of load\(\) .* startTimeoutMs /),
  });
});

test('a function as an option is refused as elsewhere: by its name, and with what it has to be', async () => {
  const { blocking } = await openBlocking({ tools });
  const refusal = (options: object) => thrownBy(() => blocking.execute('tools', {}, options)) as Error;
  expect(refusal({ timeoutMs: () => 5 }).message).toMatch(
    /^The option "timeoutMs" of a call to "tools" must be a number of milliseconds above 0, .*, got \[Function: timeoutMs\]\.$/,
  );
  expect(refusal({ onprogress: () => {} }).message).toBe(
    'The options of a call to "tools": unknown option "onprogress"; did you mean "onProgress"?',
  );
});

test('a value that saves itself to a file is refused, as that cannot be waited for', async () => {
  const { blocking } = await openBlocking({ tools });
  const toTempFile = vi.fn();
  expect(thrownBy(() => blocking.execute('tools', { file: { toTempFile } }))).toMatchObject({
    code: 'E_SERIALIZE',
    message: expect.stringContaining('Save it to a file and pass the path.'),
  });
  expect(toTempFile).not.toHaveBeenCalled();
});

test.each([
  ['logger', { info() {} }],
  ['clock', { now: () => 0 }],
  ['random', () => 0.5],
  ['observer', () => {}],
  ['policy', { decide() {} }],
  ['capacity', { ramMb: () => 5 }],
  ['handleSignals', true],
  ['unref', true],
])('the option "%s" is refused where it cannot reach the thread', (option, value) => {
  const error = thrownBy(() => createSupervisor({ [option]: value }));
  expect(error).toMatchObject({
    code: 'E_OPTIONS',
    message: expect.stringMatching(new RegExp(`^The option "${option}" cannot be used by greenroom/sync: .*\\. \\w`)),
  });
});

test('options that are not valid are refused by the supervisor, as ever', () => {
  expect(thrownBy(() => createSupervisor(5 as never))).toMatchObject({
    code: 'E_OPTIONS',
    message: 'The options of createSupervisor() must be an object, got 5.',
  });
  const error = thrownBy(() => createSupervisor({ maxWaiting: -1 })) as GreenroomError;
  expect(error).toMatchObject({ code: 'E_OPTIONS', message: expect.stringContaining('maxWaiting') });
  expect(error.stack).toContain('blocking-supervisor.test.ts');
});

test('plugins are loaded, configured, released, disabled and unloaded', async () => {
  const { blocking } = await openBlocking({ tools: { ...tools, config_schema: SCHEMA } });
  blocking.load('tools', { config: { beams: 2 } });
  expect(blocking.config('tools')).toEqual({ model: 'base', beams: 2 });
  blocking.updateConfig('tools', { model: 'large' });
  expect(blocking.configs()).toEqual({ tools: { model: 'large', beams: 5 } });
  expect(blocking.configSchema('tools')).toEqual(SCHEMA);
  expect(blocking.tools('tools').map(({ name }) => name)).toEqual(['execute']);
  expect(thrownBy(() => blocking.updateConfig('tools', { beams: NaN }))).toMatchObject({ code: 'E_SERIALIZE' });
  const { pid } = blocking.execute<About>('tools', { do: 'about' });
  expect(blocking.stats('tools')).toMatchObject({ pid });
  blocking.reload('tools');
  expect(blocking.execute<About>('tools', { do: 'about' }).pid).not.toBe(pid);
  blocking.release('tools');
  expect(blocking.plugin('tools').snapshot()).toMatchObject({ state: 'released' });
  blocking.disable('tools');
  expect(thrownBy(() => blocking.execute('tools'))).toMatchObject({ code: 'E_DISABLED' });
  blocking.enable('tools');
  blocking.unload('tools');
  expect(blocking.snapshot()).toMatchObject({ state: 'running', plugins: [{ name: 'tools', state: 'discovered' }] });
});

test('integers of any size come as they do without waiting', async () => {
  const id = 725653563933458433n;
  const says = (type: string, body: string) => ({ fixture: 'bare', args: ['bare.mjs', 'says', type, body] });
  const { blocking } = await openBlocking({
    result: says('application/json', `{"result":{"id":${id}}}`),
    chunks: says('application/x-ndjson', `{"chunk":${id}}\n{"end":true}\n`),
    error: says('application/json', `{"error":{"type":"Taken","message":"no","details":{"id":${id}}}}`),
  });
  expect(blocking.execute('result')).toEqual({ id });
  expect(blocking.execute('result', undefined, { integers: 'number' })).toEqual({ id: Number(id) });
  expect([...blocking.stream('chunks')]).toEqual([id]);
  expect(blocking.config('result')).toEqual({ result: { id } });
  expect(thrownBy(() => blocking.execute('error'))).toMatchObject({ remote: { details: { id } } });
});

test('positional and keyword arguments are passed together', async () => {
  const { blocking } = await openBlocking({ toolbox: { fixture: 'toolbox', tools: [{ name: 'read' }] } });
  expect(blocking.execute('toolbox', new Arguments([1, 2], { a: 3 }), { tool: 'read' })).toMatchObject({
    args: [1, 2],
    kwargs: { a: 3 },
  });
});

test('loadAll and unloadAll have an outcome for each plugin', async () => {
  const { blocking } = await openBlocking({ tools, other: tools });
  const loaded = blocking.loadAll({ other: { map: new Map() } });
  expect(loaded.get('tools')).toEqual({ ok: true });
  expect(loaded.get('other')).toMatchObject({ ok: false, error: { code: 'E_SERIALIZE', plugin: 'other' } });
  expect(loaded.get('other')).toHaveProperty('error', expect.any(GreenroomError));
  expect(blocking.unloadAll()).toEqual(new Map([['tools', { ok: true }]]));
});

test('what the supervisor knows can be read, as frozen data', async () => {
  const { blocking, supervisor, write } = await openBlocking({ tools: { ...tools, category: 'work' } });
  const [{ since: _since, ...told } = { since: 0 }] = supervisor.plugins();
  expect(blocking.plugins()).toEqual([expect.objectContaining(told)]);
  expect(blocking.categories()).toEqual(['work']);
  expect(blocking.plugin('tools').info).toEqual(supervisor.plugin('tools').info);
  const { lines: _lines, ...explained } = supervisor.explain('tools');
  expect(blocking.explain('tools')).toMatchObject({ need: explained.need, free: explained.free });
  expect(blocking.status()).toMatchObject({ state: 'running', workers: 0 });
  expect(Object.isFrozen(blocking.plugins()[0])).toBe(true);
  expect(blocking.systemStats()).toMatchObject({ memoryTotalMb: expect.any(Number) as number });
  expect(blocking.problems()).toEqual([]);
  write('wrong', { nonsense: 5 });
  expect(blocking.discover()).toHaveLength(1);
  expect(blocking.problems()).not.toEqual([]);
  expect(thrownBy(() => blocking.plugin('tool'))).toMatchObject({ code: 'E_UNKNOWN_PLUGIN' });
  blocking.execute('tools', { do: 'say', text: 'to the log' });
  expect(blocking.logs('tools', { lines: 1 })).toContain('to the log');
  expect(thrownBy(() => blocking.logs('tools', { follow: true } as object))).toMatchObject({ code: 'E_OPTIONS' });
});

test('a plugin may be the source of the figures of memory, and an object may not', async () => {
  const { blocking } = await openBlocking({ tools });
  blocking.registerSystemMonitor('tools');
  expect(blocking.systemStats()).toMatchObject({ memoryAvailableMb: 500 });
  expect(thrownBy(() => blocking.registerSystemMonitor({} as string))).toMatchObject({
    code: 'E_OPTIONS',
    message: expect.stringContaining('a plugin name'),
  });
});

test('an argument that is no data is refused, with the method', async () => {
  const { blocking } = await openBlocking({ tools });
  expect(thrownBy(() => blocking.unload((() => {}) as unknown as string))).toMatchObject({
    code: 'E_OPTIONS',
    message: expect.stringMatching(/^An argument of unload\(\) cannot be given to the supervisor's thread: /),
  });
});

test('stop ends the workers, also with a stream that is half read, and may be called again', async () => {
  const { blocking, dataDir } = await openBlocking({ tools });
  const stream = blocking.stream('tools', { pause: 1 });
  stream.next();
  expect(thrownBy(() => blocking.stop({ timeoutMs: -1 }))).toMatchObject({ code: 'E_OPTIONS' });
  blocking.stop();
  blocking.stop();
  const stopped = { code: 'E_STOPPING', message: expect.stringContaining('createSupervisor()') as string };
  expect(thrownBy(() => blocking.execute('tools'))).toMatchObject(stopped);
  expect(
    thrownBy(() => {
      for (const _ of stream);
    }),
  ).toMatchObject(stopped);
  expect(existsSync(join(dataDir, 'supervisors'))).toBe(true);
});

test('Symbol.dispose stops', async () => {
  const { blocking } = await openBlocking({ tools });
  blocking[Symbol.dispose]();
  expect(thrownBy(() => blocking.plugins())).toMatchObject({ code: 'E_STOPPING' });
});

test('the inspector is served while the program waits', async () => {
  const { blocking } = await openBlocking({ tools }, { inspect: true });
  expect(blocking.inspector?.url).toMatch(/^http:\/\/127\.0\.0\.1:\d+\//);
  expect((await fetch(blocking.inspector?.url ?? '')).status).toBe(200);
});
