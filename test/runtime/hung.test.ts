import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { failure, gone, lives, openRoom, startCall } from './greenroom.ts';

const STUBBORN = { fixture: 'stubborn', liveness: { interval_ms: 20, timeout_ms: 300 } };

test('a worker that was stopped is noticed, killed and started again', async () => {
  const room = await openRoom({ stubborn: STUBBORN });
  const pid = await room.supervisor.execute<number>('stubborn', {});
  const crashed = room.entered('stubborn', 'crashed');
  process.kill(pid, 'SIGSTOP');
  expect(await crashed).toMatchObject({ event: 'WORKER.HUNG', reason: expect.stringContaining('did not answer') });
  const next = await room.supervisor.execute<number>('stubborn', {});
  expect(next).not.toBe(pid);
  await gone([pid]);
});

test('a Python worker that holds the interpreter lock in C is hung, and its caller is told so', async () => {
  const room = await openRoom({ stubborn: STUBBORN });
  const pid = await room.supervisor.execute<number>('stubborn', {});
  const { running, result } = startCall(room, 'stubborn', { do: 'hold_lock' });
  await running;
  expect(await failure(result)).toMatchObject({ code: 'E_HUNG', plugin: 'stubborn' });
  expect(await room.supervisor.execute('stubborn', {})).not.toBe(pid);
  await gone([pid]);
});

test('a worker that computes without a pause is not taken for hung', async () => {
  const room = await openRoom({ stubborn: STUBBORN });
  const pid = await room.supervisor.execute<number>('stubborn', {});
  const until = join(room.scratch, 'until');
  const { running, result } = startCall(room, 'stubborn', { do: 'spin', until });
  await running;
  // Another worker is found hung meanwhile, so that there was time to find this one hung too.
  room.write('other', STUBBORN);
  await room.supervisor.discover();
  const other = await room.supervisor.execute<number>('other', {});
  const hung = room.entered('other', 'crashed');
  process.kill(other, 'SIGSTOP');
  await hung;
  writeFileSync(until, '');
  expect(await result).toBe(pid);
  expect(room.path('stubborn')).not.toContain('crashed.deciding');
});

test('a worker that ignores SIGTERM is killed when its time is over', async () => {
  const room = await openRoom({ stubborn: { fixture: 'stubborn', stop_timeout_ms: 100 } });
  await room.supervisor.load('stubborn', { config: { ignore_term: true } });
  const pid = await room.supervisor.execute<number>('stubborn', {});
  await room.supervisor.unload('stubborn');
  expect(lives(pid)).toBe(false);
  expect(room.path('stubborn')).not.toContain('crashed.deciding');
});

test('a worker that hangs in its cleanup is ended when its time is over', async () => {
  const room = await openRoom({ stubborn: { fixture: 'stubborn', stop_timeout_ms: 100 } });
  await room.supervisor.load('stubborn', { config: { hang_in_cleanup: true, ignore_term: true } });
  const pid = await room.supervisor.execute<number>('stubborn', {});
  await room.supervisor.stop();
  expect(lives(pid)).toBe(false);
});
