import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { eventually } from '../eventually.ts';
import { failure, gone, lives, type OpenedSupervisor, openSupervisor, startCall } from './greenroom.ts';

/** Resolves when the log says that a worker has ended, and why. */
async function ended(opened: OpenedSupervisor, why: string): Promise<void> {
  await eventually(async () => {
    const lines = (await opened.supervisor.logs('stubborn')).split('\n');
    expect(lines.filter((line) => line.startsWith('worker ended: '))).toContainEqual(expect.stringContaining(why));
  });
}

const STUBBORN = { fixture: 'stubborn', liveness: { interval_ms: 20, timeout_ms: 300 } };

test('a worker that was stopped is noticed, killed and started again', async () => {
  const opened = await openSupervisor({ stubborn: STUBBORN });
  const pid = await opened.supervisor.execute<number>('stubborn', {});
  const crashed = opened.entered('stubborn', 'crashed');
  process.kill(pid, 'SIGSTOP');
  expect(await crashed).toMatchObject({ event: 'WORKER.HUNG', reason: expect.stringContaining('did not answer') });
  const next = await opened.supervisor.execute<number>('stubborn', {});
  expect(next).not.toBe(pid);
  await gone([pid]);
  await ended(opened, 'did not answer within 300 ms and was killed');
});

test('a Python worker that holds the interpreter lock in C is hung, and its caller is told so', async () => {
  const opened = await openSupervisor({ stubborn: STUBBORN });
  const pid = await opened.supervisor.execute<number>('stubborn', {});
  const { running, result } = startCall(opened, 'stubborn', { do: 'hold_lock' });
  await running;
  expect(await failure(result)).toMatchObject({ code: 'E_HUNG', plugin: 'stubborn' });
  expect(await opened.supervisor.execute('stubborn', {})).not.toBe(pid);
  await gone([pid]);
});

test('a worker that computes without a pause is not taken for hung', async () => {
  const opened = await openSupervisor({ stubborn: STUBBORN });
  const pid = await opened.supervisor.execute<number>('stubborn', {});
  const until = join(opened.scratch, 'until');
  const { running, result } = startCall(opened, 'stubborn', { do: 'spin', until });
  await running;
  // Another worker is found hung meanwhile, so that there was time to find this one hung too.
  opened.write('other', STUBBORN);
  await opened.supervisor.discover();
  const other = await opened.supervisor.execute<number>('other', {});
  const hung = opened.entered('other', 'crashed');
  process.kill(other, 'SIGSTOP');
  await hung;
  writeFileSync(until, '');
  expect(await result).toBe(pid);
  expect(opened.path('stubborn')).not.toContain('crashed.deciding');
});

test('a worker that ignores SIGTERM is killed when its time is over', async () => {
  const opened = await openSupervisor({ stubborn: { fixture: 'stubborn', stop_timeout_ms: 100 } });
  await opened.supervisor.load('stubborn', { config: { ignore_term: true } });
  const pid = await opened.supervisor.execute<number>('stubborn', {});
  await opened.supervisor.unload('stubborn');
  expect(lives(pid)).toBe(false);
  expect(opened.path('stubborn')).not.toContain('crashed.deciding');
  await ended(opened, 'did not end within 100 ms after SIGTERM and was killed');
});

test('a worker that hangs in its cleanup is ended when its time is over', async () => {
  const opened = await openSupervisor({ stubborn: { fixture: 'stubborn', stop_timeout_ms: 100 } });
  await opened.supervisor.load('stubborn', { config: { hang_in_cleanup: true, ignore_term: true } });
  const pid = await opened.supervisor.execute<number>('stubborn', {});
  await opened.supervisor.stop();
  expect(lives(pid)).toBe(false);
});
