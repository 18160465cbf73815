import { pino } from 'pino';
import { expect, test } from 'vitest';
import type { SupervisorOptions } from '../../src/index.ts';
import { eventually } from '../eventually.ts';
import { SimulatedClock } from '../simulation/clock.mjs';
import { all, becomes, door, failure, type OpenedSupervisor, openSupervisor, startCall } from './greenroom.ts';

const WORKBENCH = { fixture: 'workbench' };

interface Line {
  readonly plugin?: string;
  readonly call?: string;
  readonly msg: string;
  readonly streamIdleMs?: number;
}

/** Time stands still, so no worker can be late; what the log warns of. */
async function openStill(options: SupervisorOptions = {}) {
  const clock = new SimulatedClock();
  const log: Line[] = [];
  const logger = pino({ level: 'warn' }, { write: (line: string) => void log.push(JSON.parse(line) as Line) });
  const opened = await openSupervisor(
    { words: { ...WORKBENCH, max_concurrency: 3 }, other: WORKBENCH },
    { clock, logger, liveness: false, capacity: { slots: 1 }, ...options },
  );
  return { opened, clock, unread: () => log.filter(({ streamIdleMs }) => streamIdleMs !== undefined) };
}

/** Takes one item of a stream that does not end by itself, and asks for no more. */
async function leave(opened: OpenedSupervisor, options = {}) {
  const stream = opened.supervisor.stream<{ index: number }>('words', { count: 1_000_000 }, options);
  await stream.next();
  return stream;
}

/** Turns time on until the stream is found unread. Returns how to turn it to so long after its last read. */
async function foundUnread({ supervisor }: OpenedSupervisor, clock: SimulatedClock): Promise<(idleMs: number) => void> {
  const since = await eventually(
    () => {
      clock.pass(1_000);
      const [idle] = supervisor.explain('words').idleStreams;
      if (idle === undefined) throw new Error('Everything is read.');
      return idle.since;
    },
    { interval: 5 },
  );
  return (idleMs) => clock.pass(since + idleMs - clock.now());
}

test('a stream that nobody reads is told of, cancelled at the limit, and its room goes to who waits for it', async () => {
  const { opened, clock, unread } = await openStill({ streamIdleMs: 200_000 });
  const { supervisor } = opened;
  const stream = await leave(opened);
  const waiting = supervisor.execute('other', { value: 'its turn' });
  const turnTo = await foundUnread(opened, clock);
  turnTo(12_000);
  const said = 'words: 1 call, a stream unread for 12 s';
  expect(supervisor.explain('other').lines.join('\n')).toContain(said);
  expect(supervisor.explain('words').lines.join('\n')).toContain(said);
  expect(supervisor.explain('other').idleStreams).toEqual([
    { plugin: 'words', generation: 1, calls: 1, streams: 1, since: clock.now() - 12_000 },
  ]);
  expect(unread()).toEqual([]);
  turnTo(20_000);
  expect(unread()).toMatchObject([
    { plugin: 'words', call: expect.any(String), since: clock.now() - 20_000, streamIdleMs: 200_000 },
  ]);
  expect(unread()[0]?.msg).toMatch(/has been unread for 20 s, while items are waiting\. .*cancelled in 180 s/);
  turnTo(199_999);
  expect(opened.snapshot('words').inFlight).toBe(1);
  turnTo(200_000);
  expect(await waiting).toBe('its turn');
  expect(supervisor.explain('other').idleStreams).toEqual([]);
  expect(unread().map(({ msg }) => msg)).toEqual([
    expect.stringContaining('unless it reads on'),
    expect.stringContaining('200 s, while items are waiting. The call was cancelled'),
  ]);
  const held: number[] = [];
  const error = await failure(
    (async () => {
      for await (const { index } of stream) held.push(index);
    })(),
  );
  expect(error).toMatchObject({
    code: 'E_TIMEOUT',
    plugin: 'words',
    message: expect.stringMatching(/unread for 200 s.*raise streamIdleMs \(now 200000 ms\)/),
    details: { option: 'streamIdleMs', limitMs: 200_000, idleMs: 200_000 },
  });
  expect(held.length).toBeGreaterThan(0);
  expect(held).toEqual(held.map((_, index) => index + 1));
  expect(await stream.next()).toEqual({ value: undefined, done: true });
});

test('one call may have a limit of its own, or none', async () => {
  const { opened, clock, unread } = await openStill({ streamIdleMs: 20_000, capacity: { slots: 2 } });
  const patient = await leave(opened, { streamIdleMs: Infinity });
  (await foundUnread(opened, clock))(1_000_000);
  expect(unread()).toEqual([]);
  await patient[Symbol.asyncDispose]();
  await eventually(() => expect(opened.snapshot('words').inFlight).toBe(0));
  const hasty = await leave(opened, { streamIdleMs: 5_000 });
  (await foundUnread(opened, clock))(5_000);
  expect(await failure(all(hasty))).toMatchObject({ code: 'E_TIMEOUT', details: { limitMs: 5_000 } });
  const usual = await leave(opened);
  (await foundUnread(opened, clock))(20_000);
  expect(await failure(all(usual))).toMatchObject({ code: 'E_TIMEOUT', details: { limitMs: 20_000 } });
});

test('of several streams at a worker, and other calls beside them, those that nobody reads are counted', async () => {
  const { opened, clock } = await openStill();
  const { supervisor } = opened;
  const closed = door(opened, 'closed');
  const { running, result } = startCall(opened, 'words', { do: 'wait', for: closed.file });
  await running;
  const told = (): string[] => supervisor.explain('words').lines.filter((line) => line.startsWith('unread'));
  const first = await leave(opened);
  (await foundUnread(opened, clock))(7_000);
  expect(told()).toEqual(['unread   words: 2 calls, 1 of them a stream unread for 7 s']);
  const second = await leave(opened);
  await eventually(() => {
    clock.pass(1_000);
    expect(told()).toEqual([expect.stringMatching(/words: 3 calls, 2 of them streams unread for up to \d+ s$/)]);
  });
  for (const stream of [first, second]) await stream[Symbol.asyncDispose]();
  await becomes(opened, 'words', { inFlight: 1 });
  expect(told()).toEqual([]);
  closed.open();
  await result;
});

test('a reader that waits for a plugin that takes long is never idle', async () => {
  const { opened, clock, unread } = await openStill({ streamIdleMs: 5_000 });
  const stream = opened.supervisor.stream('words', { count: 2, pause: 100 });
  await stream.next();
  const second = stream.next();
  clock.pass(1_000_000);
  expect(await second).toMatchObject({ done: false });
  expect(await stream.next()).toMatchObject({ done: true });
  expect(unread()).toEqual([]);
});
