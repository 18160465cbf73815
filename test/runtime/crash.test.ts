import { join } from 'node:path';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { becomes, door, failure, gone, lives, openSupervisor, startCall } from './greenroom.ts';

const crash = (code: number): Record<string, unknown> => ({ do: 'exit', code });

test('the caller of a call whose worker crashes is told how it ended and what it printed last', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { supervisor } = opened;
  await supervisor.execute('plugin', { do: 'say', text: 'famous last words' });
  const error = await failure(supervisor.execute('plugin', crash(7)));
  expect(error).toMatchObject({
    code: 'E_CRASHED',
    plugin: 'plugin',
    message: 'The worker of "plugin" exited with status 7. Last output: famous last words',
    details: { exitCode: 7, signal: null, output: expect.stringContaining('famous last words'), outOfMemory: false },
  });
  await becomes(opened, 'plugin', {
    state: 'ready',
    generation: 2,
    restarts: 1,
    lastError: { code: 'E_CRASHED', message: error.message },
  });
});

test.each([
  ['permanent', 0, 'ready'],
  ['permanent', 1, 'ready'],
  ['permanent', 125, 'failed'],
  ['permanent', 'SIGKILL', 'ready'],
  ['transient', 0, 'idle'],
  ['transient', 1, 'ready'],
  ['transient', 125, 'failed'],
  ['transient', 'SIGTERM', 'ready'],
  ['temporary', 0, 'idle'],
  ['temporary', 1, 'failed'],
  ['temporary', 125, 'failed'],
  ['temporary', 'SIGKILL', 'failed'],
] as const)('a %s worker that ends with %s is then %s', async (policy, end, phase) => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', restart: { policy } } });
  const { supervisor } = opened;
  await supervisor.load('plugin');
  const { pid = 0 } = opened.snapshot('plugin');
  const crashed = opened.entered('plugin', 'crashed');
  if (typeof end === 'string') process.kill(pid, end);
  else await failure(supervisor.execute('plugin', crash(end)));
  await crashed;
  await becomes(opened, 'plugin', { phase, generation: phase === 'ready' ? 2 : 1 });
  await gone([pid]);
  const next = supervisor.execute('plugin', { value: 'next' });
  if (phase === 'failed') {
    expect(await failure(next)).toMatchObject({
      code: 'E_GIVEN_UP',
      details: { kind: end === 125 ? 'do-not-restart' : 'temporary' },
    });
  } else expect(await next).toBe('next');
});

test('a worker that crashes too often is given up visibly, calls are refused with the cause, and load clears it', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', restart: { intensity: 2 } } });
  const { supervisor } = opened;
  const crashThrice = async (): Promise<void> => {
    for (let time = 0; time < 3; time += 1)
      expect(await failure(supervisor.execute('plugin', crash(9)))).toMatchObject({ code: 'E_CRASHED' });
    await becomes(opened, 'plugin', { state: 'crashed', phase: 'failed', loaded: false, pid: undefined });
  };
  await crashThrice();
  for (const refused of [supervisor.execute('plugin', {}), supervisor.stream('plugin', {}).next()]) {
    const error = await failure(refused);
    expect(error).toMatchObject({
      code: 'E_GIVEN_UP',
      plugin: 'plugin',
      message: expect.stringMatching(/given up after 2 restarts in 60 s.*status 9.*call load\("plugin"\)/),
      details: { kind: 'too-many-restarts', limit: { restarts: 2, periodMs: 60_000 } },
      cause: { code: 'E_CRASHED', details: { exitCode: 9 } },
    });
  }
  expect(opened.snapshot('plugin').lastError?.code).toBe('E_GIVEN_UP');
  expect(supervisor.status().counts.crashed).toBe(1);
  await supervisor.load('plugin');
  expect(await supervisor.execute('plugin', { value: 1 })).toBe(1);
  // The restarts of before do not count any more.
  await crashThrice();
  await supervisor.reload('plugin');
  expect(await supervisor.execute('plugin', { value: 2 })).toBe(2);
});

test('a plugin that was given up is unloaded like any other, and a call then starts it', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', restart: { policy: 'temporary' } } });
  await failure(opened.supervisor.execute('plugin', crash(1)));
  await becomes(opened, 'plugin', { phase: 'failed' });
  await opened.supervisor.unload('plugin');
  expect(await opened.supervisor.execute('plugin', { value: 1 })).toBe(1);
});

