import { expect, onTestFinished, test, vi } from 'vitest';
import { type Clock, systemClock } from '../../src/time/clock.ts';
import { becomes, door, failure, gone, openSupervisor, startCall } from './greenroom.ts';

const HOUR_MS = 3_600_000;
const DAYS_30_MS = 30 * 24 * HOUR_MS;
const STUBBORN = { fixture: 'stubborn', liveness: { interval_ms: 20, timeout_ms: 5_000 } };

/** A clock whose time of day and whose monotonic time a test puts on, each by itself. */
class ShiftedClock implements Clock {
  ahead = 0;
  passed = 0;
  /** Is given each timer that is set; true: it takes charge of it. */
  takes: (fn: () => void, ms: number) => boolean = () => false;

  readonly now = (): number => systemClock.now() + this.ahead;
  readonly monotonic = (): number => systemClock.monotonic() + this.passed;
  readonly setTimeout = (fn: () => void, ms: number): unknown =>
    this.takes(fn, ms) ? undefined : systemClock.setTimeout(fn, ms);
  readonly clearTimeout = (timer: unknown): void => systemClock.clearTimeout(timer);
}

test('crashes count for their period, however the clock is set', async () => {
  const clock = new ShiftedClock();
  const restart = { intensity: 2, period_ms: HOUR_MS };
  const opened = await openSupervisor({ plugin: { fixture: 'workbench', restart } }, { clock });
  const { supervisor } = opened;
  const crash = async (): Promise<void> => {
    await failure(supervisor.execute('plugin', { do: 'exit', code: 1 }));
    await supervisor.execute('plugin', {}).catch(() => {});
  };
  await crash();
  clock.ahead = -24 * HOUR_MS;
  await crash();
  clock.passed = 2 * HOUR_MS;
  await crash();
  // The clock goes on, and no time has passed.
  clock.ahead = 24 * HOUR_MS;
  await crash();
  await becomes(opened, 'plugin', { state: 'ready' });
  await crash();
  await becomes(opened, 'plugin', { phase: 'failed' });
  const error = await failure(supervisor.execute('plugin', {}));
  const times = error.code === 'E_GIVEN_UP' ? error.details.times : [];
  // They are shown by the time of day as it is now.
  expect(times.map((time) => Math.round((clock.now() - time) / HOUR_MS))).toEqual([0, 0]);
});

test('calls that wait, and what is told of them, do not mind that the clock is set', async () => {
  const clock = new ShiftedClock();
  const needs = { resources: { min_system_ram_mb: 10 } };
  const opened = await openSupervisor(
    { busy: { fixture: 'workbench', ...needs }, waiting: { fixture: 'workbench', ...needs } },
    { clock, capacity: { slots: 1 }, policy: 'queue', maxWaitMs: 10 * HOUR_MS },
  );
  const { supervisor } = opened;
  clock.ahead = -24 * HOUR_MS;
  const closed = door(opened, 'closed');
  const { running, result } = startCall(opened, 'busy', { do: 'wait', for: closed.file }, { timeoutMs: HOUR_MS });
  await running;
  const waiting = supervisor.execute('waiting', { value: 'its turn' }, { timeoutMs: HOUR_MS });
  await becomes(opened, 'waiting', { phase: 'admitting' });
  for (const ahead of [-48 * HOUR_MS, 48 * HOUR_MS]) {
    clock.ahead = ahead;
    // Another call that comes and goes has the scheduler look at those that wait.
    await failure(supervisor.execute('waiting', {}, { timeoutMs: 1 }));
    const { asking, decision, since, lines } = supervisor.explain('waiting');
    const now = clock.now();
    for (const time of [asking?.since, decision?.at, decision?.since, since]) {
      expect(Math.abs(now - (time ?? 0))).toBeLessThan(HOUR_MS / 2);
    }
    expect(Math.abs(now + HOUR_MS - (asking?.deadline ?? 0))).toBeLessThan(HOUR_MS / 2);
    expect(Math.abs(now - (decision?.waitingFor[0]?.since ?? 0))).toBeLessThan(HOUR_MS / 2);
    expect(lines.join('\n')).not.toMatch(/-\d|\d{4}\.\d s/);
  }
  const told = vi.fn();
  supervisor.on('decision', told);
  closed.open();
  await result;
  expect(await waiting).toBe('its turn');
  const times = told.mock.calls.map(([{ at }]) => at as number);
  expect(Math.min(...times)).toBeGreaterThan(Date.now() + 47 * HOUR_MS);
});

test('a worker is not taken for hung because the machine slept while it was asked', async () => {
  const clock = new ShiftedClock();
  const deadline: { fire(): void } = { fire: () => expect.fail('It was not asked.') };
  let asked = (): void => {};
  const opened = await openSupervisor({ stubborn: STUBBORN }, { clock });
  const pid = await opened.supervisor.execute<number>('stubborn', {});
  const taken = new Promise<void>((resolve) => {
    asked = resolve;
  });
  clock.takes = (fn, ms) => {
    if (ms !== 5_000) return false;
    // Before the question leaves, so that its answer cannot be there.
    process.kill(pid, 'SIGSTOP');
    clock.takes = () => false;
    deadline.fire = fn;
    asked();
    return true;
  };
  await taken;
  clock.passed = HOUR_MS;
  deadline.fire();
  const next = new Promise<void>((resolve) => {
    clock.takes = (_fn, ms) => {
      if (ms === 20) resolve();
      return false;
    };
  });
  process.kill(pid, 'SIGCONT');
  // It has answered, and is asked again later.
  await next;
  expect(await opened.supervisor.execute('stubborn', {})).toBe(pid);
});

