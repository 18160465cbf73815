import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { callBarsOf } from '../../../src/inspector/page/lanes/call-bars.ts';
import { barsOf, callsOf, marksOf, memoryLineOf } from '../../../src/inspector/page/lanes/level-of-detail.ts';
import { spotAt, timeOfMark, timesOf } from '../../../src/inspector/page/lanes/spot.ts';
import {
  durationText,
  ticksOf,
  timeAt,
  windowWith,
  xOf,
  zoomWindow,
} from '../../../src/inspector/page/lanes/time-window.ts';
import type { Lane, Stay } from '../../../src/inspector/page/store/model.ts';
import type { CallRecord } from '../../../src/inspector/wire.ts';

const stay = (from: number, state = 'ready'): Stay => ({ state, phase: '', from, seq: from });
const window = { from: 0, to: 1000 };

describe('a window of time', () => {
  it('keeps the time that is zoomed about in its place', () => {
    const zoomed = zoomWindow({ from: 1000, to: 2000 }, 0.5, 1250);
    expect(zoomed).toEqual({ from: 1125, to: 1625 });
    expect(xOf(1250, zoomed, 800)).toBe(xOf(1250, { from: 1000, to: 2000 }, 800));
    expect(timeAt(xOf(1250, zoomed, 800), zoomed, 800)).toBe(1250);
  });

  it('never becomes shorter than can be drawn, nor endless', () => {
    expect(zoomWindow(window, 1e-9, 500).to - zoomWindow(window, 1e-9, 500).from).toBe(5);
    expect(zoomWindow(window, 1e12, 500).to - zoomWindow(window, 1e12, 500).from).toBe(12 * 3_600_000);
  });

  it('has lines at round times that do not crowd', () => {
    fc.assert(
      fc.property(fc.integer({ min: 10, max: 40_000_000 }), fc.integer({ min: 200, max: 4000 }), (length, width) => {
        const ticks = ticksOf({ from: 1_700_000_000_123, to: 1_700_000_000_123 + length }, width);
        expect(ticks.length).toBeLessThanOrEqual(width / 96 + 1);
        for (const { at } of ticks) expect(at).toBe(Math.round(at));
      }),
    );
  });

  it('moves no further than is needed to show a time', () => {
    expect(windowWith(window, 500)).toEqual(window);
    expect(windowWith(window, 1200)).toEqual({ from: 500, to: 1500 });
    expect(windowWith(window, -100)).toEqual({ from: -800, to: 200 });
  });

  it('is told in the unit that suits it', () => {
    expect([240, 3210, 250_000, 7_500_000].map(durationText)).toEqual(['240 ms', '3.2 s', '4 min 10 s', '2 h 5 min']);
  });
});

describe('the level of detail', () => {
  it('draws what is in the window, cut at its edges and at the end of what is known', () => {
    const bars = barsOf([stay(-500, 'ready'), stay(200, 'busy'), stay(600, 'ready')], 800, window, 100);
    expect(bars.map(({ x, width, stay: { state } }) => [x, width, state])).toEqual([
      [0, 20, 'ready'],
      [20, 40, 'busy'],
      [60, 20, 'ready'],
    ]);
  });

  it('covers the lane without gaps and overlaps, in no more bars than pixels, for any stays', () => {
    const lengths = fc.array(fc.integer({ min: 0, max: 60 }), { minLength: 1, maxLength: 300 });
    fc.assert(
      fc.property(lengths, fc.integer({ min: 10, max: 300 }), (gaps, width) => {
        let at = 0;
        const stays = gaps.map((gap) => stay((at += gap)));
        const bars = barsOf(stays, 1000, window, width);
        const first = xOf(Math.min(stays[0]!.from, 1000), window, width);
        let x = Math.max(0, first);
        for (const bar of bars) {
          expect(bar.x).toBeCloseTo(x, 6);
          x = bar.x + bar.width;
        }
        if (bars.length > 0) expect(x).toBeGreaterThanOrEqual(width - 1e-6);
        expect(bars.length).toBeLessThanOrEqual(width + 2);
      }),
    );
  });

  it('looks at few of a hundred thousand stays', () => {
    let looks = 0;
    const many = Array.from({ length: 100_000 }, (_, index) => stay(index / 100));
    const watched = new Proxy(many, {
      get: (target, key, receiver) => {
        if (typeof key === 'string' && /^\d+$/.test(key)) looks += 1;
        return Reflect.get(target, key, receiver) as unknown;
      },
    });
    const bars = barsOf(watched, 1000, window, 800);
    expect(bars.every(({ dense }) => dense)).toBe(true);
    expect(looks).toBeLessThan(40_000);
  });

  it('joins marks that would lie on one another, and a crash is seen among them', () => {
    const marks = [100, 101, 102, 500].map((at, index) => ({
      at,
      seq: index,
      kind: index === 1 ? ('crash' as const) : ('eviction' as const),
    }));
    expect(marksOf(marks, window, 100)).toEqual([
      { x: 10, kind: 'crash', count: 3 },
      { x: 50, kind: 'eviction', count: 1 },
    ]);
  });

  it('joins calls that touch, and one that runs goes on to the end of what is known', () => {
    const calls = [
      { call: 'a', tool: 'read', from: 0, to: 100, failed: false },
      { call: 'b', tool: 'read', from: 50, to: 200, failed: false },
      { call: 'c', tool: 'write', from: 500, to: undefined, failed: false },
    ];
    expect(callsOf(calls, 700, window, 100)).toEqual([
      { x: 0, width: 20, failed: false, tool: undefined },
      { x: 50, width: 20, failed: false, tool: 'write' },
    ]);
  });

  it('keeps the most memory of each pixel', () => {
    const memory = [0, 1, 2, 500].map((at) => ({ at, memoryMb: at === 1 ? 90 : 10 }));
    expect(memoryLineOf(memory, window, 100)).toEqual([
      { x: 0, memoryMb: 90 },
      { x: 50, memoryMb: 10 },
    ]);
  });
});

