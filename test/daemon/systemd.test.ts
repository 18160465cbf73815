import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { connectSystemd, type SystemdParts } from '../../src/daemon/systemd.ts';
import { SimulatedClock } from '../simulation/clock.mjs';

const STUB = fileURLToPath(new URL('../fixtures/daemon/notify-socket.py', import.meta.url));
const UNIT = fileURLToPath(new URL('../../examples/serve/greenroom.service', import.meta.url));
const isHere = (program: string): boolean => spawnSync(program, ['--version']).status === 0;

let folder: string;
const stubs: ChildProcess[] = [];
beforeEach(() => void (folder = mkdtempSync(join(tmpdir(), 'gr-'))));
afterEach(() => {
  for (const stub of stubs.splice(0)) stub.kill('SIGKILL');
  rmSync(folder, { recursive: true, force: true });
});

/** A connection to a stub of systemd, in simulated time. */
async function connectToStub(parts: Partial<SystemdParts> = {}) {
  const path = join(folder, 'notify.sock');
  const stub = spawn('python3', [STUB, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  stubs.push(stub);
  const lines = createInterface({ input: stub.stdout })[Symbol.asyncIterator]();
  /** The next message that is no barrier. */
  const next = async (): Promise<string> => {
    for (;;) {
      const message = JSON.parse(String((await lines.next()).value)) as string;
      if (message !== 'BARRIER=1') return message.trim();
    }
  };
  expect(await next()).toBe('listening');
  const clock = new SimulatedClock();
  const warnings: string[] = [];
  const log = { warn: (...line: unknown[]) => void warnings.push(String(line.at(-1))) };
  const { PATH } = process.env;
  const env = { PATH, NOTIFY_SOCKET: path, ...parts.env };
  const systemd = connectSystemd({ isReady: () => Promise.resolve(true), clock, log, ...parts, env });
  return { systemd, clock, warnings, next };
}

describe.runIf(isHere('systemd-notify'))('systemd', () => {
  test('is told of the start, of a reload with its time, of a line of status, and of the end, in this order', async () => {
    const { systemd, next, warnings } = await connectToStub();
    const before = process.hrtime.bigint() / 1000n;
    void systemd.ready();
    void systemd.reloading();
    void systemd.status('2 plugins,\nWATCHDOG=1 ');
    void systemd.ready();
    await systemd.stopping();
    expect(await next()).toBe('READY=1');
    const [reloading, time = ''] = (await next()).split('\nMONOTONIC_USEC=');
    expect(reloading).toBe('RELOADING=1');
    expect(BigInt(time) >= before && BigInt(time) <= process.hrtime.bigint() / 1000n).toBe(true);
    expect(await next()).toBe('STATUS=2 plugins, WATCHDOG=1');
    expect(await next()).toBe('READY=1');
    expect(await next()).toBe('STOPPING=1');
    expect(warnings).toEqual([]);
    await systemd.close();
  });

  test('gets a beat at half its interval while work is done, and none while it is not', async () => {
    const answers: (boolean | Error | 'never')[] = [true, false, new Error('no'), 'never', true];
    const signals: AbortSignal[] = [];
    const isReady = (signal: AbortSignal): Promise<boolean> => {
      signals.push(signal);
      const answer = answers.shift() ?? true;
      if (answer === 'never') return new Promise(() => {});
      return answer instanceof Error ? Promise.reject(answer) : Promise.resolve(answer);
    };
    const env = { WATCHDOG_USEC: '30000000', WATCHDOG_PID: String(process.pid) };
    const { systemd, clock, next } = await connectToStub({ isReady, env });
    await clock.advance(60_000);
    expect(signals).toHaveLength(0);
    await systemd.ready();
    expect(await next()).toBe('READY=1');
    expect(await next()).toBe('WATCHDOG=1');
    for (let count = 1; count <= 3; count++) await clock.advance(15_000);
    // What comes next tells that there was no beat before it.
    await systemd.status('quiet');
    expect(await next()).toBe('STATUS=quiet');
    expect(signals.map(({ aborted }) => aborted)).toEqual([true, true, true, false]);
    await clock.advance(14_999);
    expect(signals).toHaveLength(4);
    await clock.advance(1);
    expect(signals[3]?.aborted).toBe(true);
    expect(await next()).toBe('WATCHDOG=1');
    await systemd.close();
    expect(clock.pending).toBe(0);
  });

  test('gets its beat while the daemon drains, which answers no requests any more', async () => {
    const { systemd, clock, next } = await connectToStub({
      isReady: () => Promise.resolve(false),
      env: { WATCHDOG_USEC: '2000000' },
    });
    await systemd.ready();
    await systemd.stopping();
    await clock.advance(1_000);
    expect([await next(), await next(), await next()]).toEqual(['READY=1', 'STOPPING=1', 'WATCHDOG=1']);
    await systemd.close();
  });

  test.each([
    ['wants none', {}],
    ['wants it of another process', { WATCHDOG_USEC: '2000000', WATCHDOG_PID: '1' }],
    ['says no number', { WATCHDOG_USEC: 'soon' }],
  ])('gets no beat where it %s', async (_, env) => {
    const { systemd, clock } = await connectToStub({ env });
    await systemd.ready();
    expect(clock.pending).toBe(0);
    await systemd.close();
  });

  test('that does not listen is warned of once', async () => {
    const { systemd, warnings } = await connectToStub({ env: { NOTIFY_SOCKET: join(folder, 'absent') } });
    await systemd.ready();
    await systemd.status('a');
    expect(warnings).toEqual([expect.stringMatching(/^systemd-notify failed: .*No such file or directory/)]);
    await systemd.close();
  });
});

test('without systemd nothing is started, and nothing is said', async () => {
  const warnings: unknown[] = [];
  const clock = new SimulatedClock();
  const systemd = connectSystemd({
    env: { WATCHDOG_USEC: '1000000' },
    isReady: () => Promise.resolve(true),
    clock,
    log: { warn: (...line: unknown[]) => void warnings.push(line) },
  });
  await systemd.ready();
  await systemd.reloading();
  await systemd.status('a');
  await systemd.stopping();
  await systemd.close();
  expect(warnings).toEqual([]);
  expect(clock.pending).toBe(0);
});

test.skipIf(process.platform === 'win32')('without systemd-notify one warning says so, and nothing fails', async () => {
  const warnings: string[] = [];
  const systemd = connectSystemd({
    env: { NOTIFY_SOCKET: join(folder, 'notify.sock'), PATH: folder },
    isReady: () => Promise.resolve(true),
    clock: new SimulatedClock(),
    log: { warn: (...line: unknown[]) => void warnings.push(String(line.at(-1))) },
  });
  await systemd.ready();
  await systemd.status('a');
  await systemd.stopping();
  expect(warnings).toEqual([expect.stringMatching(/systemd-notify, which sends it, was not found\. Install it, or/)]);
  await systemd.close();
});

test.runIf(isHere('systemd-analyze'))('the unit of the example is valid', () => {
  // Its program is not where the example has it.
  const unit = readFileSync(UNIT, 'utf8').replaceAll('/usr/bin/greenroom', process.execPath);
  const file = join(folder, 'greenroom.service');
  writeFileSync(file, unit);
  const { status, stdout, stderr } = spawnSync('systemd-analyze', ['verify', '--man=no', file], { encoding: 'utf8' });
  const said = `${stdout}${stderr}`.split('\n').filter((line) => line.includes('greenroom'));
  expect({ status, said }).toEqual({ status: 0, said: [] });
});