test('calls wait for a restart, each to its own deadline', async () => {
  const opened = await openSupervisor(
    { plugin: { fixture: 'workbench', restart: { backoff: { base_ms: 600_000, cap_ms: 600_000 } } } },
    { random: () => 0.99 },
  );
  const { supervisor } = opened;
  await failure(supervisor.execute('plugin', crash(1)));
  await becomes(opened, 'plugin', { state: 'crashed', phase: 'backoff' });
  expect(await failure(supervisor.execute('plugin', {}, { timeoutMs: 20 }))).toMatchObject({ code: 'E_TIMEOUT' });
  const waiting = supervisor.execute('plugin', { value: 'waited' });
  await becomes(opened, 'plugin', { state: 'crashed', phase: 'backoff', waiting: 1 });
  await supervisor.load('plugin');
  expect(await waiting).toBe('waited');
});

test('a call and a load that wait for a worker that is killed while it starts are served by the next one', async () => {
  const opened = await openSupervisor(({ scratch }) => ({
    plugin: { fixture: 'gated', env_vars: { GATE: join(scratch, 'door') } },
  }));
  const waiting = [opened.supervisor.execute('plugin', {}), opened.supervisor.load('plugin')];
  await becomes(opened, 'plugin', { generation: 1, pid: expect.any(Number) });
  process.kill(opened.snapshot('plugin').pid as number, 'SIGKILL');
  await becomes(opened, 'plugin', { generation: 2, waiting: 2, pid: expect.any(Number) });
  door(opened).open();
  expect(await Promise.all(waiting)).toEqual([{}, undefined]);
  expect(opened.snapshot('plugin')).toMatchObject({ state: 'ready', generation: 2, restarts: 1 });
});

test('a call that waits is told of the third start in a row that was killed', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'gated', env_vars: { GATE: '/nowhere' } } });
  const refused = failure(opened.supervisor.execute('plugin', {}));
  for (const generation of [1, 2, 3]) {
    await becomes(opened, 'plugin', { generation, waiting: 1, pid: expect.any(Number) });
    process.kill(opened.snapshot('plugin').pid as number, 'SIGABRT');
  }
  expect(await refused).toMatchObject({ code: 'E_START', details: { signal: 'SIGABRT' } });
  await becomes(opened, 'plugin', { state: 'discovered', phase: 'idle', generation: 3 });
});

test('a plugin that is disabled while it waits for a restart is not started again', async () => {
  const opened = await openSupervisor(
    { plugin: { fixture: 'workbench', restart: { backoff: { base_ms: 600_000, cap_ms: 600_000 } } } },
    { random: () => 0.99 },
  );
  const { supervisor } = opened;
  await failure(supervisor.execute('plugin', crash(1)));
  await becomes(opened, 'plugin', { phase: 'backoff' });
  supervisor.disable('plugin');
  await becomes(opened, 'plugin', { state: 'discovered', phase: 'idle', generation: 1 });
  supervisor.enable('plugin');
  expect(await supervisor.execute('plugin', { value: 1 })).toBe(1);
});

test('a plugin that was disabled before its worker crashes is not started again', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', restart: { policy: 'permanent' } } });
  const { supervisor } = opened;
  await supervisor.load('plugin');
  supervisor.disable('plugin');
  process.kill(opened.snapshot('plugin').pid as number, 'SIGKILL');
  await becomes(opened, 'plugin', { state: 'discovered', phase: 'idle', generation: 1 });
  supervisor.enable('plugin');
  expect(await supervisor.execute('plugin', { value: 1 })).toBe(1);
});

test('the config that was accepted survives a crash', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { supervisor } = opened;
  await supervisor.load('plugin', { config: { a: 1 } });
  await supervisor.updateConfig('plugin', { a: 2 });
  await failure(supervisor.execute('plugin', crash(1)));
  expect(await supervisor.execute('plugin', { do: 'about' })).toMatchObject({ config: { a: 2 }, initialised: 1 });
});

