import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { leastLoadMs } from '../../bench/simulate/hindsight.mjs';

type Plugins = Parameters<typeof leastLoadMs>[0];

interface Case {
  readonly plugins: Plugins;
  readonly services: readonly number[];
  readonly capacityMb: number;
}

/** The least by trying out everything: every set of residents after every beginning of a service. */
function leastByTryingAll({ plugins, services, capacityMb }: Case): number {
  const sets = Array.from({ length: 2 ** plugins.length }, (_, set) => set);
  const sum = (set: number, amount: (plugin: Plugins[number]) => number): number =>
    plugins.reduce((total, plugin, index) => total + ((set >> index) % 2 === 1 ? amount(plugin) : 0), 0);
  let serving = 0;
  let costs = sets.map((set) => (set === 0 ? 0 : Infinity));
  for (const entry of services) {
    if (entry < 0) {
      serving -= 2 ** (-1 - entry);
      continue;
    }
    serving += 2 ** entry;
    costs = sets.map((set) => {
      if ((set & serving) !== serving || sum(set, ({ mb }) => mb) > capacityMb) return Infinity;
      return Math.min(...sets.map((before) => (costs[before] ?? 0) + sum(set & ~before, ({ loadMs }) => loadMs)));
    });
  }
  return Math.min(...costs);
}

/** Services that begin and end in any order in which all who are served at once have room. */
function cases(mb: fc.Arbitrary<number>): fc.Arbitrary<Case> {
  const plugins = fc.array(fc.record({ mb, loadMs: fc.integer({ min: 0, max: 20 }) }), { minLength: 2, maxLength: 4 });
  return fc
    .record({ plugins, steps: fc.array(fc.nat({ max: 3 }), { maxLength: 24 }), spare: fc.nat({ max: 12 }) })
    .map(({ plugins, steps, spare }) => {
      const capacityMb = Math.max(...plugins.map(({ mb }) => mb)) + spare;
      const served = new Set<number>();
      let servedMb = 0;
      const services = steps.flatMap((step) => {
        const index = step % plugins.length;
        const amount = plugins[index]?.mb ?? 0;
        if (served.delete(index)) {
          servedMb -= amount;
          return [-1 - index];
        }
        if (servedMb + amount > capacityMb) return [];
        served.add(index);
        servedMb += amount;
        return [index];
      });
      return { plugins, services, capacityMb };
    });
}

describe('the bound in hindsight', () => {
  test('nothing that can be done loads for less', () => {
    fc.assert(
      // Of few sizes there is less that only a part of a plugin would fill.
      fc.property(cases(fc.oneof(fc.integer({ min: 0, max: 8 }), fc.constantFrom(2, 4))), (one) => {
        const bound = leastLoadMs(one.plugins, one.services, one.capacityMb);
        const firsts = new Set(one.services.filter((entry) => entry >= 0));
        expect(bound).toBeLessThanOrEqual(leastByTryingAll(one));
        expect(bound).toBeGreaterThanOrEqual(
          [...firsts].reduce((sum, index) => sum + (one.plugins[index]?.loadMs ?? 0), 0),
        );
      }),
      { numRuns: 2_500 },
    );
  });

  test('it is reached where all plugins have one size', () => {
    fc.assert(
      fc.property(cases(fc.constant(4)), (one) => {
        const bound = leastLoadMs(one.plugins, one.services, one.capacityMb);
        expect(bound).toBe(leastByTryingAll(one));
      }),
      { numRuns: 1_500 },
    );
  });

  test('without a limit every plugin is loaded once', () => {
    const plugins = [
      { mb: 4, loadMs: 3 },
      { mb: 4, loadMs: 5 },
    ];
    const abab = [0, -1, 1, -2, 0, -1, 1, -2];
    expect(leastLoadMs(plugins, abab, Infinity)).toBe(8);
    expect(leastLoadMs(plugins, abab, 8)).toBe(8);
    expect(leastLoadMs(plugins, abab, 4)).toBe(16);
  });
});
