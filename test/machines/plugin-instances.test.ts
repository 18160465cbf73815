import { afterEach, describe, expect, test } from 'vitest';
import { InstancesBench, sorted } from './instances-bench.ts';
import { CRASH, ERROR, entryOf, settingsOf } from './plugin-bench.ts';

const benches: InstancesBench[] = [];
const serving = async (...parts: Parameters<typeof InstancesBench.serving>): Promise<InstancesBench> => {
  const bench = await InstancesBench.serving(...parts);
  benches.push(bench);
  return bench;
};

afterEach(() => {
  for (const bench of benches.splice(0)) bench.stop();
});

describe('growth', () => {
  test('begins when a call has waited for long, and asks for one instance at a time', async () => {
    const bench = await serving(1);
    bench.call();
    bench.call();
    bench.pass(95);
    expect(bench.news()).toEqual([]);
    bench.pass(10);
    expect(bench.news()).toEqual(['ACQUIRE 2']);
    bench.granted(2);
    expect([bench.news(), bench.instances]).toEqual([
      ['worker 2 start', 'ACQUIRE 3'],
      [1, 2],
    ]);
    bench.granted(3);
    expect([bench.news(), bench.instances]).toEqual([['worker 3 start'], [1, 2, 3]]);
    bench.pass(1_000);
    expect(bench.news()).toEqual([]);
  });

  test('gives the calls that wait to each instance that is ready, and the plugin stays busy', async () => {
    const bench = await serving(1);
    await bench.burst(2);
    bench.join();
    expect([bench.running, bench.gate.waiting, bench.at]).toEqual([[1, 2], 1, 'busy.serving']);
    bench.join();
    expect([bench.running, bench.gate.waiting, bench.instances]).toEqual([[1, 2, 3], 0, [1, 2, 3]]);
    expect(bench.news()).toContain('BUSY 3');
  });

  test('ends at the most that there may be, however many calls wait', async () => {
    const bench = await serving(1, { max: 2 });
    await bench.burst(5);
    bench.join();
    bench.news();
    bench.pass(1_000);
    expect([bench.news(), bench.context.asked, bench.gate.waiting]).toEqual([[], undefined, 4]);
  });

  test('ends at the most that there may be now, however many there were before a loss', async () => {
    const restart = { policy: 'permanent' };
    const bench = await serving(3, { max: 3 }, { restart });
    bench.exited(3);
    bench.gone(3);
    bench.news();
    const entry = entryOf({ instances: { max: 2 }, restart });
    bench.send({ type: 'MANIFEST.CHANGED', entry, settings: settingsOf(entry), effect: 'none' });
    expect([bench.instances, bench.context.asked]).toEqual([[1, 2], undefined]);
  });

  test('that is not granted before the calls have had their turn is asked for no more', async () => {
    const bench = await serving(1);
    const [waiting] = await bench.burst(1);
    expect(bench.news()).toEqual(['ACQUIRE 2']);
    await bench.answer();
    expect(waiting?.fate).toBe('running');
    bench.pass(5);
    expect([bench.news(), bench.context.asked]).toEqual([['WITHDRAW'], undefined]);
    bench.granted(2);
    expect([bench.news(), bench.instances]).toEqual([['RETURNED 2'], [1]]);
  });

  test('that is refused fails no call, and is tried again after a while', async () => {
    const bench = await serving(1);
    const calls = await bench.burst(2);
    bench.send({
      type: 'REFUSED',
      generation: 2,
      error: { reason: 'queue-full' } as never,
    });
    expect([calls.map(({ fate }) => fate), bench.context.growth]).toEqual([['waiting', 'waiting'], 'waiting']);
    bench.news();
    bench.pass(4_900);
    expect(bench.news()).toEqual([]);
    bench.pass(200);
    expect(bench.news()).toEqual(['ACQUIRE 3']);
  });

  test('for which there is no room is not tried for a minute, unless the manifest changes', async () => {
    const bench = await serving(1);
    await bench.burst(2);
    bench.refused(2);
    bench.news();
    bench.pass(59_000);
    expect([bench.news(), bench.context.growth]).toEqual([['PLUGIN.STABLE'], 'waiting']);
    const entry = entryOf({ instances: { max: 2 } });
    bench.send({ type: 'MANIFEST.CHANGED', entry, settings: settingsOf(entry), effect: 'none' });
    expect(bench.news()).toEqual(['ACQUIRE 3']);
  });

  test('for which there was no room is tried again when one of its own instances has left', async () => {
    const bench = await serving(2, 3);
    const [further] = [bench.context.asked as number];
    bench.refused(further);
    bench.exited(2);
    bench.send({ type: 'STOPPED', generation: 2 });
    bench.news();
    bench.gone(2);
    expect(bench.news()).toContain('FREED 2');
    expect(bench.context.asked).toBeDefined();
  });

  test('to a fixed number follows the first one, without a call that waits', async () => {
    const bench = new InstancesBench(3);
    benches.push(bench);
    bench.send({ type: 'LOAD' });
    bench.granted();
    bench.connected();
    expect(bench.news()).toEqual(['ACQUIRE 1', 'worker 1 start']);
    bench.ready();
    expect(bench.news()).toEqual(['IDLE 1', 'ACQUIRE 2']);
    bench.join();
    bench.join();
    expect([bench.instances, bench.at, bench.news().filter((told) => told.startsWith('IDLE'))]).toEqual([
      [1, 2, 3],
      'ready.ready',
      ['IDLE 2', 'IDLE 3'],
    ]);
  });

  test('does not follow in a plugin that is disabled', async () => {
    const bench = await serving(1);
    await bench.burst(1);
    bench.news();
    bench.send({ type: 'DISABLE', error: ERROR });
    expect(bench.news()).toEqual(['WITHDRAW']);
    bench.granted(2);
    expect(bench.news()).toEqual(['RETURNED 2']);
    bench.pass(10_000);
    expect([bench.news(), bench.instances]).toEqual([[], [1]]);
  });

  test('follows at once in a plugin that is enabled again', async () => {
    const bench = await serving(1, 2);
    bench.send({ type: 'DISABLE', error: ERROR });
    bench.news();
    bench.send({ type: 'ENABLE' });
    expect(bench.news()).toEqual(['ACQUIRE 3']);
  });

  test('that was given up begins anew when the plugin is loaded', async () => {
    const bench = await serving(1, 2);
    bench.join();
    bench.exited(2);
    bench.send({ type: 'GIVE_UP', generation: 2, error: ERROR });
    bench.gone(2);
    bench.pass(60_000);
    bench.news();
    bench.send({ type: 'LOAD' });
    expect([bench.news(), bench.context.growth]).toEqual([['ACQUIRE 3'], 'free']);
  });
});

