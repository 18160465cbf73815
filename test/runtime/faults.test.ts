import { readFileSync } from 'node:fs';
import { expect, test } from 'vitest';
import { all, door, failure, gone, lives, openSupervisor, startCall } from './greenroom.ts';

test.each(['workbench', 'workbench-python'])(
  'while %s holds the processor, its health, progress and cancel go on',
  async (fixture) => {
    const opened = await openSupervisor({ plugin: { fixture, liveness: { interval_ms: 20, timeout_ms: 5_000 } } });
    const { supervisor } = opened;
    const { file, open } = door(opened);
    const call = startCall(opened, 'plugin', { do: 'spin', for: file });
    await call.running;
    const controller = new AbortController();
    const waiting = supervisor.execute('plugin', { value: 1 }, { signal: controller.signal });
    controller.abort();
    expect((await failure(waiting)).code).toBe('E_CANCELLED');
    // The liveness check has asked, and the worker has answered: it is alive and busy.
    await new Promise((resolve) => setTimeout(resolve, 100));
    expect(opened.snapshot('plugin')).toMatchObject({ state: 'busy', phase: 'serving', inFlight: 1 });
    open();
    expect(await call.result).toBe('stopped');
  },
);

test('the caller of a call that is cancelled while its worker holds the processor is told at once', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench-python' } });
  const { file, open } = door(opened);
  const controller = new AbortController();
  const call = startCall(opened, 'plugin', { do: 'spin', for: file }, { signal: controller.signal });
  await call.running;
  controller.abort(new Error('changed my mind'));
  const error = await failure(call.result);
  expect(error).toMatchObject({ code: 'E_CANCELLED', plugin: 'plugin' });
  expect(error.cause).toEqual(new Error('changed my mind'));
  open();
});

test.each([
  ['stranger', 'a stranger answers at the address', 'E_HANDSHAKE'],
  ['wrong-nonce', 'the handshake is of another spawn', 'E_HANDSHAKE'],
  ['not-found', 'whoever is there answers 404', 'E_HANDSHAKE'],
  ['version-9', 'the worker speaks another protocol', 'E_HANDSHAKE'],
  // Another start may mend these.
  ['nobody-there', 'nobody is at the address', 'E_START'],
  ['right unix:relative', 'the address leads elsewhere', 'E_START'],
])('a worker is refused where %s: %s', async (mode, _, code) => {
  const opened = await openSupervisor({
    plugin: { fixture: 'bare', args: ['bare.mjs', ...mode.split(' ')] },
    other: { fixture: 'bare' },
  });
  const error = await failure(opened.supervisor.load('plugin'));
  expect(error).toMatchObject({ code, plugin: 'plugin' });
  expect(error.message).toContain('"plugin"');
  await opened.supervisor.load('other');
});

test('a worker that cannot import is reported when it ends, with its traceback, not after the start timeout', async () => {
  const opened = await openSupervisor(
    {
      plugin: {
        worker: 'python',
        module: `${process.cwd()}/test/fixtures/plugins/wrong/import_error.py`,
        class: 'Plugin',
      },
    },
    { startTimeoutMs: 600_000 },
  );
  const error = await failure(opened.supervisor.execute('plugin'));
  expect(error).toMatchObject({ code: 'E_START', plugin: 'plugin' });
  expect(error.message).toContain('a_library_that_is_not_there');
  expect(error.details).toMatchObject({ exitCode: 1, output: expect.stringContaining('Traceback') });
});

test('a worker that crashed is started again, and is listed as what it is all the while', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { supervisor } = opened;
  await supervisor.load('plugin');
  const { pid = 0 } = opened.snapshot('plugin');
  const listed: unknown[] = [];
  supervisor.on('transition', () => listed.push(...supervisor.plugins().map(({ state, pid: of }) => [state, of])));
  const again = opened.entered('plugin', 'ready');
  process.kill(pid, 'SIGKILL');
  await again;
  expect(listed).toContainEqual(['crashed', undefined]);
  expect(listed).not.toContainEqual(['ready', pid]);
  expect(opened.snapshot('plugin')).toMatchObject({ state: 'ready', restarts: 1, generation: 2, loaded: true });
  expect(opened.snapshot('plugin').pid).not.toBe(pid);
  expect(await supervisor.execute('plugin', { value: 'back' })).toBe('back');
});

test('what a stream yields is data even if it looks like an error, and its error is an error', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'bare', args: ['bare.mjs', 'error-frame'] } });
  const chunks: unknown[] = [];
  const reading = (async () => {
    for await (const chunk of opened.supervisor.stream('plugin')) chunks.push(chunk);
  })();
  expect(await failure(reading)).toMatchObject({ code: 'E_REMOTE', remote: { type: 'Full', message: 'no' } });
  expect(chunks).toEqual([{ error: 'data' }]);
});

test.each(['workbench', 'workbench-python'])(
  'a failed initialise of %s leaves no worker and no plugin that seems loaded',
  async (fixture) => {
    const opened = await openSupervisor({ plugin: { fixture } });
    const { supervisor } = opened;
    let pid: number | undefined;
    supervisor.on('transition', () => (pid ??= opened.snapshot('plugin').pid));
    const error = await failure(supervisor.load('plugin', { config: { refuse: 'huge' } }));
    expect(error).toMatchObject({ code: 'E_REMOTE', plugin: 'plugin' });
    expect(error.message).toContain('no such model: huge');
    expect(pid).toBeGreaterThan(0);
    await gone([pid ?? 0]);
    await supervisor.unload('plugin');
    expect(supervisor.plugins({ loaded: true })).toEqual([]);
  },
);

