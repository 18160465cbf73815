// @ts-check
// Makes traces. Everything follows from the seed, so that a trace can be made again from the line that made it.
import { randomFrom } from '../../test/simulation/random.mjs';

/** @import { Trace, TracePlugin } from './trace.mjs' */

/** What can be made: who is called next. */
export const KINDS = /** @type {const} */ (['zipf', 'bursts', 'diurnal', 'abab']);

/**
 * What the plugins are like: all the same; far apart in size, and the larger the longer they load; or far apart in size
 * and, regardless of it, in how long they load.
 */
export const SIZES = /** @type {const} */ (['even', 'proportional', 'skewed']);

/** @typedef {(random: () => number, now: number) => number} Next The plugin of a call at this time (ms). */

/** Of all that the plugins take up, this share has room at once. */
const ROOM = 0.4;
/** Each plugin is called once in this time on average, in milliseconds. */
const CALL_EVERY_MS = 240_000;
const MEAN_SERVICE_MS = 100;
/** As from a disk that gives 500 MiB a second. */
const LOAD_MS_PER_MB = 2;
/** As in web and cache traces, where exponents from 0.6 to 1 were found (Breslau et al., INFOCOM 1999). */
const ZIPF_EXPONENT = 0.9;
/** So many plugins have a burst at a time, and so many calls are in one on average. */
const BURSTS_AT_ONCE = 3;
const CALLS_IN_BURST = 8;
/** The calls of a diurnal trace are spread over so many days. */
const DAYS = 3;

/**
 * Makes a trace: calls arrive at random times, at the same mean rate whatever the kind.
 *
 * - `zipf`: a few plugins get most calls, all the time.
 * - `bursts`: three plugins at a time get calls, until the burst of one of them ends and that of another begins.
 * - `diurnal`: as zipf, but who the favourites are goes round once a day, and the rate falls to a tenth at night.
 * - `abab`: strictly in turns, which is the worst for LRU.
 *
 * @param {{
 *   kind: typeof KINDS[number], seed: number, plugins: number, calls: number, sizes: typeof SIZES[number],
 * }} options
 * @returns {Trace}
 */
export function makeTrace({ kind, seed, plugins: count, calls: length, sizes }) {
  const random = randomFrom(seed);
  const digits = String(count - 1).length;
  const plugins = Array.from({ length: count }, (_, index) => ({
    name: `p${String(index).padStart(digits, '0')}`,
    ...figures(sizes, random),
  }));
  const total = plugins.reduce((sum, { mb }) => sum + mb, 0);
  const largest = Math.max(...plugins.map(({ mb }) => mb));
  const interval = CALL_EVERY_MS / count;
  const day = (length * interval) / DAYS;
  const next = choosers[kind](count, day);
  let now = 0;
  const calls = Array.from({ length }, () => {
    const rate = kind === 'diurnal' ? 1 - 0.9 * Math.cos((2 * Math.PI * now) / day) : 1;
    now += exponential(random, interval) / rate;
    const plugin = next(random, now);
    return { at: Math.floor(now), plugin, ms: 1 + Math.floor(exponential(random, MEAN_SERVICE_MS)) };
  });
  return { name: `${kind}-${sizes}`, capacityMb: Math.max(largest, Math.round(total * ROOM)), plugins, calls };
}

/** @type {Record<typeof KINDS[number], (count: number, day: number) => Next>} */
const choosers = {
  zipf: (count) => zipf(count),
  bursts(count) {
    /** @type {number[]} */
    const active = [];
    return (random) => {
      const place = Math.floor(random() * BURSTS_AT_ONCE);
      const current = active[place];
      if (current !== undefined && random() > 1 / CALLS_IN_BURST) return current;
      return (active[place] = Math.floor(random() * count));
    };
  },
  diurnal(count, day) {
    const rank = zipf(count);
    return (random, now) => (rank(random, now) + Math.floor((now / day) * count)) % count;
  },
  abab(count) {
    let turn = -1;
    return () => (turn = (turn + 1) % count);
  },
};

/** The first of them most often, the others the less the later. @param {number} count @returns {Next} */
function zipf(count) {
  /** @type {number[]} */
  const sums = [];
  for (let index = 0; index < count; index += 1) {
    sums.push((sums[index - 1] ?? 0) + 1 / (index + 1) ** ZIPF_EXPONENT);
  }
  const all = sums[count - 1] ?? 0;
  return (random) => {
    const drawn = random() * all;
    let [low, high] = [0, count - 1];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((sums[middle] ?? 0) > drawn) high = middle;
      else low = middle + 1;
    }
    return low;
  };
}

/** @param {typeof SIZES[number]} sizes @param {() => number} random @returns {Omit<TracePlugin, 'name'>} */
function figures(sizes, random) {
  if (sizes === 'even') return { mb: 4_096, loadMs: 10_000, stopMs: 500 };
  const mb = Math.round(between(random, 512, 16_384));
  const loadMs = sizes === 'skewed' ? Math.round(between(random, 500, 60_000)) : mb * LOAD_MS_PER_MB;
  return { mb, loadMs, stopMs: Math.round(loadMs / 20) };
}

/** Evenly spread over the orders of magnitude. @param {() => number} random @param {number} low @param {number} high */
function between(random, low, high) {
  return low * Math.exp(random() * Math.log(high / low));
}

/** @param {() => number} random @param {number} mean */
function exponential(random, mean) {
  return -Math.log(1 - random()) * mean;
}