describe('shrinking', () => {
  test('ends the newest instances when the calls of late needed fewer for all of that time', async () => {
    const bench = await serving(3);
    await bench.answer(2);
    await bench.answer(3);
    bench.pass(7_900);
    expect(bench.news().filter((told) => told.startsWith('worker'))).toEqual([]);
    bench.pass(2_100);
    expect([bench.news(), bench.instances]).toEqual([['worker 2 STOP', 'worker 3 STOP'], [1]]);
    bench.gone(2);
    bench.gone(3);
    expect([bench.news(), bench.context.workers.length]).toEqual([['FREED 2', 'FREED 3'], 1]);
  });

  test('lets an instance that has a call end it, and gives it no other', async () => {
    const bench = await serving(3);
    await bench.answer(1);
    await bench.answer(2);
    bench.pass(12_000);
    expect([bench.instances, bench.running]).toEqual([[1], [3]]);
    bench.news();
    bench.send({ type: 'DRAINED', generation: 1 });
    expect([bench.news(), bench.call().at?.generation]).toEqual([[], 1]);
    bench.news();
    // Of no interest before its calls have ended, nor of an instance that stays.
    for (const generation of [1, 3]) bench.send({ type: 'DRAINED', generation });
    expect(bench.news()).toEqual([]);
    await bench.answer(3);
    expect(bench.news()).toEqual(['worker 3 STOP']);
    bench.pass(60_000);
    expect(bench.news()).not.toContain('worker 3 STOP');
  });

  test('ends the calls of a retired instance that take longer than a drain', async () => {
    const bench = await serving(2, { max: 2, idle_ms: 8_000 }, { drain_timeout_ms: 5_000 });
    await bench.answer(1);
    bench.pass(12_000);
    const [, late] = bench.callers;
    expect(late?.fate).toBe('running');
    bench.news();
    bench.pass(5_000);
    expect([late?.fate, bench.news(), bench.at]).toEqual([
      'lost E_STOPPING',
      ['worker 2 STOP', 'IDLE 1'],
      'ready.ready',
    ]);
  });

  test('does not happen while bursts come again and again', async () => {
    const bench = await serving(3);
    for (let burst = 0; burst < 20; burst += 1) {
      while (bench.running.length > 0) await bench.answer();
      bench.pass(5_000);
      bench.call();
      bench.call();
      bench.call();
      bench.pass(50);
    }
    expect(bench.news().filter((told) => /worker|ACQUIRE/.test(told))).toEqual([]);
  });
});

