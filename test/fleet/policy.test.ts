import fc from 'fast-check';
import { expect, test } from 'vitest';
import { type Candidate, type Head, isBefore } from '../../src/fleet/policy/candidate.ts';
import { chosen, coldVerdict, EVICT_AFTER_MS, localityWaitOf } from '../../src/fleet/policy/cold-claim.ts';
import { HAND_BACK_AFTER_MS, handsBack } from '../../src/fleet/policy/hand-back.ts';
import { keptMs, waysFor } from '../../src/fleet/policy/make-way.ts';
import { warmShare } from '../../src/fleet/policy/warm-share.ts';
import type { Prospect } from '../../src/scheduler/prospect.ts';
import { SEED } from '../seed.ts';

const times = fc.integer({ min: 0, max: 1_000_000 });

const heads: fc.Arbitrary<Head> = fc.record({ priority: fc.integer({ min: -2, max: 2 }), waitedMs: times });

const prospects: fc.Arbitrary<Prospect> = fc.constantFrom<Prospect>(
  { outcome: 'grant' },
  { outcome: 'evict', victims: ['victim'], idleMs: 700 },
  { outcome: 'wait' },
  { outcome: 'never' },
);

const candidates: fc.Arbitrary<Candidate> = fc
  .record({
    plugin: fc.constantFrom('a', 'b', 'c', 'd'),
    head: heads,
    elsewhere: fc.oneof(
      fc.record({
        warm: fc.integer({ min: 1, max: 3 }),
        newestMs: times,
        coldMs: fc.constant(undefined),
      }),
      fc.record({
        warm: fc.constant(0),
        newestMs: fc.constant(undefined),
        coldMs: fc.option(times, { nil: undefined }),
      }),
    ),
    prospect: prospects,
    areVictimsAtWork: fc.boolean(),
    localityWaitMs: fc.integer({ min: 0, max: 100_000 }),
  })
  .map((candidate) => (candidate.prospect.outcome === 'evict' ? candidate : { ...candidate, areVictimsAtWork: false }));

function check<Given>(property: fc.IRawProperty<Given, false>): void {
  fc.assert(property, { seed: SEED, numRuns: 2_000 });
}

const base: Candidate = {
  plugin: 'a',
  head: { priority: 0, waitedMs: 0 },
  elsewhere: { warm: 0, newestMs: undefined, coldMs: undefined },
  prospect: { outcome: 'grant' },
  areVictimsAtWork: false,
  localityWaitMs: 2_000,
};

test('a job of a plugin that no node has loaded is claimed at once where memory is free', () => {
  expect(coldVerdict(base, false)).toEqual({ take: true });
});

test('a node that would have to evict leaves a job for a moment to nodes with free memory', () => {
  const evicting: Candidate = { ...base, prospect: { outcome: 'evict', victims: ['b'], idleMs: 60_000 } };
  expect(coldVerdict(evicting, false)).toEqual({ take: false, reason: 'elsewhere', againMs: EVICT_AFTER_MS });
  expect(coldVerdict({ ...evicting, head: { priority: 0, waitedMs: EVICT_AFTER_MS } }, false)).toEqual({ take: true });
});

test('a job waits for the nodes that have a worker for as long as a load takes, and then for one more to load', () => {
  const elsewhere = { warm: 1, newestMs: 60_000, coldMs: undefined };
  const verdict = (waitedMs: number, newestMs = 60_000) =>
    coldVerdict({ ...base, head: { priority: 0, waitedMs }, elsewhere: { ...elsewhere, newestMs } }, false);
  expect(verdict(500)).toEqual({ take: false, reason: 'elsewhere', againMs: 1_500 });
  expect(verdict(2_000)).toEqual({ take: true });
  expect(verdict(9_000, 1_000)).toEqual({ take: false, reason: 'elsewhere', againMs: 3_000 });
});

test('no job is claimed that could not have its memory, whatever else holds, and every no says when to look again', () => {
  check(
    fc.property(candidates, fc.boolean(), (candidate, makesWay) => {
      const verdict = coldVerdict(candidate, makesWay);
      const { prospect, areVictimsAtWork } = candidate;
      if (verdict.take) {
        expect(['grant', 'evict']).toContain(prospect.outcome);
        expect(areVictimsAtWork && !makesWay).toBe(false);
      } else if (verdict.againMs === undefined) {
        expect(verdict.reason).not.toBe('elsewhere');
      } else {
        expect(verdict.againMs).toBeGreaterThan(0);
      }
    }),
  );
});

