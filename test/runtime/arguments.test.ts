import { pino } from 'pino';
import { expect, test, vi } from 'vitest';
import {
  type Asking,
  createSupervisor,
  GreenroomError,
  type Policy,
  type Supervisor,
  type SystemStats,
} from '../../src/index.ts';
import { shown } from '../../src/text/shown.ts';
import { eventually } from '../eventually.ts';
import { failure, openSupervisor } from './greenroom.ts';

/** JavaScript may pass anything. */
type Anything = Record<string, (...given: unknown[]) => unknown>;

const loose = (supervisor: Supervisor): Anything => supervisor as unknown as Anything;

/** What a method that returns a promise rejects with; that it must not throw is part of what is tested. */
const rejection = (promised: unknown): Promise<GreenroomError> => failure(promised as Promise<unknown>);

/** What a method that returns nothing to wait for throws, which must be a typed error. */
function thrown(act: () => unknown): GreenroomError {
  try {
    act();
  } catch (error) {
    if (error instanceof GreenroomError) return error;
    throw error;
  }
  throw new Error('It threw nothing.');
}

const next = (stream: unknown): unknown => (stream as AsyncIterable<unknown>)[Symbol.asyncIterator]().next();

const SYMBOL = Symbol('s');
const WITHOUT_TEXT = Object.create(null) as object;
const WITH_A_BUG = {
  toString() {
    throw new Error('a bug of the host');
  },
};

test.each([[null], [5], ['x'], [SYMBOL], [[]], [() => {}]])(
  'options that are %o are E_OPTIONS for every method',
  async (wrong) => {
    const opened = await openSupervisor({ plugin: { fixture: 'bare' } });
    const supervisor = loose(opened.supervisor);
    const refused = [
      await rejection(supervisor['execute']?.('plugin', {}, wrong)),
      await rejection(next(supervisor['stream']?.('plugin', {}, wrong))),
      await rejection(supervisor['load']?.('plugin', wrong)),
      await rejection(supervisor['loadAll']?.(wrong)),
      await rejection(supervisor['reload']?.('plugin', wrong)),
      await rejection(supervisor['logs']?.('plugin', wrong)),
      await rejection(supervisor['stop']?.(wrong)),
      await rejection(createSupervisor(wrong as never)),
      thrown(() => supervisor['plugins']?.(wrong)),
      thrown(() => supervisor['categories']?.(wrong)),
    ];
    for (const error of refused) {
      expect(error).toMatchObject({ code: 'E_OPTIONS', message: expect.stringMatching(/must be an object.*, got ./) });
    }
    expect(opened.transitions).toEqual([]);
  },
);

test.each([
  ['load', ['plugin', { signal: {} }], 'The option "signal" of load() must be an AbortSignal, got {}.'],
  ['load', ['plugin', { signal: null }], 'must be an AbortSignal, got null.'],
  ['reload', ['plugin', { signal: 5 }], 'The option "signal" of reload() must be an AbortSignal, got 5.'],
  ['logs', ['plugin', { lines: -1 }], 'The option "lines" of logs() must be a whole number of lines from 0'],
  ['logs', ['plugin', { lines: '5' }], 'got "5".'],
  ['logs', ['plugin', { follow: 1 }], 'The option "follow" of logs() must be true or false, got 1.'],
  ['stop', [{ timeoutMs: '5' }], 'The option "timeoutMs" of stop() must be a number of milliseconds from 0'],
  ['execute', ['plugin', {}, { signal: SYMBOL }], 'a call to "plugin" must be an AbortSignal, got Symbol(s).'],
  ['registerSystemMonitor', [null], 'must be the name of a plugin, or an object with read(), got null.'],
  ['registerSystemMonitor', [{ read: 5 }], 'must be the name of a plugin, or an object with read(), got { read: 5 }.'],
])('%s(%o) is refused, and it is said what is wrong', async (method, given, message) => {
  const opened = await openSupervisor({ plugin: { fixture: 'bare' } });
  const error = await rejection(loose(opened.supervisor)[method]?.(...given));
  expect(error).toMatchObject({ code: 'E_OPTIONS', message: expect.stringContaining(message) });
  expect(opened.transitions).toEqual([]);
});

