// @ts-check
// How figures are taken: interleaved, repeated, as medians, and beside a control that says whether they mean anything.

/** The control runs the reference a second time. Where the two differ by more, the machine was too busy to tell. */
export const A_A_TOLERANCE = 0.05;

/** @param {ArrayLike<number>} values */
export function median(values) {
  return percentile(values, 0.5);
}

/** @param {ArrayLike<number>} values @param {number} share */
export function percentile(values, share) {
  const sorted = Float64Array.from(values).toSorted();
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))] ?? Number.NaN;
}

/**
 * @typedef {() => Promise<number>} Measurement Takes one figure.
 * @typedef {{ figure: number, reference: number, ratio: number, over: number, aa: number }} Comparison
 * @typedef {{ atMost: number } | { atLeast: number } | { exactly: number }} Bound
 * @typedef {{
 *   question: string, unit: string, figure: number, reference?: number, ratio?: number, aa?: number,
 *   goal: string, verdict: 'ok' | 'missed' | 'void',
 * }} Row
 * @typedef {{ quick: boolean, repetitions: number }} Bench
 */

/**
 * Takes every measurement once a round, starting with another one each time, so that what slows the machine down for a
 * while slows all of them. Returns the figures of each, without those of the warm-up.
 *
 * @param {readonly Measurement[]} measurements
 * @param {{ repetitions: number, warmup?: number }} options
 * @returns {Promise<number[][]>}
 */
export async function takeInTurns(measurements, { repetitions, warmup = 2 }) {
  const lanes = measurements.map((measure) => ({ measure, values: /** @type {number[]} */ ([]) }));
  for (let round = -warmup; round < repetitions; round += 1) {
    const first = Math.abs(round) % lanes.length;
    for (const lane of [...lanes.slice(first), ...lanes.slice(0, first)]) {
      const value = await lane.measure();
      if (round >= 0) lane.values.push(value);
    }
  }
  return lanes.map(({ values }) => values);
}

/**
 * Runs reference, control and subject in turns. Every ratio is one of neighbours in time.
 *
 * @param {{ reference: Measurement, control?: Measurement, subject: Measurement }} measurements
 * @param {{ repetitions: number, warmup?: number }} options
 * @returns {Promise<Comparison>}
 */
export async function compare({ reference, control = reference, subject }, options) {
  const [a = [], b = [], c = []] = await takeInTurns([reference, control, subject], options);
  return comparisonOf(a, b, c);
}

/**
 * Compares the figures of a subject with those that reference and control had in the same rounds.
 *
 * @param {readonly number[]} reference @param {readonly number[]} control @param {readonly number[]} subject
 * @returns {Comparison}
 */
export function comparisonOf(reference, control, subject) {
  return {
    figure: median(subject),
    reference: median(reference),
    ratio: median(subject.map((value, index) => value / mean(reference[index], control[index]))),
    over: median(subject.map((value, index) => value - mean(reference[index], control[index]))),
    aa: median(control.map((value, index) => value / (reference[index] ?? Number.NaN))),
  };
}

/** @param {number} [a] @param {number} [b] */
function mean(a = Number.NaN, b = Number.NaN) {
  return (a + b) / 2;
}

/**
 * The row of a figure that is judged by its ratio to a reference.
 *
 * @param {string} question @param {string} unit @param {Comparison} comparison @param {Bound} bound
 * @returns {Row}
 */
export function ratioRow(question, unit, { figure, reference, ratio, aa }, bound) {
  const goal = `${textOf(bound)}×`;
  return { question, unit, figure, reference, ratio, aa, goal, verdict: judge(ratio, bound, aa) };
}

/**
 * The row of a figure that is judged by itself.
 *
 * @param {string} question @param {string} unit @param {number} figure @param {Bound} bound
 * @param {{ reference?: number, aa?: number }} [beside]
 * @returns {Row}
 */
export function limitRow(question, unit, figure, bound, { reference, aa } = {}) {
  return {
    question,
    unit,
    figure,
    ...(reference === undefined ? {} : { reference, ratio: figure / reference }),
    ...(aa === undefined ? {} : { aa }),
    goal: `${textOf(bound)} ${unit}`,
    verdict: judge(figure, bound, aa),
  };
}

/** @param {Bound} bound */
function textOf(bound) {
  if ('exactly' in bound) return `${bound.exactly}`;
  return 'atMost' in bound ? `≤ ${bound.atMost}` : `≥ ${bound.atLeast}`;
}

/** @param {number} value @param {Bound} bound @param {number} [aa] @returns {Row['verdict']} */
function judge(value, bound, aa = 1) {
  if (Math.abs(aa - 1) > A_A_TOLERANCE) return 'void';
  if ('exactly' in bound) return value === bound.exactly ? 'ok' : 'missed';
  return ('atMost' in bound ? value <= bound.atMost : value >= bound.atLeast) ? 'ok' : 'missed';
}

/** Milliseconds that something takes. @param {() => unknown} action */
export async function timed(action) {
  const start = performance.now();
  await action();
  return performance.now() - start;
}

/** The median of the microseconds that each of `count` runs of something takes. @param {number} count @param {() => Promise<unknown>} action */
export async function medianOfRuns(count, action) {
  const times = new Float64Array(count);
  for (let index = 0; index < count; index += 1) {
    const start = performance.now();
    await action();
    times[index] = (performance.now() - start) * 1_000;
  }
  return median(times);
}
