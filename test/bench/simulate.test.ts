import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Result } from '../../bench/simulate/report.mjs';
import { readTrace } from '../../bench/simulate/trace.mjs';
import { simulate } from './simulator.ts';

const HEAD = '{"trace":1,"name":"two","capacityMb":4}';
const A = '{"plugin":"a","mb":4,"loadMs":1000,"stopMs":100}';
const B = '{"plugin":"b","mb":3,"loadMs":2000,"stopMs":100}';
const CALLS = ['{"at":0,"call":"a","ms":10}', '{"at":5000,"call":"b","ms":10}', '{"at":6000,"call":"a","ms":10}'];
const TRACE = [HEAD, A, B, ...CALLS];

let folder = '';
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'greenroom-simulate-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

describe('npm run simulate', () => {
  test('counts loads, evictions and waiting, which are those that one counts by hand', async () => {
    const file = join(folder, 'two.jsonl');
    writeFileSync(file, `${TRACE.join('\n')}\n`);
    const { status, stdout, stderr } = await simulate(['--trace', file, '--json']);
    expect(stderr).toBe('');
    expect(status).toBe(0);
    const [result] = JSON.parse(stdout) as Result[];
    expect(result).toMatchObject({
      trace: 'two',
      policy: 'queue',
      order: 'lru',
      loads: 3,
      loadMs: 4_000,
      hindsightMs: 4_000,
      evictions: 2,
      served: 3,
      refused: {},
      // a, at 0: its load. b, at 5,000: that a is gone, and its load. a, at 6,000: that b is served at 7,100 and gone, …
      waitMs: { p50: 2_100, p99: 2_210 },
      peakMb: 4,
    });
    const table = await simulate(['--trace', file, '--table']);
    expect(table.stdout).toContain('| two | cost-aware | 3 | 4 s | 100 % | 4 s | 2 | 2.1 s | 2.2 s | 0 |');
    const report = await simulate(['--trace', file]);
    expect(report.stdout).toMatch(/load time +4 s/);
  });

  test('takes the policy and the memory from the command line', async () => {
    const run = async (...args: string[]) => {
      const { stdout } = await simulate(['--trace', '-', '--json', ...args], TRACE.join('\n'));
      return (JSON.parse(stdout) as Result[])[0];
    };
    const [permissive, roomy, small] = await Promise.all([
      run('--policy', 'permissive'),
      run('--capacity-mb', '7'),
      run('--policy', 'safety', '--capacity-mb', '3'),
    ]);
    expect(permissive).toMatchObject({ loads: 2, evictions: 0, peakMb: 7 });
    expect(roomy).toMatchObject({ loads: 2, evictions: 0, peakMb: 7 });
    expect(small).toMatchObject({ loads: 1, served: 1, refused: { 'never-fits': 2 } });
  });

  test.each([
    ['is empty', [], ':1: the trace is empty.'],
    ['has no calls', [HEAD, A], ':3: the trace ends without a call.'],
    ['is not JSON', [HEAD, A, '{"at":'], ':3: not JSON: '],
    ['has a line that is no object', [HEAD, '7'], ':2: a line must be a JSON object.'],
    ['has no head', [A], ':1: "trace": '],
    ['is of another version', [HEAD.replace('1', '2')], ':1: "trace": '],
    ['has a field of another type', [HEAD, A.replace('1000', '"1 s"')], ':2: "loadMs": '],
    ['has a field that is not known', [HEAD, A.replace('mb', 'gb')], ':2: '],
    ['names a plugin twice', [HEAD, A, A], ':3: the plugin "a" is there already.'],
    ['calls whom it does not describe', [HEAD, A, ...CALLS], ':4: no line before the calls describes the plugin "b".'],
    ['describes a plugin after a call', [HEAD, A, CALLS[0], B], ':4: a plugin must stand before all calls.'],
    ['goes back in time', [HEAD, A, B, CALLS[2], CALLS[1]], ':5: the call arrives at 5000, before the one above it'],
  ])('says where and why a trace cannot be used that %s', async (_what, lines, message) => {
    const file = join(folder, 'bad.jsonl');
    writeFileSync(file, lines.join('\n'));
    await expect(readTrace(file)).rejects.toThrow(`${file}${message}`);
  });

  test('says what is wrong with the command line, and which trace is not there', async () => {
    const ask = async (...args: string[]) => {
      const { status, stderr } = await simulate(args);
      return `${String(status)} ${stderr}`;
    };
    const answers = await Promise.all([
      ask(),
      ask('--trcae', 'x'),
      ask('--trace', 'x', '--order', 'fifo'),
      ask('--trace', 'x', '--capacity-mb', '1.5'),
      ask('--trace', 'x', '--seed', '1'),
      ask('--make', 'zip'),
      ask('--trace', join(folder, 'none.jsonl')),
      ask('--trace', '-'),
    ]);
    expect(answers).toEqual([
      expect.stringMatching(/^2 .*Neither a trace to replay nor one to make/),
      expect.stringMatching(/^2 .*--trcae[^]*Did you mean "--trace"/),
      expect.stringMatching(/^2 .*--order "fifo" is none of lru, cost-aware/),
      expect.stringMatching(/^2 .*--capacity-mb "1.5" is no whole number/),
      expect.stringMatching(/^2 .*--seed does not go with --trace/),
      expect.stringMatching(/^2 .*--make "zip" is none of[^]*Did you mean "zipf"/),
      expect.stringMatching(/^4 .*none\.jsonl: the trace cannot be opened \(ENOENT\)/),
      '4 error: standard input:1: the trace is empty.\n',
    ]);
    const { stdout } = await simulate(['--trace', 'x', '--seed', '1', '--json']);
    expect(JSON.parse(stdout)).toMatchObject({ error: { code: 'E_USAGE' } });
  });
});
