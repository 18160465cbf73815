import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it, vi } from 'vitest';
import {
  type CallTrace,
  endTrace,
  startTrace,
  traceChunk,
  tracePhase,
  traceProgress,
} from '../../../src/calls/call-trace.ts';
import { GreenroomError } from '../../../src/errors.ts';
import { Recorder } from '../../../src/inspector/record/recorder.ts';
import type { CallPayload, CallRecord, InspectorRecord } from '../../../src/inspector/wire.ts';
import { systemClock } from '../../../src/time/clock.ts';
import { eventuallyTrue } from '../../eventually.ts';
import { type Bench, endAfterTest, openBench } from '../bench.ts';

/** A recorder whose clock a test turns by hand: `turn` moves it, and has it look for slow calls once a second. */
async function timed(payloads = true) {
  const bench = await openBench();
  let now = 1_000_000;
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  endAfterTest(async () => void vi.useRealTimers());
  const clock = { ...systemClock, now: () => now, monotonic: () => now };
  const recorder = new Recorder({ ...bench.inspected, clock, onError: (error) => bench.errors.push(error) }, payloads);
  endAfterTest(async () => recorder.close());
  const turn = (ms: number): void => {
    for (let left = ms; left > 0; left -= 1_000) {
      now += Math.min(left, 1_000);
      vi.advanceTimersByTime(Math.min(left, 1_000));
    }
  };
  return { bench, recorder, turn };
}

function begin(bench: Bench, call: string, plugin = 'bench', tool = 'execute'): CallTrace {
  const trace = queue(bench, call, plugin, tool);
  tracePhase(trace, 1);
  return trace;
}

/** A call that waits for a worker. */
function queue({ supervisor }: Bench, call: string, plugin = 'bench', tool = 'execute'): CallTrace {
  const trace = startTrace(supervisor, plugin, call, 'execute', tool, undefined);
  if (trace === undefined) throw new Error('Nobody watches calls.');
  tracePhase(trace, undefined);
  return trace;
}

const failure = (message = 'no'): GreenroomError => new GreenroomError('E_CRASHED', message, { plugin: 'bench' });

function callsIn(recorder: Recorder): CallRecord[] {
  recorder.settle();
  return recorder.journal
    .all()
    .map((line) => JSON.parse(line) as InspectorRecord)
    .filter((record): record is CallRecord => record.kind === 'call');
}

const endsIn = (recorder: Recorder): CallRecord[] => callsIn(recorder).filter(({ edge }) => edge === 'end');

const payloadOf = (recorder: Recorder, { seq }: CallRecord): CallPayload =>
  JSON.parse(recorder.journal.payload(seq) ?? '{}') as CallPayload;