test('a worker that stays stopped is found hung, however long the machine slept before', async () => {
  const clock = new ShiftedClock();
  const liveness = { interval_ms: 20, timeout_ms: 300 };
  const opened = await openSupervisor({ stubborn: { fixture: 'stubborn', liveness } }, { clock });
  const pid = await opened.supervisor.execute<number>('stubborn', {});
  const crashed = opened.entered('stubborn', 'crashed');
  clock.takes = (fn, ms) => {
    if (ms !== 300) return false;
    process.kill(pid, 'SIGSTOP');
    clock.takes = () => false;
    queueMicrotask(() => {
      clock.passed = HOUR_MS;
      fn();
    });
    return true;
  };
  expect(await crashed).toMatchObject({ event: 'WORKER.HUNG' });
  await gone([pid]);
});

test('times of weeks are as good as short ones, in a manifest and in the settings', async () => {
  const warnings: string[] = [];
  const note = ({ name }: Error): void => void warnings.push(name);
  process.on('warning', note);
  onTestFinished(() => void process.off('warning', note));
  const settings = {
    startTimeoutMs: DAYS_30_MS,
    drainTimeoutMs: DAYS_30_MS,
    stopTimeoutMs: DAYS_30_MS,
    cancelGraceMs: DAYS_30_MS,
    maxWaitMs: DAYS_30_MS,
    restart: { periodMs: DAYS_30_MS },
  };
  const opened = await openSupervisor(
    {
      plugin: {
        fixture: 'workbench',
        resources: { idle_release_ms: DAYS_30_MS, min_residency_ms: DAYS_30_MS },
        liveness: { interval_ms: 5, timeout_ms: DAYS_30_MS },
      },
      rare: { fixture: 'workbench', liveness: { interval_ms: DAYS_30_MS } },
      short: { fixture: 'workbench', resources: { idle_release_ms: 50 } },
    },
    settings,
  );
  const { supervisor } = opened;
  const pid = await supervisor.execute('plugin', { do: 'about' }).then((about) => (about as { pid: number }).pid);
  await supervisor.load('rare');
  const closed = door(opened, 'closed');
  const { running, result } = startCall(opened, 'plugin', { do: 'wait', for: closed.file }, { timeoutMs: DAYS_30_MS });
  await running;
  // Whatever fires after a millisecond has fired when this one has come, worked and gone.
  const shortGone = async (): Promise<void> => {
    const released = opened.entered('short', 'released');
    await supervisor.execute('short', {});
    await released;
  };
  await shortGone();
  const unloaded = supervisor.unload('plugin');
  await becomes(opened, 'plugin', { phase: 'draining' });
  await shortGone();
  expect(opened.snapshot('plugin').pid).toBe(pid);
  closed.open();
  expect(await result).toBe('waited');
  await unloaded;
  expect(opened.path('plugin')).not.toContain('crashed.deciding');
  await supervisor.stop({ timeoutMs: DAYS_30_MS });
  expect(warnings).toEqual([]);
});

test('a call without a limit says so with Infinity, and what is no time is refused with its value', async () => {
  const opened = await openSupervisor({ plugin: { fixture: 'workbench' } });
  const { supervisor } = opened;
  expect(await supervisor.execute('plugin', { value: 1 }, { timeoutMs: Infinity })).toBe(1);
  expect(await supervisor.execute('plugin', { value: 1 }, { timeoutMs: 30_000.5 })).toBe(1);
  const refusals = [
    [{ timeoutMs: Number.NaN }, 'Infinity for no limit, got NaN'],
    [{ timeoutMs: -1 }, 'got -1'],
    [{ timeoutMs: 0 }, 'got 0'],
    [{ timeoutMs: '5' }, 'got "5"'],
    [{ timeoutMs: null }, 'got null'],
    [{ streamIdleMs: 0 }, 'Infinity for no limit, got 0'],
    [{ streamIdleMs: '5' }, 'got "5"'],
    [{ priority: Infinity }, 'a finite number, got Infinity'],
    [{ priority: 'high' }, 'a finite number, got "high"'],
    [{ idempotent: 'no' }, 'true or false, got "no"'],
  ] as const;
  for (const [options, message] of refusals) {
    const refused = { code: 'E_OPTIONS', message: expect.stringContaining(message) };
    expect(await failure(supervisor.execute('plugin', {}, options as never))).toMatchObject(refused);
    expect(await failure(supervisor.stream('plugin', {}, options as never).next())).toMatchObject(refused);
  }
  for (const timeoutMs of [Number.NaN, -1, '5', null] as never[]) {
    expect(await failure(supervisor.stop({ timeoutMs }))).toMatchObject({ code: 'E_OPTIONS' });
  }
  expect(supervisor.status().state).toBe('running');
  await supervisor.stop({ timeoutMs: Infinity });
});
