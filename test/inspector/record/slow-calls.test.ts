import { describe, expect, it } from 'vitest';
import type { NewRecord } from '../../../src/inspector/record/journal-entry.ts';
import { ToldAlerts } from '../../../src/inspector/record/told-alerts.ts';
import type { CallRecord } from '../../../src/inspector/wire.ts';
import type { PluginRecord } from '../../../src/runtime/plugin-record.ts';

const MINUTE = 60_000;

/** The alerts of the plugin `thumbnails`, of whose calls a test tells. */
function alertsOfCalls() {
  const records = new Map<string, PluginRecord>([['thumbnails', { state: 'ready' } as PluginRecord]]);
  const alerts = new ToldAlerts(records);
  let seq = 0;
  const tell = (at: number, call: string, told: Partial<CallRecord>): boolean => {
    seq += 1;
    const record = { kind: 'call', at, actor: 'plugin:thumbnails', call, edge: 'end', ...told };
    return alerts.note(seq, record as NewRecord);
  };
  const told = (now: number) => alerts.alerts(now).map(({ text, call }) => [text, call]);
  return { alerts, records, tell, told };
}

describe('the slow calls of a plugin', () => {
  it('are told of by the one that ran for longest, with what is usual, for ten minutes', () => {
    const { alerts, tell, told } = alertsOfCalls();
    expect(tell(0, 'worst', { slow: true, tookMs: 3_500, runMs: 3_400, usualMs: 12.4 })).toBe(true);
    expect(alerts.alerts(0)).toEqual([
      {
        ...{ kind: 'slow', actor: 'plugin:thumbnails', at: 0, seq: 1 },
        ...{ call: 'worst', text: 'execute ran 3.4 s, usually 12 ms' },
      },
    ]);
    tell(5 * MINUTE, 'later', { slow: true, tool: 'crop', tookMs: 9_000, runMs: 2_000, usualMs: 0.2 });
    tell(5 * MINUTE, 'quick', { tookMs: 4_400, queueMs: 4_324, runMs: 76 });
    tell(6 * MINUTE, 'least', { slow: true, tookMs: 1_000, runMs: 1_000 });
    expect(told(6 * MINUTE)).toEqual([['execute ran 3.4 s, usually 12 ms', 'worst']]);
    expect(told(11 * MINUTE)).toEqual([['crop ran 2.0 s, usually under 1 ms', 'later']]);
    expect(told(15.5 * MINUTE)).toEqual([['execute ran 1.0 s', 'least']]);
    expect(told(17 * MINUTE)).toEqual([]);
  });

  it('are told of while they run, however long, beside the worst that has ended, and then as such', () => {
    const { records, tell, told } = alertsOfCalls();
    tell(0, 'endless', { edge: 'slow', tookMs: 1_200, runMs: 1_200, usualMs: 12 });
    tell(1_000, 'other', { edge: 'slow', tookMs: 7_000, queueMs: 6_000, runMs: 1_000, usualMs: 12 });
    expect(told(1_000)).toEqual([['execute has run for over 2 s, usually 12 ms', 'endless']]);
    tell(2_000, 'other', { slow: true, tookMs: 8_000, queueMs: 6_000, runMs: 2_000, usualMs: 12 });
    expect(told(9 * MINUTE)).toEqual([
      ['execute has run for over 5 min, usually 12 ms', 'endless'],
      ['execute ran 2.0 s, usually 12 ms', 'other'],
    ]);
    expect(told(200 * MINUTE)).toEqual([['execute has run for over 3 h, usually 12 ms', 'endless']]);
    tell(201 * MINUTE, 'endless', { slow: true, outcome: 'E_TIMEOUT', tookMs: 201 * MINUTE, runMs: 201 * MINUTE });
    expect(told(202 * MINUTE)).toEqual([['execute ran 3 h', 'endless']]);
    records.clear();
    expect(told(202 * MINUTE)).toEqual([]);
  });

  it('are named so that a tool of another script turns no other words around', () => {
    const { tell, told } = alertsOfCalls();
    tell(0, 'one', { slow: true, tool: 'עבד\u2069', runMs: 2_000 });
    expect(told(0)).toEqual([['\u2068עבד\ufffd\u2069 ran 2.0 s', 'one']]);
  });
});