test('a released worker that dies is no crash, and the next call starts another', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  await opened.supervisor.load('plugin');
  await opened.supervisor.release('plugin');
  process.kill(opened.snapshot('plugin').pid ?? 0, 'SIGKILL');
  await becomes(opened, 'plugin', { state: 'released', phase: 'cold', pid: undefined, restarts: 0 });
  expect(await opened.supervisor.execute('plugin', { value: 1 })).toBe(1);
  expect(opened.path('plugin')).not.toContain('crashed.deciding');
});

test('a worker that dies while its plugin is being unloaded ends its calls, and that is the unload', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { file } = door(opened);
  const call = startCall(opened, 'plugin', { do: 'wait', for: file });
  await call.running;
  const unloaded = opened.supervisor.unload('plugin');
  process.kill(opened.snapshot('plugin').pid ?? 0, 'SIGKILL');
  expect(await failure(call.result)).toMatchObject({ code: 'E_CRASHED', details: { signal: 'SIGKILL' } });
  await unloaded;
  expect(opened.snapshot('plugin')).toMatchObject({ state: 'discovered', phase: 'idle', restarts: 0 });
});

test('what a crashed worker had started is gone before the next one starts', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { pid, child } = await opened.supervisor.execute<Record<string, number>>('plugin', { do: 'child' });
  const family = [pid, child] as [number, number];
  expect(family.filter(lives)).toEqual(family);
  let left: number[] | undefined;
  opened.supervisor.on('transition', ({ phase }) => {
    if (phase === 'launching') left = family.filter(lives);
  });
  await failure(opened.supervisor.execute('plugin', crash(1)));
  await opened.supervisor.execute('plugin', {});
  expect(left).toEqual([]);
});

test('the crash loop of one plugin does not disturb another', async () => {
  const warnings: unknown[] = [];
  const opened = await openSupervisor(
    {
      looping: { fixture: 'bare', args: ['bare.mjs', 'exits'], restart: { policy: 'permanent', intensity: 10 } },
      steady: { fixture: 'workbench' },
    },
    { logger: pino({ level: 'warn' }, { write: (line) => void warnings.push(JSON.parse(line)) }) },
  );
  const { supervisor } = opened;
  const about = await supervisor.execute<{ pid: number }>('steady', { do: 'about' });
  const loop = failure(supervisor.load('looping'));
  let answered = 0;
  while (opened.snapshot('looping').phase !== 'failed') {
    expect(await supervisor.execute('steady', { value: answered })).toBe(answered);
    answered += 1;
  }
  expect((await loop).code).toBe('E_START');
  expect(answered).toBeGreaterThan(10);
  expect(opened.snapshot('looping')).toMatchObject({ restarts: 10, generation: 11 });
  expect(opened.snapshot('steady')).toMatchObject({ pid: about.pid, generation: 1, restarts: 0 });
  expect(warnings).toContainEqual(expect.objectContaining({ plugin: 'looping', msg: 'plugin crashed' }));
  expect(warnings).not.toContainEqual(expect.objectContaining({ plugin: 'steady' }));
});

test('a worker that lives and cannot be reached is ended and restarted, and the call that found out is sent again', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'bare', args: ['bare.mjs', 'closes'] } });
  const first = await opened.supervisor.execute<{ pid: number }>('plugin', {});
  // Liveness would find out only later, and is off for some.
  const crashed = opened.entered('plugin', 'crashed');
  const second = await opened.supervisor.execute<{ pid: number }>('plugin', {});
  expect(second.pid).not.toBe(first.pid);
  expect(await crashed).toMatchObject({ event: 'UNREACHABLE', reason: expect.stringContaining('cannot be reached') });
  await gone([first.pid]);
});

test('a call whose connection breaks under it fails alone: the worker answers /health and stays', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'bare', args: ['bare.mjs', 'hangs-up'] } });
  expect((await failure(opened.supervisor.execute('plugin', {}))).code).toBe('E_CRASHED');
  await opened.supervisor.execute('plugin', {});
  expect(opened.snapshot('plugin')).toMatchObject({ generation: 1, restarts: 0 });
});

test('a call whose connection breaks is sent to the same worker again if it is idempotent', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'bare', args: ['bare.mjs', 'hangs-up'] } });
  await opened.supervisor.execute('plugin', {}, { idempotent: true });
  expect(opened.snapshot('plugin')).toMatchObject({ generation: 1, restarts: 0 });
});
