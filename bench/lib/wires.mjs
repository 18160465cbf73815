// @ts-check
// What the questions about the wire share: the same calls over version 2 of the worker protocol and over version 1.
import { withSupervisors } from './host.mjs';
import { comparisonOf, medianOfRuns, ratioRow, takeInTurns, timed } from './measure.mjs';
import { MEGABYTE } from './megabyte.mjs';

/** @typedef {import('../../dist/index.js').Supervisor} Supervisor */
/** @typedef {import('./measure.mjs').Bench} Bench */
/** @typedef {import('./calls.mjs').Call} Call */

/** @typedef {{ old: Supervisor, control: Supervisor, now: Supervisor }} Wires */

/** Runs something with two supervisors that speak version 1, reference and control, and one that speaks version 2.
 *
 * @template T @param {(wires: Wires) => Promise<T>} action @returns {Promise<T>}
 */
export function withWires(action) {
  return withSupervisors([{ protocol: 1 }, { protocol: 1 }, {}], (old, control, now) => action({ old, control, now }));
}

/**
 * Takes a figure of calls over version 1, twice, over version 2, and of other callers, in turns.
 *
 * @param {string} plugin @param {Wires} wires @param {(call: Call) => Promise<number>} measure @param {Bench} bench
 * @param {Call[]} [others]
 */
export function compareWires(plugin, { old, control, now }, measure, { repetitions }, others = []) {
  const calls = [old, control, now].map(
    (supervisor) => (/** @type {object} */ input) => supervisor.execute(plugin, input),
  );
  return takeInTurns(
    [...calls, ...others].map((call) => () => measure(call)),
    { repetitions, warmup: 4 },
  );
}

/** The median time of calls with this input, one after the other, in microseconds. @param {number} count @param {object} input */
export function oneByOne(count, input) {
  return (/** @type {Call} */ call) => medianOfRuns(count, () => call(input));
}

/** How many calls a second go through, so many at once. @param {number} count @param {number} width */
export function atOnce(count, width) {
  return async (/** @type {Call} */ call) => {
    const caller = async () => {
      for (let index = 0; index < count / width; index += 1) await call({ n: 1 });
    };
    return count / ((await timed(() => Promise.all(Array.from({ length: width }, caller)))) / 1_000);
  };
}

/** A row: version 2 against version 1. @param {string} question @param {string} unit @param {number[][]} lanes @param {import('./measure.mjs').Bound} bound */
export function wireRow(question, unit, [old = [], control = [], now = []], bound) {
  return ratioRow(question, unit, comparisonOf(old, control, now), bound);
}

/** Rows of an object of a megabyte and of 8 MiB of bytes. @param {string} language @param {string} plugin @param {Wires} wires @param {number} atMost of the object @param {Bench} bench */
export async function largeRows(language, plugin, wires, atMost, bench) {
  const object = await compareWires(plugin, wires, oneByOne(5, MEGABYTE), bench);
  const image = Buffer.alloc(8 * 2 ** 20, 'not only zeros');
  const text = (/** @type {Supervisor} */ supervisor) => () =>
    medianOfRuns(2, async () => {
      const { data } = /** @type {{ data: string }} */ (
        await supervisor.execute(plugin, { data: image.toString('base64') })
      );
      if (Buffer.from(data, 'base64').length !== image.length) throw new Error('The image came back otherwise.');
    });
  const bytes = () =>
    medianOfRuns(2, async () => {
      const { data } = /** @type {{ data: Buffer }} */ (await wires.now.execute(plugin, { data: image }));
      if (data.length !== image.length) throw new Error('The image came back otherwise.');
    });
  const images = await takeInTurns([text(wires.old), text(wires.control), bytes], {
    repetitions: bench.repetitions,
    warmup: 2,
  });
  return [
    wireRow(`${language}, an object of 0.9 MB, against version 1`, 'µs', object, { atMost }),
    wireRow(`${language}, 8 MiB of bytes, against base64 over version 1`, 'µs', images, { atMost: 0.2 }),
  ];
}