describe('calls', () => {
  const record = (at: number, call: string, rest: Partial<CallRecord>): CallRecord => ({
    kind: 'call',
    seq: at,
    at,
    actor: 'plugin:a',
    call,
    edge: 'start',
    ...rest,
  });

  it('are bars from their start to their end, also where only one of the two is remembered', () => {
    const records = [
      record(5, 'before', { edge: 'end', outcome: 'ok', tookMs: 4 }),
      record(10, 'one', {}),
      record(12, 'two', {}),
      record(20, 'one', { edge: 'end', outcome: 'CALL_TIMEOUT', tookMs: 10 }),
      record(30, 'late', { edge: 'slow', tookMs: 15, tool: 'read' }),
      record(40, 'late', { edge: 'end', outcome: 'ok', tookMs: 25, tool: 'read' }),
    ];
    expect(callBarsOf(records).get('plugin:a')).toEqual([
      { call: 'before', tool: 'execute', from: 1, to: 5, failed: false },
      { call: 'one', tool: 'execute', from: 10, to: 20, failed: true },
      { call: 'two', tool: 'execute', from: 12, to: undefined, failed: false },
      { call: 'late', tool: 'read', from: 15, to: 40, failed: false },
    ]);
  });
});

describe('a lane', () => {
  const lane: Lane = {
    id: 'plugin:a',
    name: 'a',
    stays: [stay(100, 'ready'), stay(300, 'busy'), stay(400, 'crashed')],
    memory: [{ at: 150, memoryMb: 42 }],
    budgetMb: 64,
    marks: [{ at: 400, seq: 9, kind: 'crash' }],
  };

  it('tells what was at a time', () => {
    expect(spotAt(lane, [{ call: 'a', tool: 'read', from: 310, to: 350, failed: false }], 320, 1000)).toMatchObject({
      stay: { state: 'busy' },
      lasted: 100,
      memoryMb: 42,
      call: { from: 310 },
      marks: [],
    });
    expect(spotAt(lane, [], 450, 1000)).toMatchObject({ stay: { state: 'crashed' }, lasted: 600, marks: [] });
    expect(spotAt(lane, [], 395, 1000, 10)).toMatchObject({ marks: [{ seq: 9 }] });
    expect([timeOfMark(lane, 395, 10), timeOfMark(lane, 380, 10)]).toEqual([400, 380]);
    expect(spotAt(lane, [], 50, 1000)?.stay).toBeUndefined();
    expect(spotAt(lane, [], 1001, 1000)).toBeUndefined();
  });

  it('sums up the time in each state', () => {
    expect([...timesOf(lane, { from: 200, to: 1000 }, 500)]).toEqual([
      ['ready', 100],
      ['busy', 100],
      ['crashed', 100],
    ]);
  });
});