test('a wrong option of a filter, of a log that is followed or of a stream is refused too', async () => {
  const { supervisor } = await openSupervisor({ plugin: { fixture: 'bare' } });
  const { plugins, categories, logs, stream } = loose(supervisor);
  expect(thrown(() => plugins?.call(supervisor, { loaded: 'yes' })).message).toContain('"loaded" of plugins() must be');
  expect(thrown(() => plugins?.call(supervisor, { state: 'redy' })).message).toContain('discovered, spawning, ready');
  expect(thrown(() => categories?.call(supervisor, { loaded: 1 })).message).toContain('"loaded" of categories()');
  for (const wrong of [
    logs?.call(supervisor, 'plugin', { follow: true, signal: 5 }),
    stream?.call(supervisor, 'plugin', {}, { streamIdleMs: 'x' }),
  ]) {
    expect(await rejection(next(wrong))).toMatchObject({ code: 'E_OPTIONS' });
  }
});

const NAMES = [undefined, null, 5, 5n, SYMBOL, {}, ['plugin'], WITHOUT_TEXT, WITH_A_BUG, () => {}];

test.each([...NAMES.map((name) => [shown(name), name]), ['very long', 'x'.repeat(100_000)]])(
  'a name that is %s is that of no plugin, whatever it is given to',
  async (_what, wrong) => {
    const { supervisor } = await openSupervisor({ plugin: { fixture: 'bare' } });
    const methods = loose(supervisor);
    const promised = ['execute', 'load', 'reload', 'unload', 'release', 'config', 'configSchema', 'updateConfig'];
    const refused = [
      ...(await Promise.all([...promised, 'stats', 'logs'].map((method) => rejection(methods[method]?.(wrong))))),
      await rejection(next(methods['logs']?.(wrong, { follow: true }))),
      ...['stream', 'plugin', 'enable', 'disable', 'explain'].map((method) => thrown(() => methods[method]?.(wrong))),
    ];
    for (const { code, message } of refused) {
      expect(code).toBe('E_UNKNOWN_PLUGIN');
      expect(message).toContain('There is no plugin');
      expect(message.length).toBeLessThan(500);
    }
  },
);

test('a listener that is no function is refused and not added', async () => {
  const logged: unknown[] = [];
  const logger = pino({ level: 'error' }, { write: (line) => void logged.push(line) });
  const opened = await openSupervisor({ plugin: { fixture: 'bare' } }, { logger });
  const { supervisor } = opened;
  for (const wrong of [undefined, null, 5, 'x', {}] as never[]) {
    for (const add of [
      () => supervisor.on('transition', wrong),
      () => supervisor.on('decision', wrong),
      () => supervisor.on('problem', wrong),
      () => supervisor.subscribe(wrong),
      () => supervisor.plugin('plugin').subscribe(wrong),
    ]) {
      expect(thrown(add)).toMatchObject({ code: 'E_OPTIONS', message: expect.stringContaining('a function, got ') });
    }
  }
  expect(thrown(() => supervisor.on(SYMBOL as never, () => {})).message).toContain('Unknown event Symbol(s)');
  expect(thrown(() => supervisor.on(WITHOUT_TEXT as never, () => {})).message).toContain('Expected one of: transition');
  await supervisor.load('plugin');
  expect(logged).toEqual([]);
});

test.each([
  [{ logger: 5 }, 'logger: must be a pino logger, got 5'],
  [{ logger: {} }, 'logger: must be a pino logger, got {}'],
  [{ clock: { now: () => 0 } }, 'clock: must be an object with now(), monotonic(), setTimeout(), clearTimeout()'],
  [{ random: 5 }, 'random: must be a function, got 5'],
  [{ observer: 5 }, 'observer: must be a function, or an object with next(), got 5'],
  [{ observer: { next: 5 } }, 'observer: must be a function, or an object with next()'],
])('createSupervisor(%o) is refused, and it is said what is wrong', async (options, message) => {
  const error = await rejection(createSupervisor({ searchPaths: [], ...options } as never));
  expect(error).toMatchObject({ code: 'E_OPTIONS', message: expect.stringContaining(message) });
});

test('options that cannot be read are refused with what their accessor has thrown', async () => {
  const options = {
    get dataDir(): string {
      throw new Error('a bug of the host');
    },
  };
  const error = await rejection(createSupervisor(options));
  expect(error).toMatchObject({ code: 'E_OPTIONS', message: expect.stringContaining('a bug of the host') });
});