test('a job that may be claimed now may be claimed later, and the time that a no names is enough', () => {
  check(
    fc.property(candidates, fc.boolean(), times, (candidate, makesWay, passed) => {
      const later = (ms: number): Candidate => ({
        ...candidate,
        head: { ...candidate.head, waitedMs: candidate.head.waitedMs + ms },
        elsewhere: {
          ...candidate.elsewhere,
          newestMs: candidate.elsewhere.newestMs === undefined ? undefined : candidate.elsewhere.newestMs + ms,
        },
      });
      const verdict = coldVerdict(candidate, makesWay);
      if (verdict.take) expect(coldVerdict(later(passed), makesWay)).toEqual({ take: true });
      else if (verdict.againMs !== undefined)
        expect(coldVerdict(later(verdict.againMs), makesWay)).toEqual({ take: true });
    }),
  );
});

test('of several the head of the highest priority is claimed, then the oldest', () => {
  check(
    fc.property(fc.array(candidates), (all) => {
      const first = chosen(all);
      if (all.length === 0) expect(first).toBeUndefined();
      for (const other of all) expect(isBefore(other.head, first?.head ?? other.head)).toBe(false);
    }),
  );
});

test('a node makes way only for what no node runs, has waited too long, and would not have its memory else', () => {
  check(
    fc.property(fc.array(candidates), times, fc.integer({ min: 0, max: 3 }), (all, ageBoundMs, rank) => {
      const found = waysFor(all, { ageBoundMs, rankOf: () => rank });
      const fits = all.filter(
        (each) =>
          each.elsewhere.warm === 0 &&
          keptMs(each) >= ageBoundMs * (1 + rank) &&
          keptMs(each) >= ageBoundMs &&
          (each.prospect.outcome === 'wait' || each.areVictimsAtWork),
      );
      if (ageBoundMs > 0) expect(found === undefined).toBe(fits.length === 0);
      if (found !== undefined) for (const other of fits) expect(isBefore(other.head, found.head)).toBe(false);
    }),
  );
});

test('what was evicted for it a moment ago does not come back for the age that its jobs had before', () => {
  expect(keptMs({ head: { priority: 0, waitedMs: 900_000 }, elsewhere: { ...base.elsewhere, coldMs: 5 } })).toBe(5);
});

test('a node takes as many jobs as it has free places, and ahead only what runs within moments', () => {
  const share = (places: number, calls: number, inHand: number, jobMs?: number): number =>
    warmShare({ places, calls, inHand, jobMs });
  expect(share(4, 0, 0)).toBe(4);
  expect(share(4, 4, 4)).toBe(0);
  expect(share(4, 3, 1)).toBe(1);
  expect(share(1, 1, 1, 1_000)).toBe(0);
  expect(share(1, 1, 1, 10)).toBe(5);
  expect(share(1, 0, 0, 0.001)).toBe(65);
  check(
    fc.property(
      fc.record({
        places: fc.integer({ min: 0, max: 64 }),
        calls: fc.integer({ min: 0, max: 200 }),
        inHand: fc.integer({ min: 0, max: 200 }),
        jobMs: fc.option(fc.double({ min: 0, max: 1e6, noNaN: true }), { nil: undefined }),
      }),
      (plugin) => {
        const more = warmShare(plugin);
        expect(Number.isSafeInteger(more) && more >= 0).toBe(true);
        const ahead = plugin.jobMs === undefined || plugin.jobMs > 50 * plugin.places ? 0 : 64;
        if (more > 0) expect(plugin.inHand + more).toBeLessThanOrEqual(plugin.places + ahead);
      },
    ),
  );
});

test('jobs wait for other nodes as long as is set, else as a load takes, and never longer than the bound', () => {
  const limits = { unknownMs: 5_000, mostMs: 60_000 };
  expect(localityWaitOf(100, 20_000, limits)).toBe(100);
  expect(localityWaitOf(undefined, 20_000, limits)).toBe(20_000);
  expect(localityWaitOf(undefined, undefined, limits)).toBe(5_000);
  expect(localityWaitOf(undefined, 600_000, limits)).toBe(60_000);
});

test('a job that was claimed goes back once its memory is not to be had for a while', () => {
  expect(handsBack({ outcome: 'wait' }, HAND_BACK_AFTER_MS)).toBe(true);
  expect(handsBack({ outcome: 'wait' }, HAND_BACK_AFTER_MS - 1)).toBe(false);
  expect(handsBack({ outcome: 'evict', victims: [], idleMs: 0 }, 60_000)).toBe(false);
  expect(handsBack({ outcome: 'wait' }, undefined)).toBe(false);
});
