import { execFile } from 'node:child_process';
import { existsSync, mkdirSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { pino } from 'pino';
import { expect, test } from 'vitest';
import { cgroupFolders } from '../../src/process/cgroup.ts';
import { type Clock, systemClock } from '../../src/time/clock.ts';
import { FIXTURES } from '../fixtures/plugins.ts';
import { door, failure, openSupervisor, startCall } from './greenroom.ts';

const HOST = fileURLToPath(new URL('../fixtures/hosts/oom-host.mjs', import.meta.url));
const run = promisify(execFile);

/** Looks at the memory of workers fifty times as often. */
const hasty: Clock = {
  ...systemClock,
  setTimeout: (callback, ms) => systemClock.setTimeout(callback, ms === 5_000 ? 100 : ms),
};

test('a worker that takes more memory than its manifest allows is replaced, and no call is lost', async () => {
  const opened = await openSupervisor({ glutton: { fixture: 'glutton', max_rss_mb: 120 } }, { clock: hasty });
  const first = await opened.supervisor.execute<{ pid: number }>('glutton', { eat_mb: 20 });
  const { pid } = await opened.supervisor.execute<{ pid: number }>('glutton', { eat_mb: 150 });
  expect(pid).toBe(first.pid);
  for (;;) {
    const next = await opened.supervisor.execute<{ pid: number }>('glutton', { eat_mb: 0 });
    if (next.pid !== pid) break;
  }
  expect(opened.snapshot('glutton')).toMatchObject({ restarts: 0, lastError: { code: 'E_MEMORY' } });
  expect(opened.transitions.some(({ to }) => to === 'crashed')).toBe(false);
});

test('a plugin that always takes more memory than its manifest allows is given up, and comes back once it may', async () => {
  const warnings: unknown[] = [];
  const manifest = { fixture: 'glutton', restart: { intensity: 2 } };
  const opened = await openSupervisor(
    { glutton: { ...manifest, max_rss_mb: 1 } },
    {
      clock: hasty,
      logger: pino({ level: 'warn' }, { write: (line) => void warnings.push(JSON.parse(line)) }),
    },
  );
  const failed = opened.entered('glutton', 'crashed', 'failed');
  await opened.supervisor.load('glutton');
  const reason = expect.stringMatching(
    /uses \d+ MiB, more than the 1 MiB that max_rss_mb .* So did the 2 workers before it.* Raise max_rss_mb/,
  );
  expect(await failed).toMatchObject({ reason });
  const snapshot = opened.snapshot('glutton');
  expect(snapshot).toMatchObject({ generation: 3, restarts: 0, loaded: false });
  expect(snapshot.lastError).toEqual({ code: 'E_MEMORY', message: reason });
  expect(await failure(opened.supervisor.execute('glutton'))).toMatchObject({ code: 'E_MEMORY', message: reason });
  expect(opened.supervisor.explain('glutton').lines[1]).toBe(`given up ${snapshot.lastError?.message}`);
  expect(warnings).toEqual([expect.objectContaining({ plugin: 'glutton', msg: 'plugin given up', reason })]);
  opened.write('glutton', { ...manifest, max_rss_mb: 10_000 });
  await opened.supervisor.discover();
  expect(await opened.supervisor.execute('glutton')).toMatchObject({ pid: expect.any(Number) });
});

test('a call that runs when its plugin is given up for its memory still has its result', async () => {
  const opened = await openSupervisor(
    { plugin: { fixture: 'workbench', max_rss_mb: 1, restart: { intensity: 0 } } },
    { clock: hasty },
  );
  const gate = door(opened);
  const draining = opened.entered('plugin', 'busy', 'draining');
  const call = startCall(opened, 'plugin', { do: 'wait', for: gate.file });
  await draining;
  expect((await failure(opened.supervisor.execute('plugin', { value: 1 }))).code).toBe('E_MEMORY');
  const failed = opened.entered('plugin', 'crashed', 'failed');
  gate.open();
  await call.result;
  expect(await failed).toMatchObject({ reason: expect.stringContaining('max_rss_mb') });
});

const memory = memoryGroup();

test.runIf(memory !== undefined)('a worker that the kernel kills for want of memory is named as such', async () => {
  const { folder, limitFile } = memory as NonNullable<typeof memory>;
  const opened = await openSupervisor({});
  mkdirSync(folder);
  try {
    writeFileSync(join(folder, limitFile), String(300 * 2 ** 20));
    const enter = `echo $$ > '${folder}/cgroup.procs' && exec "$0" "$@"`;
    const args = [process.execPath, HOST, join(FIXTURES, 'glutton'), opened.dataDir, '2000'];
    const { stdout } = await run('/bin/sh', ['-c', enter, ...args]);
    expect(JSON.parse(stdout)).toMatchObject({
      code: 'E_CRASHED',
      message: expect.stringContaining('ran out of memory'),
      details: { signal: 'SIGKILL', outOfMemory: true },
      again: 'number',
    });
  } finally {
    rmdirSync(folder);
  }
});

/** Where a control group with a limit of its own can be made; undefined where none can. */
function memoryGroup(): { folder: string; limitFile: string } | undefined {
  for (const { folder, version } of cgroupFolders().toReversed()) {
    const limitFile = version === 2 ? 'memory.max' : 'memory.limit_in_bytes';
    const group = join(folder, `greenroom-test-${process.pid}`);
    try {
      mkdirSync(group);
    } catch {
      continue;
    }
    const isLimited = existsSync(join(group, limitFile));
    rmdirSync(group);
    if (isLimited) return { folder: group, limitFile };
  }
  return undefined;
}
