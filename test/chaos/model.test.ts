import { expect, test, vi } from 'vitest';
import { SEED } from '../seed.ts';
import { PHASES } from '../simulation/world.ts';
import { runModel } from './model.ts';

const PLUGINS = 500;
const EVENTS = 10_000;

const RUNS = 4;

// CHAOS_MINUTES goes on for so long, with a new seed each time.
const { CHAOS_MINUTES: minutes, SEED: given } = process.env;
const until = minutes === undefined ? 0 : Date.now() + Number(minutes) * 60_000;

// Vitest picks XState's development build, which warns of events that come after the end, and writing that takes time.
vi.spyOn(console, 'warn').mockImplementation(() => {});
// A stack costs more than the rest of an error, and there are thousands; a run with a seed of one's own has them.
if (given === undefined || given === 'random') Error.stackTraceLimit = 0;

test(`no invariant of ${PLUGINS} plugins is broken in chaos (seeds from ${SEED})`, { timeout: 0 }, async () => {
  const seen = new Set<string>();
  let calls = 0;
  let results = 0;
  for (let run = 0; run < RUNS || Date.now() < until; run += 1) {
    const one = await runModel(SEED + run, PLUGINS, EVENTS);
    for (const place of one.seen) seen.add(place);
    calls += one.calls;
    results += one.results;
  }
  // Without this the events might never leave the beaten track.
  expect(PHASES.filter((phase) => !seen.has(phase))).toEqual([]);
  expect(results).toBeGreaterThan(calls / 10);
});