test('a plugin that never came up is not loaded, and rests until it is asked for again', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'bare', args: ['bare.mjs', 'exits'] } });
  const resting = opened.entered('plugin', 'discovered', 'idle');
  await failure(opened.supervisor.load('plugin'));
  await resting;
  expect(opened.supervisor.plugins({ loaded: true })).toEqual([]);
  expect(opened.snapshot('plugin')).toMatchObject({
    state: 'discovered',
    pid: undefined,
    lastError: { code: 'E_START' },
  });
});

test('loading twice makes one worker', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { supervisor } = opened;
  await Promise.all([supervisor.load('plugin'), supervisor.load('plugin')]);
  const { pid } = opened.snapshot('plugin');
  await supervisor.load('plugin');
  expect(opened.snapshot('plugin')).toMatchObject({ pid, generation: 1 });
  expect(supervisor.status().workers).toBe(1);
});

test('a worker without a schema is initialised with an empty config', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'bare' } });
  expect(await opened.supervisor.execute('plugin')).toMatchObject({ initialisedWith: '{"config":{}}' });
});

test('many calls travel over one connection', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'bare' } });
  const { supervisor } = opened;
  const first = await supervisor.execute<{ connections: number }>('plugin');
  for (let call = 0; call < 50; call += 1) await supervisor.execute('plugin');
  expect(await supervisor.execute('plugin')).toMatchObject({ connections: first.connections });
  // One for calls, one for health and cancel, one for config.
  expect(first.connections).toBe(3);
});

test('a call that has ended is not cancelled any more, and no one is told that it was', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const controller = new AbortController();
  const result = await opened.supervisor.execute('plugin', { value: 7 }, { signal: controller.signal });
  controller.abort();
  expect(result).toBe(7);
  expect(await opened.supervisor.execute('plugin', { do: 'about' })).toMatchObject({ cancelled: 0 });
});

test('a plugin that can cancel is told once, and the others are not told at all', async () => {
  const opened = await openSupervisor({
    can: { fixture: 'workbench-python', class: 'Cancellable' },
    cannot: { fixture: 'workbench-python' },
  });
  const controller = new AbortController();
  const call = startCall(opened, 'can', { do: 'wait' }, { signal: controller.signal });
  await call.running;
  controller.abort();
  expect((await failure(call.result)).code).toBe('E_CANCELLED');
  expect(await opened.supervisor.execute('can', { do: 'told' })).toBe(1);
});

test('the call after a cancelled one enters only when the worker has given that up', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench-python' } });
  const { file, open } = door(opened);
  const controller = new AbortController();
  const call = startCall(opened, 'plugin', { do: 'spin', for: file }, { signal: controller.signal });
  await call.running;
  controller.abort();
  await failure(call.result);
  const next = opened.supervisor.execute('plugin', { do: 'note', text: 'next' });
  expect(opened.snapshot('plugin')).toMatchObject({ inFlight: 1, waiting: 1 });
  open();
  expect(await next).toEqual(['spin began', 'spin ended', 'next']);
});

test.each(['nan', 'odd'])('a result of a Python plugin that is not JSON (%s) is a typed error', async (what) => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench-python' } });
  const error = await failure(opened.supervisor.execute('plugin', { do: what }));
  expect(error).toMatchObject({ code: 'E_SERIALIZE', plugin: 'plugin' });
  expect(await opened.supervisor.execute('plugin', { value: 1 })).toBe(1);
});

test.each(['not-json', 'html', 'no-result', 'bad-frame'])(
  'an answer that the protocol does not allow (%s) is a typed error',
  async (mode) => {
    const opened = await openSupervisor({ plugin: { fixture: 'bare', args: ['bare.mjs', mode] } });
    const error = await failure(opened.supervisor.execute('plugin'));
    expect(error).toMatchObject({ code: 'E_PROTOCOL', plugin: 'plugin' });
    expect(error.message).toContain('"plugin"');
  },
);

test.each(['odd-error', 'error-list'])(
  'an error of a shape that nobody foresaw (%s) is still an error of the plugin',
  async (mode) => {
    const opened = await openSupervisor({ plugin: { fixture: 'bare', args: ['bare.mjs', mode] } });
    expect(await failure(opened.supervisor.execute('plugin'))).toMatchObject({
      code: 'E_REMOTE',
      remote: { type: 'Error', category: 'fatal', retryable: false },
    });
  },
);

test('a stream that breaks off is a crash and not an end', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'bare', args: ['bare.mjs', 'cut'] } });
  expect((await failure(all(opened.supervisor.stream('plugin')))).code).toBe('E_CRASHED');
});

test('the log of a plugin holds what its worker printed when it failed to start', async () => {
  const opened = await openSupervisor({
    plugin: {
      worker: 'python',
      module: `${process.cwd()}/test/fixtures/plugins/wrong/import_error.py`,
      class: 'Plugin',
    },
  });
  await failure(opened.supervisor.load('plugin'));
  await opened.supervisor.unload('plugin');
  expect(await opened.supervisor.logs('plugin')).toContain('ModuleNotFoundError');
  expect(readFileSync(`${opened.dataDir}/logs/plugin.log`, 'utf8')).toContain('"plugin":"plugin"');
});

test('a worker that crashes with a call in it rejects that call at once, with what it printed last', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { file } = door(opened);
  const call = startCall(opened, 'plugin', { do: 'wait', for: file });
  await call.running;
  const { pid = 0 } = opened.snapshot('plugin');
  process.kill(pid, 'SIGKILL');
  expect(await failure(call.result)).toMatchObject({
    code: 'E_CRASHED',
    message: expect.stringContaining('SIGKILL'),
    details: { signal: 'SIGKILL' },
  });
  expect(lives(pid)).toBe(false);
});