describe('of several instances', () => {
  test('one that crashes loses its own calls, and the others go on', async () => {
    const bench = await serving(3);
    bench.exited(2);
    expect(bench.callers.map(({ fate }) => fate)).toEqual(['running', 'lost E_CRASHED', 'running']);
    expect([bench.at, bench.instances]).toEqual(['busy.serving', [1, 3]]);
    expect(bench.news()).toEqual(['lost 2 E_CRASHED', 'PLUGIN.CRASHED 2']);
  });

  test('the oldest other one stands for the plugin when the current one crashes', async () => {
    const bench = await serving(3);
    bench.exited(1);
    expect([bench.at, bench.instances, bench.running]).toEqual(['busy.serving', [2, 3], [2, 3]]);
    bench.gone(1);
    expect(bench.news()).toEqual(['lost 1 E_CRASHED', 'PLUGIN.CRASHED 1', 'FREED 1']);
  });

  test('the last one that crashes takes the plugin with it', async () => {
    const bench = await serving(2);
    bench.exited(1);
    bench.exited(2);
    expect([bench.at, bench.instances]).toEqual(['crashed.deciding', [undefined]]);
  });

  test('another is started after a crash only where calls wait or there are too few', async () => {
    const bench = await serving(2);
    bench.exited(2);
    bench.send({ type: 'RESTART', delayMs: 100, generation: 2 });
    bench.news();
    bench.pass(10_000);
    expect([bench.news(), bench.context.restarts]).toEqual([[], 0]);
  });

  test('where there are too few, another follows when the supervisor says so', async () => {
    const bench = await serving(2, 2);
    bench.exited(2);
    bench.send({ type: 'RESTART', delayMs: 100, generation: 2 });
    bench.news();
    bench.pass(95);
    expect(bench.news()).toEqual([]);
    bench.pass(10);
    expect([bench.news(), bench.context.restarts]).toEqual([['ACQUIRE 3'], 1]);
  });

  test('what ends several at once is one crash, and each that is started again a restart', async () => {
    const bench = await serving(3, 3);
    bench.exited(2);
    bench.exited(3);
    expect(bench.news().filter((told) => told.startsWith('PLUGIN'))).toEqual(['PLUGIN.CRASHED 2']);
    bench.send({ type: 'RESTART', delayMs: 100, generation: 2 });
    bench.pass(105);
    bench.join();
    bench.join();
    expect([bench.instances, bench.context.restarts]).toEqual([[1, 4, 5], 2]);
    bench.exited(5);
    expect(bench.news()).toContain('PLUGIN.CRASHED 5');
  });

  test('as many are wanted again as there were, where the policy is permanent', async () => {
    const bench = await serving(3, { max: 3, idle_ms: 8_000 }, { restart: { policy: 'permanent' } });
    bench.exited(3);
    bench.send({ type: 'RESTART', delayMs: 0, generation: 3 });
    bench.pass(5);
    expect(bench.news()).toContain('ACQUIRE 4');
  });

  test('those of before are not wanted any more once the plugin is unloaded', async () => {
    const bench = await serving(2, undefined, { restart: { policy: 'permanent' } });
    bench.exited(2);
    bench.gone(2);
    bench.send({ type: 'UNLOAD', error: ERROR });
    await bench.answer();
    bench.gone(1);
    bench.news();
    bench.send({ type: 'LOAD' });
    bench.granted();
    bench.connected();
    bench.ready();
    expect(bench.news()).toEqual(['ACQUIRE 3', 'worker 3 start', 'IDLE 3']);
  });

  test('none is added once they are given up, and the plugin is given up with the last', async () => {
    const bench = await serving(2, 2);
    bench.exited(2);
    expect(bench.news()).toEqual(['lost 2 E_CRASHED', 'PLUGIN.CRASHED 2']);
    bench.send({ type: 'GIVE_UP', error: CRASH, generation: 2 });
    expect(bench.news()).toEqual(['growth stopped E_CRASHED']);
    await bench.burst(2);
    bench.pass(60_000);
    expect([bench.news().filter((told) => told.startsWith('ACQUIRE')), bench.at]).toEqual([[], 'busy.serving']);
    bench.exited(1);
    expect(bench.at).toBe('crashed.deciding');
    bench.send({ type: 'GIVE_UP', error: CRASH });
    expect(bench.at).toBe('crashed.failed');
  });

  test('a crash of one begins the stable period of all anew', async () => {
    const bench = await serving(2);
    bench.pass(29_000);
    bench.exited(2);
    bench.pass(29_000);
    expect(bench.news()).not.toContain('PLUGIN.STABLE');
    bench.pass(1_005);
    expect(bench.news()).toContain('PLUGIN.STABLE');
  });

  test('one that does not start fails no call', async () => {
    const bench = await serving(1);
    const calls = await bench.burst(1);
    bench.granted(2);
    bench.failed(2);
    expect([calls[0]?.fate, bench.at, bench.instances]).toEqual(['waiting', 'busy.serving', [1]]);
    expect(bench.news()).toContain('PLUGIN.CRASHED 2');
  });

  test('one that is being started is the next when the last that served is lost', async () => {
    const bench = await serving(1);
    await bench.burst(1);
    bench.granted(2);
    bench.exited(1);
    expect([bench.at, bench.instances, bench.gate.waiting]).toEqual(['spawning.initializing', [2], 1]);
    bench.connected(2);
    bench.ready(2);
    expect([bench.at, bench.running]).toEqual(['busy.serving', [2]]);
  });

  test('a request for one more is withdrawn when the last that served is lost', async () => {
    const bench = await serving(1);
    await bench.burst(2);
    bench.granted(2);
    bench.news();
    bench.exited(1);
    expect([bench.news(), bench.context.asked]).toEqual([expect.arrayContaining(['WITHDRAW']), undefined]);
  });

  test('of those that are being started whichever is ready first has the calls', async () => {
    const bench = await serving(1);
    await bench.burst(2);
    bench.granted(2);
    bench.granted(3);
    bench.exited(1);
    bench.ready(3);
    expect([bench.at, bench.instances, bench.running]).toEqual(['busy.serving', [3, 2], [3]]);
    bench.ready(2);
    expect([bench.instances, bench.running]).toEqual(
      [
        [3, 2],
        [3, 2],
      ].map((each, at) => (at === 0 ? each : [3, 2])),
    );
  });

  test('one that is short of memory as it is to take over leaves that to the next one', async () => {
    const bench = await serving(1);
    await bench.burst(2);
    bench.granted(2);
    bench.granted(3);
    bench.exited(1);
    const exit = { code: 1, signal: null, output: '', outOfMemory: true, retryable: true };
    bench.send({ type: 'WORKER.FAILED', generation: 2, error: CRASH, exit, retryable: true });
    expect([bench.at, bench.instances]).toEqual(['spawning.initializing', [3]]);
    bench.ready(3);
    expect([bench.at, bench.running]).toEqual(['busy.serving', [3]]);
  });

  test('the next start after the last one was lost does not wait for calls of one that was retired', async () => {
    const bench = await serving(2);
    bench.send({ type: 'INSTANCE.UNFIT', generation: 2 });
    bench.exited(1);
    bench.send({ type: 'RESTART', delayMs: 100 });
    bench.call();
    bench.gone(1);
    bench.news();
    bench.pass(100);
    expect([bench.at, bench.running, bench.news()]).toEqual(['spawning.admitting', [2], ['ACQUIRE 3']]);
    await bench.answer(2);
    expect(bench.news()).toEqual(['worker 2 STOP']);
    bench.granted(3);
    bench.connected(3);
    bench.ready(3);
    expect(bench.at).toBe('busy.serving');
  });

  test('the next start waits for what a retired one without calls holds, which is free at once', async () => {
    const bench = await serving(2);
    await bench.answer(2);
    bench.send({ type: 'INSTANCE.UNFIT', generation: 2 });
    bench.exited(1);
    bench.send({ type: 'RESTART', delayMs: 100 });
    bench.call();
    bench.gone(1);
    bench.news();
    bench.pass(100);
    expect(bench.news()).toEqual([]);
    bench.gone(2);
    expect(bench.news()).toEqual(['FREED 2', 'ACQUIRE 3']);
  });

  test('one that does not give up its cancelled calls is killed, and the others go on', async () => {
    const bench = await serving(2);
    bench.send({ type: 'STUCK', generation: 2 });
    expect([bench.at, bench.instances, bench.news()]).toEqual(['busy.serving', [1], ['worker 2 KILL']]);
  });

  test('one that cannot be reached is killed, and the others go on', async () => {
    const bench = await serving(2);
    bench.send({ type: 'UNREACHABLE', generation: 1, error: CRASH });
    expect([bench.at, bench.instances, bench.running]).toEqual(['busy.serving', [2], [2]]);
    expect(bench.news()).toContain('worker 1 KILL');
  });
});

