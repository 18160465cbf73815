import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { KINDS, makeTrace, SIZES } from '../../bench/simulate/make.mjs';
import { replay } from '../../bench/simulate/replay.mjs';
import { type Result, tableLines } from '../../bench/simulate/report.mjs';
import { linesOf } from '../../bench/simulate/trace.mjs';
import { EVICTION_ORDERS, POLICY_NAMES, policyNamed } from '../../src/scheduler/policies/policies.ts';
import { ROOT, simulate } from './simulator.ts';

const FOLDER = join(ROOT, 'bench', 'traces');
const FILES = readdirSync(FOLDER).filter((name) => name.endsWith('.jsonl'));

describe('a trace', () => {
  test.each(KINDS)(
    'of kind %s is made and replayed the same from the same seed, and otherwise from another',
    (kind) => {
      const from = (seed: number) => makeTrace({ kind, seed, plugins: 8, calls: 200, sizes: 'skewed' });
      const [one, same, other] = [from(1), from(1), from(2)];
      expect(same).toEqual(one);
      expect(other).not.toEqual(one);
      for (const order of EVICTION_ORDERS) {
        const policy = policyNamed('queue', { order });
        expect(replay(same, { policy })).toEqual(replay(one, { policy }));
      }
    },
  );

  test('in bench/traces is what its line in the README makes', async () => {
    const readme = readFileSync(join(FOLDER, 'README.md'), 'utf8');
    const lines = [...readme.matchAll(/-- --make (\w+) --sizes (\w+) --seed (\d+) > bench\/traces\/(\S+)/g)];
    expect(lines.map(([, , , , file = '']) => file).toSorted()).toEqual(FILES.toSorted());
    for (const [, kind = '', sizes = '', seed, file = ''] of lines) {
      const options = { kind, sizes } as { kind: (typeof KINDS)[number]; sizes: (typeof SIZES)[number] };
      const made = makeTrace({ ...options, seed: Number(seed), plugins: 24, calls: 500 });
      const stored = readFileSync(join(FOLDER, file), 'utf8');
      expect(`${[...linesOf(made)].join('\n')}\n`, file).toBe(stored);
    }
    const { stdout } = await simulate(['--make', 'zipf', '--sizes', 'skewed', '--seed', '1']);
    expect(stdout).toBe(readFileSync(join(FOLDER, 'zipf-skewed.jsonl'), 'utf8'));
  });
});

describe('a replay', () => {
  // Whether the memory is exceeded, a call is lost, or something does not come to rest, the replay itself looks after.
  test('breaks no invariant, and loads for no less than the bound, whatever the trace and the policy', () => {
    const traces = fc.record({
      kind: fc.constantFrom(...KINDS),
      seed: fc.nat(),
      plugins: fc.integer({ min: 1, max: 12 }),
      calls: fc.integer({ min: 1, max: 120 }),
      sizes: fc.constantFrom(...SIZES),
    });
    fc.assert(
      fc.property(
        traces,
        fc.constantFrom(...POLICY_NAMES),
        fc.constantFrom(...EVICTION_ORDERS),
        fc.constantFrom(0.3, 1, 2),
        fc.constantFrom(0.02, 0.3, 1),
        (options, name, order, room, pace) => {
          const made = makeTrace(options);
          // The faster the calls come, the more of them wait for each other.
          const calls = made.calls.map((call) => ({ ...call, at: Math.floor(call.at * pace) }));
          const capacityMb = Math.ceil(made.capacityMb * room);
          const outcome = replay({ ...made, calls }, { policy: policyNamed(name, { order }), capacityMb });
          const refused = Object.values(outcome.refused).reduce((sum, count) => sum + count, 0);
          expect(outcome.served + refused).toBe(options.calls);
          expect(outcome.hindsightMs).toBeLessThanOrEqual(outcome.loadMs);
          if (name === 'permissive') expect(outcome.evictions + refused).toBe(0);
          else expect(outcome.peakMb).toBeLessThanOrEqual(capacityMb);
        },
      ),
      { numRuns: 150 },
    );
  });

  test('fails where more is given away than there is', () => {
    const trace = makeTrace({ kind: 'zipf', seed: 1, plugins: 8, calls: 50, sizes: 'even' });
    expect(() => replay(trace, { policy: { ...policyNamed('permissive'), name: 'generous' } })).toThrow(
      /16384 MiB reside where 13107 MiB have room/,
    );
  });

  test('cost-aware loads for less than LRU on skewed traces, for at most 5% more on the others, and both as documented', async () => {
    const files = FILES.flatMap((file) => ['--trace', join(FOLDER, file)]);
    const { stdout } = await simulate([...files, '--table', '--json']);
    const results = JSON.parse(stdout) as Result[];
    expect(results).toHaveLength(2 * FILES.length);
    for (const lru of results.filter(({ order }) => order === 'lru')) {
      const costAware = results.find(({ trace, order }) => trace === lru.trace && order === 'cost-aware');
      const most = lru.trace.endsWith('-skewed') ? lru.loadMs - 1 : lru.loadMs * 1.05;
      expect(costAware?.loadMs, lru.trace).toBeLessThanOrEqual(most);
    }
    const page = readFileSync(join(ROOT, 'docs', 'scheduling.md'), 'utf8');
    expect(page, 'the table of docs/scheduling.md').toContain(tableLines(results).join('\n'));
  });
});
