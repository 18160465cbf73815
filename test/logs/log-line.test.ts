import { describe, expect, it } from 'vitest';
import { levelIn, readLogLine, timeOf } from '../../src/logs/log-line.ts';

describe('a line of a log', () => {
  it.each([
    ['[ERROR] app: no', 'error'],
    ['[error] no {"a":1}', 'error'],
    ['[ warn ] x', 'warn'],
    ['WARNING: disk', 'warn'],
    ['ERROR:root:no', 'error'],
    ['2026-01-02 03:04:05,678 CRITICAL app', 'error'],
    ['2026-01-02T03:04:05.678Z [info] app', 'info'],
    ['DEBUG x', 'debug'],
    ['Traceback (most recent call last):', 'error'],
    ['TypeError: x is not a function', 'error'],
    ['Uncaught RangeError: x', 'error'],
    ['json.decoder.JSONDecodeError: x', undefined],
    ['error handling went well', undefined],
    ['Informed: nothing', undefined],
    ['errors: 0', undefined],
    ['', undefined],
  ])('says its level at its beginning: %s', (text, level) => {
    expect(levelIn(text)).toBe(level);
  });

  it('is read from its record, and half a record as it is', () => {
    const time = '2026-01-02T03:04:05.678Z';
    const at = Date.parse(time);
    const printed = JSON.stringify({ level: 30, time, plugin: 'p', stream: 'stderr', generation: 3, msg: '[WARN] x' });
    expect(readLogLine(printed)).toEqual({ at, generation: 3, stream: 'stderr', level: 'warn', text: '[WARN] x' });
    const told = JSON.stringify({ level: 40, time, plugin: 'p', dropped: 2, msg: '2 lines dropped' });
    expect(readLogLine(told)).toEqual({
      at,
      generation: undefined,
      stream: undefined,
      level: 'warn',
      text: '2 lines dropped',
    });
    const half = printed.slice(0, -9);
    expect(readLogLine(half)).toMatchObject({ at, text: half });
    expect(readLogLine('null')).toMatchObject({ at: undefined, text: 'null' });
    expect(timeOf('{"time":"yesterday"}')).toBeUndefined();
  });
});