describe('asked to leave', () => {
  test('an instance without a call leaves, the current one too, and the others go on', async () => {
    const bench = await serving(3);
    await bench.answer(1);
    bench.pass(20);
    bench.news();
    bench.send({ type: 'RELEASE', generation: 1 });
    expect([bench.news(), bench.instances, bench.at]).toEqual([['worker 1 STOP'], [2, 3], 'busy.serving']);
    bench.gone(1);
    expect(bench.news()).toEqual(['FREED 1']);
  });

  test('an instance with a call denies', async () => {
    const bench = await serving(2);
    bench.send({ type: 'RELEASE', generation: 2 });
    expect([bench.news(), bench.instances]).toEqual([['DENIED 2'], [1, 2]]);
    await bench.answer(2);
    bench.pass(20);
    expect(bench.news()).toEqual(['IDLE 2']);
  });

  test('an instance that is to yield takes no new call and leaves after its last', async () => {
    const bench = await serving(2);
    bench.send({ type: 'YIELD', generation: 2 });
    expect([bench.news(), bench.call().fate]).toEqual([[], 'waiting']);
    await bench.answer(2);
    expect([bench.news(), bench.instances]).toEqual([['worker 2 STOP'], [1]]);
  });

  test('an instance whose calls take longer than a drain stays after all', async () => {
    const bench = await serving(2, { max: 2, idle_ms: 600_000 }, { drain_timeout_ms: 5_000 });
    bench.send({ type: 'YIELD', generation: 1 });
    expect([bench.instances, bench.at]).toEqual([[2, 1], 'busy.serving']);
    bench.pass(5_000);
    expect(bench.news()).toEqual(['DENIED 1']);
    await bench.answer(1);
    expect(bench.call().at?.generation).toBe(1);
    bench.send({ type: 'YIELD', generation: 1 });
    bench.news();
    await bench.answer(1);
    expect([bench.news(), bench.instances]).toEqual([['worker 1 STOP'], [2]]);
  });

  test('an instance that stays after all is not one too many, nor is one asked for in its place', async () => {
    const bench = await serving(2, 2, { drain_timeout_ms: 5_000 });
    bench.send({ type: 'YIELD', generation: 1 });
    await bench.burst(2);
    expect(bench.context.asked).toBe(3);
    bench.join();
    expect(bench.instances).toEqual([2, 1, 3]);
    bench.pass(5_000);
    expect([bench.instances, bench.running]).toEqual([
      [2, 1],
      [1, 2, 3],
    ]);
    bench.send({ type: 'YIELD', generation: 1 });
    await bench.burst(1);
    expect(bench.context.asked).toBe(4);
    bench.pass(5_000);
    expect([bench.context.asked, bench.instances]).toEqual([undefined, [2, 1]]);
  });

  test('an instance that yields stands for no other, though it is over its memory limit', async () => {
    const bench = await serving(2);
    bench.send({ type: 'YIELD', generation: 2 });
    bench.oversized(2);
    expect([bench.instances, bench.replacement]).toEqual([[1, 2], 'none']);
    bench.pass(bench.context.settings.drainMs);
    expect(bench.running).toEqual([1, 2]);
  });

  test('an instance that yields comes back with no config or code of before', async () => {
    for (const change of [{ type: 'CONFIGURED', config: {} }, { type: 'REPLACE' }] as const) {
      const bench = await serving(2);
      bench.send({ type: 'YIELD', generation: 2 });
      bench.send(change);
      expect(bench.instances).toEqual([1]);
      await bench.answer(2);
      expect(bench.news()).toContain('worker 2 STOP');
    }
  });

  test('an instance that yields and then has to leave for good has one time for that', async () => {
    const bench = await serving(2);
    bench.send({ type: 'YIELD', generation: 2 });
    bench.send({ type: 'STARVED', generation: 2 });
    bench.stop();
    expect(bench.clock.pending).toBe(0);
  });

  test('the last one stays where another plugin asks for a further instance, and says that it is idle', async () => {
    const bench = await serving(1);
    await bench.answer();
    bench.pass(20);
    bench.news();
    bench.send({ type: 'RELEASE', generation: 1, further: true });
    expect([bench.news(), bench.at]).toEqual([['DENIED 1', 'IDLE 1'], 'ready.ready']);
    bench.send({ type: 'RELEASE', generation: 1 });
    expect(bench.at).toBe('released.releasing');
  });

  test('calls at all instances go on where the plugin is only asked to leave, and new ones come when it stays', async () => {
    const bench = await serving(3, { max: 3, idle_ms: 600_000 }, { drain_timeout_ms: 5_000 });
    bench.send({ type: 'YIELD' });
    bench.pass(5_000);
    expect([bench.at, bench.running]).toEqual(['busy.serving', [1, 2, 3]]);
    await bench.answer(1);
    expect(bench.call().at?.generation).toBe(1);
    await bench.answer(3);
    expect(bench.news()).toContain('worker 3 STOP');
    bench.send({ type: 'UNLOAD', error: ERROR });
    bench.pass(5_000);
    expect([bench.at, bench.running]).toEqual(['discovered.stopping', []]);
  });

  test('the plugin as a whole ends all of its instances', async () => {
    const bench = await serving(3);
    bench.send({ type: 'UNLOAD', error: ERROR });
    expect([bench.at, bench.call().fate]).toEqual(['busy.draining', 'waiting']);
    for (const generation of [1, 2, 3]) await bench.answer(generation);
    expect(bench.at).toBe('discovered.stopping');
    expect(
      bench
        .news()
        .filter((told) => told.startsWith('worker'))
        .toSorted(),
    ).toEqual(['worker 1 STOP', 'worker 2 STOP', 'worker 3 STOP']);
  });
});

