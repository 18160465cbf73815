import { readFileSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import { type CallTrace, endTrace, startTrace, tracePhase } from '../../../src/calls/call-trace.ts';
import { GreenroomError } from '../../../src/errors.ts';
import { History } from '../../../src/inspector/page/store/history.ts';
import { Recorder } from '../../../src/inspector/record/recorder.ts';
import { Redactor } from '../../../src/inspector/redaction/redaction.ts';
import type {
  CrashRecord,
  InspectorRecord,
  SessionHeader,
  Sync,
  TransitionRecord,
} from '../../../src/inspector/wire.ts';
import { systemClock } from '../../../src/time/clock.ts';
import { eventuallyTrue } from '../../eventually.ts';
import { type Bench, endAfterTest, get, inspect, openBench, Reader } from '../bench.ts';

function recorderOf(bench: Bench): Recorder {
  const recorder = new Recorder(bench.inspected);
  endAfterTest(async () => recorder.close());
  return recorder;
}

/** A call of the plugin `bench` begins, as far as those are told who watch calls. */
function begin(bench: Bench, call: string, tool = 'execute'): CallTrace {
  const trace = startTrace(bench.supervisor, 'bench', call, 'execute', tool, undefined);
  if (trace === undefined) throw new Error('Nobody watches calls.');
  tracePhase(trace, 1);
  return trace;
}

function recordsOf(recorder: Recorder): InspectorRecord[] {
  recorder.settle();
  return recorder.journal.all().map((line) => JSON.parse(line) as InspectorRecord);
}

const of = <K extends InspectorRecord['kind']>(records: InspectorRecord[], kind: K) =>
  records.filter((record): record is Extract<InspectorRecord, { kind: K }> => record.kind === kind);

describe('the recorder', () => {
  it('records every transition of a plugin with what changed in its context, though nobody looks', async () => {
    const bench = await openBench();
    const recorder = recorderOf(bench);
    await bench.supervisor.load('bench');
    const records = recordsOf(recorder);
    const transitions = of(records, 'transition').filter(({ actor }) => actor === 'plugin:bench');
    expect(transitions.map(({ from, to }) => `${from} > ${to}`)).toEqual([
      'discovered.idle > spawning.admitting',
      'spawning.admitting > spawning.launching',
      'spawning.launching > spawning.initializing',
      'spawning.initializing > ready',
    ]);
    const { pid } = bench.supervisor.plugin('bench').snapshot();
    const changes = transitions.map(({ context }) => context ?? {});
    expect(Object.assign({}, ...changes)).toMatchObject({ pid: { after: pid }, generation: { before: 0, after: 1 } });
    expect(transitions.at(-1)?.active).toEqual([
      'alive.lifecycle.ready',
      'alive.replacement.none',
      'alive.stability.counting',
    ]);
    expect(of(records, 'event')).toEqual([]);
    expect(of(records, 'decision')).toMatchObject([{ actor: 'plugin:bench', outcome: 'grant', policy: 'permissive' }]);
    expect(bench.errors).toEqual([]);
  });

  it('says from where on nothing is missing, so that a call that began before is seen to run', async () => {
    const bench = await openBench();
    const recorder = recorderOf(bench);
    const file = join(bench.folder, 'end');
    const running = bench.supervisor.execute('bench', { do: 'wait', for: file });
    await eventuallyTrue(() => bench.supervisor.plugin('bench').snapshot().state === 'busy');
    const edge = { kind: 'transition', at: Date.now(), actor: 'plugin:other', active: [], event: 'NUDGE' } as const;
    for (let n = 0; n < 10_000; n += 1) recorder.note({ ...edge, from: 'ready', to: 'busy.serving' });
    const { records, ...sync } = JSON.parse(recorder.sync(false)) as Sync;
    const history = new History(sync, records);
    expect(history.present.actors.get('plugin:bench')).toMatchObject({ state: 'busy', context: { inFlight: 1 } });
    expect(history.laneOf('plugin:bench').stays.at(-1)).toMatchObject({ state: 'busy' });
    expect(sync.complete).toBeGreaterThan(0);
    // It has been busy all the time, also where the quick calls are forgotten.
    const began = history.transitionsOf('plugin:bench').at(-1)?.seq ?? 0;
    expect(began).toBeLessThan(sync.complete ?? 0);
    expect(history.at(began + 1).actors.get('plugin:bench')).toMatchObject({ state: 'busy', context: { inFlight: 1 } });
    writeFileSync(file, '');
    await running;
  });

  it('lets the past be worked out from the present: changes walked back give the first context', async () => {
    const bench = await openBench();
    const recorder = recorderOf(bench);
    const contextOf = (): Record<string, unknown> => {
      const sync = JSON.parse(recorder.sync(false)) as Sync;
      return { ...sync.actors.find(({ id }) => id === 'plugin:bench')?.context };
    };
    const first = contextOf();
    await bench.supervisor.execute('bench', { do: 'about' });
    await bench.supervisor.reload('bench', { config: { colour: 'red' } });
    await bench.supervisor.unload('bench');
    const context = contextOf();
    for (const record of recordsOf(recorder).toReversed()) {
      if (record.actor !== 'plugin:bench' || !('context' in record)) continue;
      for (const [key, { before, after }] of Object.entries(record.context ?? {})) {
        expect(context[key]).toEqual(after);
        if (before === undefined) delete context[key];
        else context[key] = before;
      }
    }
    expect(context).toEqual(first);
  });

  it('records a crash with its error, its exit and the last lines, after the transition', async () => {
    const bench = await openBench({ restart: { policy: 'temporary' } });
    const recorder = recorderOf(bench);
    await bench.supervisor.execute('bench', { do: 'say', text: 'last words' });
    await expect(bench.supervisor.execute('bench', { do: 'exit', code: 7 })).rejects.toMatchObject({
      code: 'E_CRASHED',
    });
    await eventuallyTrue(() => bench.supervisor.plugin('bench').snapshot().phase === 'failed');
    const records = recordsOf(recorder);
    const [crash] = of(records, 'crash') as [CrashRecord];
    expect(crash).toMatchObject({
      actor: 'plugin:bench',
      error: { code: 'E_CRASHED' },
      exit: { code: 7, signal: null, outOfMemory: false },
      generation: 1,
    });
    expect(crash.output).toContain('last words');
    const before = records.find(({ seq }) => seq === crash.seq - 1) as TransitionRecord;
    expect(before.to).toBe('crashed.deciding');
  });

  it('records what each of several instances is at, and the crash of one while others serve as its own', async () => {
    const bench = await openBench({ instances: 2, max_concurrency: 1 });
    const recorder = recorderOf(bench);
    const instances = () => bench.supervisor.plugin('bench').snapshot().instances;
    await bench.supervisor.load('bench');
    await eventuallyTrue(() => instances().filter(({ state }) => state === 'ready').length === 2);
    const [, second] = instances();
    process.kill(second?.pid ?? 0, 'SIGKILL');
    await eventuallyTrue(() => of(recordsOf(recorder), 'instance').some(({ to }) => to.startsWith('crashed')));
    const records = recordsOf(recorder);
    const ofSecond = of(records, 'instance').filter(({ generation }) => generation === 2);
    expect(ofSecond.slice(0, 4).map(({ actor, from, to }) => [actor, from, to])).toEqual([
      ['plugin:bench', 'discovered', 'spawning.launching'],
      ['plugin:bench', 'spawning', 'spawning.initializing'],
      ['plugin:bench', 'spawning', 'ready'],
      ['plugin:bench', 'ready', 'crashed.deciding'],
    ]);
    const [crash] = of(records, 'crash') as [CrashRecord];
    expect(crash).toMatchObject({
      actor: 'plugin:bench',
      generation: 2,
      error: { code: 'E_CRASHED' },
      exit: { code: null, signal: 'SIGKILL', outOfMemory: false },
    });
    expect(records.find(({ seq }) => seq === crash.seq - 1)).toMatchObject({
      kind: 'instance',
      reason: crash.error.message,
    });
    const ways = of(records, 'transition').filter(({ actor }) => actor === 'plugin:bench');
    expect(ways.map(({ to }) => to)).not.toContain('crashed.deciding');
    expect(bench.errors).toEqual([]);
  });

  it('records the crash of the last instance once, as that of the plugin', async () => {
    const bench = await openBench({ instances: { max: 2 }, restart: { policy: 'temporary' } });
    const recorder = recorderOf(bench);
    await bench.supervisor.execute('bench', { do: 'exit', code: 7 }).catch(() => {});
    await eventuallyTrue(() => bench.supervisor.plugin('bench').snapshot().phase === 'failed');
    const records = recordsOf(recorder);
    expect(of(records, 'crash')).toMatchObject([{ generation: 1, exit: { code: 7 } }]);
    expect(of(records, 'instance').map(({ to }) => to)).toContain('crashed.deciding');
  });

  it('tells of the calls and the memory of each of several instances, and nothing new of a plugin with one', async () => {
    const bench = await openBench({ instances: 2 });
    bench.write('one');
    await bench.supervisor.discover();
    const recorder = recorderOf(bench);
    endAfterTest(async () => leave());
    const leave = recorder.look();
    await Promise.all([bench.supervisor.load('bench'), bench.supervisor.load('one')]);
    const sync = () => JSON.parse(recorder.sync(false)) as Sync;
    const contextOf = (id: string) => sync().actors.find((actor) => actor.id === id)?.context;
    await eventuallyTrue(() => contextOf('worker:bench#2')?.['memoryMb'] !== undefined);
    const [plugin, first, second] = ['plugin:bench', 'worker:bench#1', 'worker:bench#2'].map(contextOf);
    expect([first?.['inFlight'], second?.['inFlight']]).toEqual([0, 0]);
    expect(plugin?.['siblings']).toEqual([2]);
    expect(plugin?.['memoryMb']).toBeCloseTo(Number(first?.['memoryMb']) + Number(second?.['memoryMb']), 1);
    const { plugins } = sync();
    expect(plugins.find(({ name }) => name === 'bench')?.instances).toMatchObject([
      { generation: 1 },
      { generation: 2 },
    ]);
    // Of one worker all is told of the plugin.
    expect(plugins.find(({ name }) => name === 'one')).not.toHaveProperty('instances');
    expect(Object.keys(contextOf('worker:one#1') ?? {})).not.toContain('inFlight');
    expect(Object.keys(contextOf('plugin:one') ?? {})).not.toContain('siblings');
    expect(of(recordsOf(recorder), 'instance').some(({ actor }) => actor === 'plugin:one')).toBe(false);
  });

  it('tells which worker has crashed, though another is on its way to take its place', async () => {
    const bench = await openBench();
    const recorder = recorderOf(bench);
    await bench.supervisor.load('bench');
    const { pid } = bench.supervisor.plugin('bench').snapshot();
    bench.write('bench', { env_vars: { NEW: 'yes' } });
    await bench.supervisor.discover();
    const { generation, replacing } = bench.supervisor.plugin('bench').snapshot();
    expect({ generation, replacing }).toEqual({ generation: 2, replacing: true });
    process.kill(pid ?? 0, 'SIGKILL');
    await eventuallyTrue(() => of(recordsOf(recorder), 'crash').length > 0);
    expect(of(recordsOf(recorder), 'crash')).toMatchObject([{ generation: 1 }]);
  });

  it('records events only while somebody looks, and keeps what is long of them apart', async () => {
    const bench = await openBench();
    const recorder = recorderOf(bench);
    const record = bench.runtime.records.get('bench');
    record?.send({ type: 'BEFORE' } as never);
    const leave = recorder.look();
    record?.send({ type: 'SHORT', n: 1 } as never);
    record?.send({ type: 'LONG', text: 'x'.repeat(3_000) } as never);
    leave();
    record?.send({ type: 'AFTER' } as never);
    const events = of(recordsOf(recorder), 'event');
    expect(events).toMatchObject([
      { actor: 'plugin:bench', event: 'SHORT', payload: { n: 1 } },
      { actor: 'plugin:bench', event: 'LONG', payloadSize: 3_011 },
    ]);
    expect(events[1]).not.toHaveProperty('payload');
    expect(JSON.parse(recorder.journal.payload(events[1]?.seq ?? 0) ?? '')).toEqual({ text: 'x'.repeat(3_000) });
  });

  it('gives the memory of each GPU with the rates, as it was last measured', async () => {
    const bench = await openBench();
    const gpu = { uuid: 'GPU-1', index: 0, name: 'A card', totalMb: 1_024, freeMb: 768, usedMb: 256 };
    const recorder = new Recorder({ ...bench.inspected, systemMonitor: { gpus: [gpu], findGpus: async () => {} } });
    endAfterTest(async () => recorder.close());
    expect(recorder.rates([], 0).gpus).toEqual([{ index: 0, name: 'A card', totalMb: 1_024, usedMb: 256 }]);
  });

  it('sends no actor anything', async () => {
    const bench = await openBench();
    const seen: string[] = [];
    bench.inspected.root.system.inspect(({ type, ...rest }) => {
      if (type === '@xstate.event' && 'event' in rest) seen.push(rest.event.type);
    });
    const { inspector, port, token } = await inspect(bench.inspected);
    await new Reader(port, token).sync();
    await get(port, '/api/export', { authorization: `Bearer ${token}` });
    await inspector.close();
    expect(seen).toEqual([]);
  });

  it('tells of calls, of all while there are few and of some while there are many', async () => {
    const bench = await openBench();
    const recorder = recorderOf(bench);
    for (let call = 0; call < 500; call += 1) {
      endTrace(begin(bench, String(call)));
    }
    const calls = of(recordsOf(recorder), 'call');
    const starts = calls.filter(({ edge }) => edge === 'start');
    const ends = calls.filter(({ edge }) => edge === 'end');
    expect(ends.map(({ call }) => call)).toEqual(starts.map(({ call }) => call));
    expect(starts.length).toBeGreaterThanOrEqual(50);
    expect(starts.length).toBeLessThanOrEqual(100);
    expect(ends[0]).toMatchObject({ outcome: 'ok', tookMs: expect.any(Number) as number });
  });

  it('tells of a call which tool it is of, unless it is execute', async () => {
    const bench = await openBench();
    const recorder = recorderOf(bench);
    for (const tool of ['execute', 'read']) endTrace(begin(bench, tool, tool));
    expect(of(recordsOf(recorder), 'call').map(({ edge, tool }) => [edge, tool])).toEqual([
      ['start', undefined],
      ['end', undefined],
      ['start', 'read'],
      ['end', 'read'],
    ]);
  });

  it('tells of calls that fail or run for long, however many there are, and counts those that it leaves out', async () => {
    let now = 1_000;
    const clock = { ...systemClock, now: () => now, monotonic: () => now };
    const bench = await openBench();
    const recorder = new Recorder({ ...bench.inspected, clock, onError: (error) => bench.errors.push(error) });
    endAfterTest(async () => recorder.close());
    const slow = Array.from({ length: 60 }, (_, index) => begin(bench, `slow-${index}`));
    for (let call = 0; call < 500; call += 1) endTrace(begin(bench, String(call)));
    const message = `token=abcdefgh ${'x'.repeat(2_000)}`;
    endTrace(begin(bench, 'failed'), new GreenroomError('E_CRASHED', message, { plugin: 'bench' }));
    now += 1_000;
    for (const trace of slow) endTrace(trace);
    const calls = of(recordsOf(recorder), 'call');
    const ends = calls.filter(({ edge }) => edge === 'end');
    expect(ends.map(({ call }) => call)).toEqual(['failed', ...slow.map((_, index) => `slow-${index}`)]);
    expect(ends[0]).toMatchObject({ outcome: 'E_CRASHED', skipped: 500 });
    expect(ends[0]?.message).toMatch(/^token=\[redacted\] x+$/);
    expect(ends[0]?.message).toHaveLength(500);
    expect(bench.errors).toEqual([]);
  });

  it('tells of plugins that come and go, and of manifests that cannot be used', async () => {
    const bench = await openBench();
    const recorder = recorderOf(bench);
    bench.write('second');
    bench.write('third', { max_waiting: 'many' });
    await bench.supervisor.discover();
    const records = recordsOf(recorder);
    expect(of(records, 'presence')).toMatchObject([
      { actor: 'plugin:second', plugin: { name: 'second', state: 'discovered' } },
    ]);
    expect(of(records, 'problem')).toMatchObject([
      { field: 'max_waiting', file: expect.stringContaining('third') as string },
    ]);
  });

  it('tells that a plugin has come before what it does in the same turn', async () => {
    const bench = await openBench();
    const recorder = recorderOf(bench);
    bench.write('late');
    await bench.supervisor.discover();
    await bench.supervisor.load('late');
    const own = recordsOf(recorder).filter(({ actor }) => actor === 'plugin:late');
    expect(own[0]?.kind).toBe('presence');
    expect(of(own, 'decision')).toHaveLength(1);
  });

  it('has its records in the order of their times, though the clock is set back', async () => {
    const bench = await openBench();
    let ahead = 0;
    const { clock } = bench.inspected;
    const recorder = new Recorder({ ...bench.inspected, clock: { ...clock, now: () => clock.now() + ahead } });
    endAfterTest(async () => recorder.close());
    const began = Date.now();
    const { supervisor } = bench;
    await supervisor.load('bench');
    // Ahead there is a gap, as after a sleep; back there is none.
    for (const hours of [2, -2]) {
      ahead = hours * 3_600_000;
      await supervisor.execute('bench', { do: 'say', text: 'x' });
      await supervisor.unload('bench');
      await supervisor.load('bench');
    }
    const { at, plugins } = JSON.parse(recorder.sync(false)) as Sync;
    const times = recordsOf(recorder).map((record) => record.at);
    expect(times).toEqual(times.toSorted((a, b) => a - b));
    const durations = of(recordsOf(recorder), 'call').flatMap(({ tookMs }) => tookMs ?? []);
    expect(durations).toHaveLength(2);
    for (const tookMs of durations) expect(tookMs).toBeLessThan(3_600_000);
    expect(times[0]).toBeLessThan(began + 3_600_000);
    expect(at).toBeGreaterThan(began + 3_600_000);
    expect(Math.abs(at - (plugins[0]?.since ?? 0))).toBeLessThan(3_600_000);
  });

  it('disturbs nothing when it fails', async () => {
    const bench = await openBench();
    let isBroken = false;
    const thrown: unknown[] = [];
    const clock = {
      ...bench.runtime.clock,
      now: () => {
        if (isBroken) throw new Error('The recorder is broken.');
        return Date.now();
      },
    };
    const { supervisor, runtime } = bench;
    const { port, token } = await inspect({
      ...bench.inspected,
      clock,
      onError: (error) => {
        thrown.push(error);
        throw error;
      },
    });
    const reader = new Reader(port, token);
    await reader.sync();
    isBroken = true;
    const broken = vi.spyOn(Redactor.prototype, 'json').mockImplementation(() => {
      throw new Error('The recorder is broken.');
    });
    endAfterTest(async () => broken.mockRestore());
    expect(await supervisor.execute('bench', { do: 'say', text: 'x' })).toBeNull();
    await expect(supervisor.execute('bench', { do: 'exit', code: 7 })).rejects.toMatchObject({ code: 'E_CRASHED' });
    expect(await supervisor.execute('bench', { do: 'say', text: 'x' })).toBeNull();
    runtime.problems.notify([{ file: 'x', reason: 'y', severity: 'error' }]);
    begin(bench, '1');
    expect(thrown).toHaveLength(10);
    expect(bench.logged).toEqual([]);
    expect((await get(port, '/api/snapshot', { authorization: `Bearer ${token}` })).status).toBe(500);
    isBroken = false;
    broken.mockRestore();
    expect((await get(port, '/api/snapshot', { authorization: `Bearer ${token}` })).status).toBe(200);
    await supervisor.unload('bench');
    await reader.record((record) => record.kind === 'transition' && record.to === 'discovered.idle');
  });
});

describe('a session', () => {
  it('is exported as a header and everything that is remembered', async () => {
    const bench = await openBench();
    const { port, token } = await inspect(bench.inspected);
    const good = { authorization: `Bearer ${token}` };
    await bench.supervisor.load('bench');
    const sync = JSON.parse((await get(port, '/api/snapshot', good)).body) as Sync;
    const { body, headers } = await get(port, '/api/export', good);
    expect(headers['content-disposition']).toContain('.ndjson');
    const [header, ...lines] = body
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line) as unknown);
    expect(lines).toEqual(sync.records);
    expect(lines.length).toBeGreaterThan(4);
    const { records: _, ...present } = sync;
    expect(header).toEqual({
      format: 'greenroom-session',
      version: 1,
      calls: [],
      ...present,
      at: (header as SessionHeader).at,
    });
  });

  it('is recorded into a file of its own, every event too', async () => {
    const bench = await openBench();
    const { inspector } = await inspect(bench.inspected);
    const file = join(bench.folder, 'session.ndjson');
    const recording = await inspector.record(file);
    await bench.supervisor.execute('bench', { do: 'say', text: 'x' });
    await recording.close();
    const lines = readFileSync(file, 'utf8').trimEnd().split('\n');
    const [header, ...records] = lines.map((line) => JSON.parse(line) as unknown);
    expect(header).toMatchObject({ format: 'greenroom-session' });
    expect(of(records as InspectorRecord[], 'event').length).toBeGreaterThan(5);
    expect(of(records as InspectorRecord[], 'transition').map(({ to }) => to)).toContain('ready');
    expect(statSync(file).mode & 0o077).toBe(0);
    await expect(inspector.record(file)).rejects.toMatchObject({ code: 'E_OPTIONS' });
  });
});
