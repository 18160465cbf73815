// @ts-check
// What does a call of a Node plugin cost over frames, against HTTP, and against `fork` without any supervisor?
import { CHUNKS, rateOf } from '../lib/chunks.mjs';
import { withForks } from '../lib/fork.mjs';
import { comparisonOf, ratioRow, takeInTurns } from '../lib/measure.mjs';
import { atOnce, compareWires, largeRows, oneByOne, wireRow, withWires } from '../lib/wires.mjs';

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withWires((wires) =>
    withForks(async ([fork, control]) => {
      const forks = [fork, control].map((child) => (/** @type {object} */ input) => child.call(input));
      const small = await compareWires('bench-node', wires, oneByOne(400, { n: 1 }), bench, forks);
      const many = await compareWires('bench-wide', wires, atOnce(3_200, 32), bench, forks);
      const streams = await takeInTurns(
        [wires.old, wires.control, wires.now].map(
          (supervisor) => () => rateOf(supervisor.stream('bench-node', { count: CHUNKS })),
        ),
        { repetitions: bench.repetitions, warmup: 4 },
      );
      return [
        wireRow('Node, execute, p50, against version 1', 'µs', small, { atMost: 0.5 }),
        forkRow('Node, execute, p50, against fork IPC', 'µs', small, { atMost: 1.15 }),
        wireRow('Node, 32 at once, against version 1', 'calls/s', many, { atLeast: 4 }),
        forkRow('Node, 32 at once, against fork IPC', 'calls/s', many, { atLeast: 0.9 }),
        wireRow('Node, stream, against version 1', 'chunks/s', streams, { atLeast: 2 }),
        ...(await largeRows('Node', 'bench-node', wires, 0.9, bench)),
      ];
    }),
  );

/** @param {string} question @param {string} unit @param {number[][]} lanes @param {import('../lib/measure.mjs').Bound} bound */
function forkRow(question, unit, [, , now = [], fork = [], control = []], bound) {
  return ratioRow(question, unit, comparisonOf(fork, control, now), bound);
}