describe('the recorder of calls', () => {
  it('keeps those that failed or were slow beside 20,000 quick ones a second, and says how many it left out', async () => {
    const { bench, recorder, turn } = await timed();
    const slow = begin(bench, 'slow', 'bench', 'long');
    for (let second = 0; second < 10; second += 1) {
      for (let call = 0; call < 20_000; call += 1) {
        const trace = begin(bench, `${second}-${call}`);
        endTrace(trace, call % 10_000 === 5_000 ? failure(`failed in ${second}`) : undefined);
      }
      if (second === 2) endTrace(slow);
      turn(1_000);
      recorder.settle();
    }
    const notable = recorder.journal.notableCalls().map((line) => JSON.parse(line) as CallRecord);
    const failed = notable.filter(({ outcome }) => outcome === 'E_CRASHED');
    expect(failed).toHaveLength(20);
    expect(failed[0]).toMatchObject({ message: 'failed in 0', tookMs: 0, generation: 1 });
    const late = notable.filter(({ call }) => call === 'slow');
    expect(late.map(({ edge, tookMs, tool }) => [edge, tookMs, tool])).toEqual([
      ['slow', 1_000, 'long'],
      ['end', 2_000, 'long'],
    ]);
    const [all, ...tools] = recorder.calls?.now('bench').figures ?? [];
    expect(all).toMatchObject({ plugin: 'bench', ended: 200_001, failed: 20, slow: 1, notableLeftOut: 0 });
    const told = endsIn(recorder);
    const kept = new Set(told.map(({ call }) => call)).size;
    // Each second begins with 50 that are told of, whatever becomes of them.
    expect(all?.leftOut).toBe(200_001 - 20 - 10 * 50);
    expect(kept).toBe(10 * 50 + 20);
    const skipped = callsIn(recorder).reduce((sum, record) => sum + (record.skipped ?? 0), 0);
    expect(skipped).toBeGreaterThan(170_000);
    expect(tools.map(({ tool, ended }) => [tool, ended])).toEqual([
      ['execute', 200_000],
      ['long', 1],
    ]);
    expect(bench.errors).toEqual([]);
  });

  it('keeps 100 failed calls of each plugin a second, and counts the others', async () => {
    const { bench, recorder } = await timed();
    for (let call = 0; call < 50; call += 1) endTrace(begin(bench, `first-${call}`));
    for (let call = 0; call < 300; call += 1) {
      for (const plugin of ['bench', 'other']) endTrace(begin(bench, `${plugin}-${call}`, plugin), failure());
    }
    const failed = endsIn(recorder).filter(({ outcome }) => outcome !== 'ok');
    for (const plugin of ['bench', 'other'])
      expect(failed.filter(({ actor }) => actor === `plugin:${plugin}`)).toHaveLength(100);
    const figures = recorder.calls?.now(undefined).figures;
    expect(figures?.map(({ failed: all, notableLeftOut }) => [all, notableLeftOut])).toEqual([
      [300, 200],
      [300, 200],
    ]);
  });

  it('says that a call is slow from a second and ten times what half of its tool take on, also while it runs', async () => {
    const { bench, recorder, turn } = await timed();
    for (let call = 0; call < 20; call += 1) {
      const trace = begin(bench, `usual-${call}`, 'bench', 'render');
      turn(500);
      endTrace(trace);
    }
    const usual = begin(bench, 'not-slow', 'bench', 'render');
    const quick = begin(bench, 'quick-tool', 'bench', 'ping');
    turn(2_000);
    expect(
      callsIn(recorder)
        .filter(({ edge }) => edge === 'slow')
        .map(({ call }) => call),
    ).toEqual(['quick-tool']);
    for (const trace of [usual, quick]) endTrace(trace);
    const endless = begin(bench, 'endless', 'bench', 'render');
    turn(9_000);
    const { running, runningCount } = recorder.calls?.now('bench') ?? {};
    expect(runningCount).toBe(1);
    expect(running).toMatchObject([{ call: 'endless', tool: 'render', part: 'run', runMs: 9_000, slow: true }]);
    endTrace(endless);
    const slow = callsIn(recorder).filter(({ edge, slow: isSlow }) => edge === 'slow' || isSlow === true);
    expect(slow.map(({ call, edge }) => [call, edge])).toEqual([
      ['quick-tool', 'slow'],
      ['quick-tool', 'end'],
      ['endless', 'slow'],
      ['endless', 'end'],
    ]);
    expect(recorder.calls?.now('bench').figures.find(({ tool }) => tool === 'render')?.p50Ms).toBeGreaterThan(400);
  });

  it('is not slow by having waited behind one that is, and of that says what is usual', async () => {
    const { bench, recorder, turn } = await timed();
    for (let call = 0; call < 20; call += 1) {
      const trace = begin(bench, `usual-${call}`);
      turn(100);
      endTrace(trace);
    }
    const culprit = begin(bench, 'culprit');
    const victims = ['one', 'two'].map((call) => queue(bench, call));
    turn(4_000);
    endTrace(culprit);
    for (const victim of victims) {
      tracePhase(victim, 1);
      turn(76);
      endTrace(victim);
    }
    const slow = callsIn(recorder).filter(({ edge, slow: isSlow }) => edge === 'slow' || isSlow === true);
    expect(slow.map(({ call, edge }) => [call, edge])).toEqual([
      ['culprit', 'slow'],
      ['culprit', 'end'],
    ]);
    for (const { usualMs } of slow) expect(Math.abs((usualMs ?? 0) - 100)).toBeLessThan(25);
    const figures = recorder.calls?.now('bench').figures[0];
    expect(figures).toMatchObject({ slow: 1 });
    expect(figures?.p95Ms).toBeGreaterThan(3_000);
  });

  it('tells what a call was given, though the program changes it, what it gave, and how long it waited and ran', async () => {
    const bench = await openBench();
    const recorder = new Recorder(bench.inspected);
    endAfterTest(async () => recorder.close());
    const input = { do: 'wait', for: join(bench.folder, 'file'), api_key: 'sk-very-secret', value: { n: 1 } };
    const call = bench.supervisor.execute('bench', input);
    input.value.n = 2;
    input.do = 'changed';
    await eventuallyTrue(() => recorder.calls?.now('bench').running[0]?.message === 'waiting');
    const [running] = recorder.calls?.now('bench').running ?? [];
    expect(running).toMatchObject({ plugin: 'bench', part: 'run', progress: 0, generation: 1 });
    expect(running?.loadMs).toBeGreaterThan(0);
    const given = { do: 'wait', for: input.for, api_key: '[redacted]', value: { n: 1 } };
    expect(recorder.calls?.payloadOf(running?.call ?? '')).toEqual({ input: given });
    writeFileSync(input.for, '');
    await call;
    const [end] = endsIn(recorder) as [CallRecord];
    expect(payloadOf(recorder, end)).toEqual({ input: given, output: { n: 1 } });
    expect(end).toMatchObject({ outcome: 'ok', generation: 1 });
    const { tookMs = 0, queueMs = 0, loadMs = 0, runMs = 0 } = end;
    expect(loadMs).toBeGreaterThan(0);
    expect(runMs).toBeGreaterThan(0);
    expect(Math.abs(tookMs - queueMs - loadMs - runMs)).toBeLessThan(1);
    expect(bench.errors).toEqual([]);
  });

  it('tells of a failed call the class and the stack, of bytes how many, of a stream its first chunks', async () => {
    const bench = await openBench();
    const recorder = new Recorder(bench.inspected);
    endAfterTest(async () => recorder.close());
    const { supervisor } = bench;
    await supervisor.execute('bench', { do: 'fail' }).catch(() => {});
    await supervisor.execute('bench', { do: 'hash', value: Buffer.alloc(3_000) });
    await supervisor.execute('bench', ['positional', 'x'.repeat(20_000)]);
    for await (const chunk of supervisor.stream('bench', { count: 300, size: 30 }))
      (chunk as { filler: string }).filler = 'changed';
    const [failed, hashed, listed, streamed] = endsIn(recorder) as [CallRecord, CallRecord, CallRecord, CallRecord];
    expect(failed).toMatchObject({ outcome: 'E_REMOTE', errorType: 'RangeError' });
    expect(payloadOf(recorder, failed).stack).toMatch(/RangeError: out of range\n.*workbench\.mjs/s);
    expect(payloadOf(recorder, hashed).input).toEqual({ do: 'hash', value: '[3 KiB of bytes]' });
    expect(JSON.stringify(payloadOf(recorder, listed).input).length).toBeLessThan(5_000);
    expect(JSON.stringify(payloadOf(recorder, listed).input)).toMatch(/positional.*x{3000}.*…/s);
    const { chunks, output } = payloadOf(recorder, streamed);
    expect(chunks).toBe(300);
    expect((output as unknown[])[0]).toEqual({ index: 0, filler: 'x'.repeat(30) });
    expect((output as unknown[]).length).toBeGreaterThan(20);
    expect((output as unknown[]).length).toBeLessThan(100);
    expect(bench.errors).toEqual([]);
  });

  it('keeps no inputs and outputs where they are not wanted, and still what a failed call says', async () => {
    const bench = await openBench();
    const recorder = new Recorder(bench.inspected, false);
    endAfterTest(async () => recorder.close());
    await bench.supervisor.execute('bench', { do: 'size', text: 'not to be kept' });
    await bench.supervisor.execute('bench', { do: 'fail' }).catch(() => {});
    const [went, failed] = endsIn(recorder) as [CallRecord, CallRecord];
    expect(went.payloadSize).toBeUndefined();
    expect(Object.keys(payloadOf(recorder, failed))).toEqual(['stack']);
    expect(failed.message).toMatch(/out of range/);
    expect(recorder.calls?.now('bench').payloads).toBe(false);
    expect(recorder.journal.all().join('\n')).not.toContain('not to be kept');
  });

  it('shows nowhere what the schema of a tool declares secret, also where it comes back', async () => {
    const bench = await openBench({
      tools: [{ name: 'execute', input_schema: { type: 'object', properties: { value: { writeOnly: true } } } }],
    });
    const recorder = new Recorder(bench.inspected);
    endAfterTest(async () => recorder.close());
    await bench.supervisor.execute('bench', { value: 'null and void' });
    const [end] = endsIn(recorder) as [CallRecord];
    expect(payloadOf(recorder, end)).toEqual({ input: { value: '[redacted]' }, output: '[redacted]' });
  });

  it('shows no secret of a long input in what comes back, and nothing where the input is too long to look for them', async () => {
    const bench = await openBench();
    const recorder = new Recorder(bench.inspected);
    endAfterTest(async () => recorder.close());
    const outputs: unknown[] = [];
    for (const length of [100_000, 2_000_000]) {
      await bench.supervisor.execute('bench', {
        value: 'so: hunter-two',
        password: 'hunter-two',
        filler: 'x'.repeat(length),
      });
      outputs.push(payloadOf(recorder, endsIn(recorder).at(-1) as CallRecord).output);
    }
    expect(outputs).toEqual(['so: [redacted]', expect.stringContaining('too long to look for its secrets')]);
  });

  it('shows no part of a secret where a text, a name or all of a value is cut', async () => {
    const bench = await openBench();
    const recorder = new Recorder(bench.inspected);
    endAfterTest(async () => recorder.close());
    const password = 'hunter-two';
    const filler = 'x'.repeat(4_090);
    for (const value of [filler + password, { [filler + password]: 1 }, [filler, password]]) {
      await bench.supervisor.execute('bench', { password, value });
      const payload = JSON.stringify(payloadOf(recorder, endsIn(recorder).at(-1) as CallRecord));
      expect(payload).toContain('xxx');
      expect(payload).not.toContain('hunt');
    }
  });

  it('shows no secret of an input in what a call that runs says of its progress', async () => {
    const bench = await openBench();
    const recorder = new Recorder(bench.inspected);
    endAfterTest(async () => recorder.close());
    const file = join(bench.folder, 'file');
    const call = bench.supervisor.execute('bench', { do: 'wait', for: file, password: 'waiting' });
    await eventuallyTrue(() => recorder.calls?.now('bench').running[0]?.message !== undefined);
    expect(recorder.calls?.now('bench').running[0]?.message).toBe('[redacted]');
    writeFileSync(file, '');
    await call;
  });

  it('says in a line what a plugin does: the call that has run for longest, how far it is, and how many run beside it', async () => {
    const { bench, recorder } = await timed();
    const busy = (...plugins: string[]) => recorder.rates(plugins, 0).busy;
    expect(busy('bench')).toEqual({});
    const [first, second] = [begin(bench, 'first', 'bench', 'reindex'), begin(bench, 'second')];
    expect(busy('bench', 'other', 'constructor')).toEqual({ bench: 'reindex +1' });
    traceProgress(first, 0.056, 'summer 2019');
    expect(busy('bench')).toEqual({ bench: 'reindex 6 % +1 · summer 2019' });
    traceChunk(second, 'a chunk');
    // Its worker was lost: it waits for another, and the other call has run for longer from then on.
    tracePhase(first, undefined);
    expect(busy('bench')).toEqual({ bench: 'execute 1 chunk' });
    tracePhase(first, 2);
    expect(busy('bench')).toEqual({ bench: 'execute 1 chunk +1' });
    endTrace(second);
    traceProgress(first, 1, 'x'.repeat(10_000));
    expect(busy('bench').bench).toBe(`reindex 100 % · ${'x'.repeat(100)}`);
    endTrace(first);
    expect(busy('bench')).toEqual({});
    expect(bench.errors).toEqual([]);
  });

  it('says in that line no secret of the input, and of a long input only how far it is', async () => {
    const { bench, recorder } = await timed();
    const trace = begin(bench, 'one');
    const given = (filler: string) => JSON.stringify({ password: 'hunter-two', filler });
    trace.input = { args: '[]', kwargs: given(''), bytes: [] };
    traceProgress(trace, 0.5, 'signs in with hunter-two');
    expect(recorder.rates(['bench'], 0).busy).toEqual({ bench: 'execute 50 % · signs in with [redacted]' });
    endTrace(trace);
    const long = begin(bench, 'long');
    long.input = { args: '[]', kwargs: given('x'.repeat(100_000)), bytes: [] };
    traceProgress(long, 0.5, 'signs in with hunter-two');
    expect(recorder.rates(['bench'], 0).busy).toEqual({ bench: 'execute 50 %' });
    // Somebody looks at the call: its secrets are known from then on.
    recorder.calls?.now('bench');
    expect(recorder.rates(['bench'], 0).busy).toEqual({ bench: 'execute 50 % · signs in with [redacted]' });
  });
});