test('a system monitor that is refused leaves the former one', async () => {
  const { supervisor } = await openSupervisor({});
  const figures: SystemStats = {
    memoryTotalMb: 2,
    memoryAvailableMb: 1,
    gpuTotalMb: undefined,
    gpuFreeMb: undefined,
    gpus: [],
  };
  await supervisor.registerSystemMonitor({ read: () => Promise.resolve(figures) });
  expect(await rejection(supervisor.registerSystemMonitor(5 as never))).toMatchObject({ code: 'E_OPTIONS' });
  expect(await supervisor.systemStats()).toEqual(figures);
});

test('what async listeners reject with is logged, as what others throw, and reaches nobody else', async () => {
  const logged: string[] = [];
  const logger = pino({ level: 'error' }, { write: (line) => void logged.push(line) });
  const bug = (where: string) => (): unknown => Promise.reject(new Error(`a bug in ${where}`));
  const opened = await openSupervisor(
    { plugin: { fixture: 'workbench' } },
    { logger, observer: { next: bug('observer') } },
  );
  const { supervisor } = opened;
  const places = ['observer', 'transition', 'decision', 'problem', 'subscribe', 'plugin', 'progress'];
  supervisor.on('transition', bug('transition'));
  supervisor.on('decision', bug('decision'));
  supervisor.on('problem', bug('problem'));
  supervisor.subscribe(bug('subscribe'));
  supervisor.plugin('plugin').subscribe(bug('plugin'));
  opened.write('broken', { module: 17 });
  await supervisor.discover();
  const options = { onProgress: bug('progress') };
  expect(await supervisor.execute('plugin', { do: 'steps', count: 3 }, options)).toBe('done');
  await eventually(() => {
    for (const place of places) expect(logged.join('')).toContain(`a bug in ${place}`);
  });
});

test('a subscriber whose first call throws is subscribed all the same, and can be taken off', async () => {
  const logged: string[] = [];
  const logger = pino({ level: 'error' }, { write: (line) => void logged.push(line) });
  const { supervisor } = await openSupervisor({ plugin: { fixture: 'bare' } }, { logger });
  let calls = 0;
  const off = supervisor.subscribe(() => {
    calls += 1;
    throw new Error('a bug of the host');
  });
  expect(calls).toBe(1);
  expect(logged.join('')).toContain('a bug of the host');
  off();
  await supervisor.load('plugin');
  expect(calls).toBe(1);
});

test('an async policy is refused like any that answers wrongly, and its rejection reaches nobody', async () => {
  const reject = async (): Promise<never> => {
    throw new Error('a bug of the policy');
  };
  const rank = vi.fn(reject);
  const policy = {
    name: 'async',
    measures: false,
    decide: ({ plugin }: Asking) => (plugin === 'ranked' ? { outcome: 'grant', reason: 'ranked' } : reject()),
    order: { name: 'async', rank },
  };
  const unhandled = vi.fn<(error: unknown) => void>();
  process.on('unhandledRejection', unhandled);
  try {
    const bare = { fixture: 'bare' };
    const { supervisor } = await openSupervisor(
      { plugin: bare, ranked: bare },
      { policy: policy as unknown as Policy },
    );
    await supervisor.execute('ranked', {});
    await eventually(() => expect(rank).toHaveBeenCalled());
    const error = await failure(supervisor.execute('plugin', {}));
    expect(error).toMatchObject({ code: 'E_REFUSED', details: { reason: 'policy-failed' } });
    // Node tells of what nothing has handled before the next turn of the event loop.
    await new Promise((resolve) => setImmediate(resolve));
    expect(unhandled).not.toHaveBeenCalled();
  } finally {
    process.off('unhandledRejection', unhandled);
  }
});

test('what the supervisor decides by cannot be changed through what it hands out', async () => {
  const opened = await openSupervisor({
    plugin: { fixture: 'workbench', resources: { min_system_ram_mb: 1 }, config_schema: { properties: { a: {} } } },
  });
  const { supervisor } = opened;
  opened.write('broken', { module: 17 });
  await supervisor.discover();
  const { info } = supervisor.plugin('plugin');
  const handedOut = [info, info.resources, info.config_schema?.['properties'], supervisor.status().searchPaths];
  expect(handedOut.every((each) => typeof each === 'object' && Object.isFrozen(each))).toBe(true);
  expect(supervisor.problems().map((problem) => Object.isFrozen(problem))).toEqual([true]);
  expect(() => Object.assign(info, { module: '/etc/passwd' })).toThrow(TypeError);
  expect(await supervisor.execute('plugin', { value: 1 })).toBe(1);
});