describe('replacing', () => {
  const roll = async (bench: InstancesBench, next: number): Promise<void> => {
    bench.granted(next);
    bench.ready(next);
    const [current] = bench.context.workers.filter(({ generation }) => !bench.instances.includes(generation));
    await bench.answer(current?.generation);
    bench.gone(current?.generation);
  };

  test('is of one instance after the other, beside which a new one is started first', async () => {
    const bench = await serving(3);
    bench.send({ type: 'REPLACE' });
    expect(bench.news()).toEqual(['RESERVE_EXTRA 4']);
    await roll(bench, 4);
    expect([sorted(bench.instances), bench.news().at(-1)]).toEqual([[2, 3, 4], 'RESERVE_EXTRA 5']);
    await roll(bench, 5);
    expect([sorted(bench.instances), bench.news().at(-1)]).toEqual([[3, 4, 5], 'RESERVE_EXTRA 6']);
    await roll(bench, 6);
    expect([sorted(bench.instances), bench.replacement, bench.context.asked]).toEqual([[4, 5, 6], 'none', undefined]);
    expect(sorted(bench.gate.serving.map(({ generation }) => generation))).toEqual([4, 5, 6]);
  });

  test('stops, and growth with it, when a new one does not start', async () => {
    const bench = await serving(2);
    bench.send({ type: 'REPLACE' });
    bench.granted(3);
    bench.failed(3);
    expect([bench.instances, bench.replacement, bench.replacements]).toEqual([[1, 2], 'none', ['E_CRASHED']]);
    bench.gone(3);
    bench.news();
    await bench.burst(3);
    bench.pass(60_000);
    expect(bench.news().filter((told) => /ACQUIRE|RESERVE/.test(told))).toEqual([]);
    bench.send({ type: 'REPLACE' });
    expect(bench.news()).toEqual(['RESERVE_EXTRA 4']);
  });

  test('without room for one more ends one first, while the others serve', async () => {
    const bench = await serving(2, 2);
    bench.send({ type: 'REPLACE' });
    bench.refused(3);
    expect([bench.at, bench.instances, bench.call().at?.generation]).toEqual(['busy.serving', [2], 2]);
    await bench.answer(1);
    bench.gone(1);
    expect(bench.news()).toEqual(['RESERVE_EXTRA 3', 'worker 1 STOP', 'FREED 1', 'ACQUIRE 4']);
    bench.join();
    expect(bench.news().at(-1)).toBe('RESERVE_EXTRA 5');
    bench.refused(5);
    expect(bench.instances).toEqual([4]);
  });

  test('without memory for one more goes on when other plugins hold what one needs in the place of another', async () => {
    const bench = await serving(3, 3);
    const asked: { generation: number; inMs: number | undefined }[] = [];
    bench.onAcquire = ({ generation, deadline }) => {
      asked.push({ generation, inMs: deadline === undefined ? undefined : deadline - bench.clock.monotonic() });
    };
    bench.send({ type: 'REPLACE' });
    bench.refused(4);
    await bench.answer(1);
    bench.gone(1);
    expect(asked).toEqual([{ generation: 5, inMs: 10_000 }]);
    bench.news();
    // As the scheduler does at the deadline.
    bench.refused(5, 'deadline');
    expect(bench.news()).toEqual(['RESERVE_EXTRA 6']);
    bench.refused(6);
    await bench.answer(2);
    bench.gone(2);
    expect([bench.instances, asked.at(-1)]).toEqual([[3], { generation: 7, inMs: 10_000 }]);
  });

  test('without memory for one more starts one in the place of each, though the calls would do with fewer', async () => {
    const bench = await serving(3);
    for (const generation of [1, 2, 3]) await bench.answer(generation);
    bench.send({ type: 'REPLACE' });
    for (const old of [1, 2, 3]) {
      bench.refused(bench.context.replacement);
      if (old === 3) break;
      bench.gone(old);
      expect(bench.instances).toHaveLength(2);
      bench.join();
      expect([bench.instances.length, bench.replacement]).toEqual([3, 'asking']);
    }
    bench.gone(3);
    bench.join();
    expect([sorted(bench.instances), bench.replacement, bench.context.asked]).toEqual([[5, 7, 9], 'none', undefined]);
    // As many as there were, and no more of them are wanted back should one leave.
    expect(bench.context.restore).toBe(0);
  });

  test('that fails asks for no further instance, and what comes of a request that is out changes nothing', async () => {
    const bench = await serving(2);
    bench.send({ type: 'REPLACE' });
    bench.granted(3);
    await bench.burst(2);
    expect(bench.news()).toContain('ACQUIRE 4');
    bench.send({ type: 'WORKER.FAILED', generation: 3, error: ERROR, retryable: true });
    expect(bench.news()).toContain('WITHDRAW');
    bench.refused(4);
    bench.exited(2);
    const { growth, growthError, lastError } = bench.context;
    expect([growth, growthError, lastError]).toEqual(['stopped', ERROR, CRASH]);
    bench.granted(4);
    expect([bench.news().at(-1), bench.instances]).toEqual(['RETURNED 4', [1]]);
  });

  test('ends those that are being started, as they are out of date', async () => {
    const bench = await serving(1);
    await bench.burst(1);
    bench.granted(2);
    bench.news();
    bench.send({ type: 'REPLACE' });
    expect([bench.news(), bench.instances]).toEqual([['worker 2 STOP', 'RESERVE_EXTRA 3'], [1]]);
  });

  test('is of the one alone that is over its memory limit', async () => {
    const bench = await serving(2);
    bench.oversized(2, 60_000);
    bench.pass(5);
    expect([bench.instances, bench.news()]).toEqual([[2, 1], ['RESERVE_EXTRA 3']]);
    await roll(bench, 3);
    expect([sorted(bench.instances), bench.replacement]).toEqual([[1, 3], 'none']);
  });

  test('gives an instance that is retired meanwhile all of its time', async () => {
    const bench = await serving(2);
    bench.send({ type: 'REPLACE', only: 'current' });
    bench.granted(3);
    bench.ready(3);
    const { drainMs } = bench.context.settings;
    bench.pass(drainMs / 2);
    bench.send({ type: 'INSTANCE.UNFIT', generation: 2 });
    bench.pass(drainMs / 2);
    expect(bench.running).toEqual([2]);
    bench.pass(drainMs / 2);
    expect(bench.running).toEqual([]);
  });

  test('once more while the scheduler is asked is of all instances too', async () => {
    const bench = await serving(2);
    bench.send({ type: 'REPLACE' });
    await roll(bench, 3);
    bench.send({ type: 'REPLACE' });
    expect(bench.context.outdated).toBeGreaterThanOrEqual(3);
  });

  test('of an instance that did not take a config is left to growth', async () => {
    const bench = await serving(2, 2);
    await bench.answer(2);
    bench.news();
    bench.send({ type: 'INSTANCE.UNFIT', generation: 2 });
    expect([bench.news(), bench.instances]).toEqual([['worker 2 STOP', 'ACQUIRE 3'], [1]]);
  });
});

test('an instance tells that it was used, though its calls were too short to tell of', async () => {
  const bench = await serving(2);
  await bench.answer(1);
  await bench.answer(2);
  bench.pass(50);
  bench.news();
  const { at } = bench.call();
  await bench.answer();
  bench.pass(50);
  expect(bench.news()).toEqual([`IDLE ${at?.generation}`]);
});

test('an instance whose use was told of the plugin meanwhile tells again that it is idle', async () => {
  const bench = await serving(2);
  await bench.answer(1);
  await bench.answer(2);
  bench.pass(50);
  const follow = (instances: unknown): void => {
    const entry = entryOf({ instances });
    bench.send({ type: 'MANIFEST.CHANGED', entry, settings: settingsOf(entry), effect: 'none' });
  };
  follow(1);
  bench.gone(2);
  bench.call();
  bench.pass(10);
  follow(2);
  bench.granted(3);
  await bench.answer(1);
  bench.news();
  bench.ready(3);
  expect(bench.news()).toContain('IDLE 1');
});

test('a manifest that allows fewer instances ends those that are too many', async () => {
  const bench = await serving(3);
  for (const generation of [1, 2, 3]) await bench.answer(generation);
  const entry = entryOf({ instances: 1 });
  bench.send({ type: 'MANIFEST.CHANGED', entry, settings: settingsOf(entry), effect: 'none' });
  expect(bench.instances).toEqual([1]);
});

test('a manifest that allows fewer instances withdraws the request for one more', async () => {
  const bench = await serving(1, { min: 2, max: 2 });
  expect(bench.context.asked).toBe(2);
  const entry = entryOf({ instances: 1 });
  bench.send({ type: 'MANIFEST.CHANGED', entry, settings: settingsOf(entry), effect: 'none' });
  expect(bench.news()).toEqual(['RECONFIGURED', 'WITHDRAW']);
  bench.granted(2);
  expect([bench.news(), bench.instances]).toEqual([['RETURNED 2'], [1]]);
});
