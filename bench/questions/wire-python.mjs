// @ts-check
// What does a call of a Python plugin cost over frames, against HTTP?
import { CHUNKS, rateOf } from '../lib/chunks.mjs';
import { takeInTurns } from '../lib/measure.mjs';
import { atOnce, compareWires, largeRows, oneByOne, wireRow, withWires } from '../lib/wires.mjs';

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withWires(async (wires) => {
    const small = await compareWires('bench-python', wires, oneByOne(400, { n: 1 }), bench);
    const many = await compareWires('bench-python-wide', wires, atOnce(3_200, 32), bench);
    const streams = await takeInTurns(
      [wires.old, wires.control, wires.now].map(
        (supervisor) => () => rateOf(supervisor.stream('bench-python', { count: CHUNKS })),
      ),
      { repetitions: bench.repetitions, warmup: 3 },
    );
    return [
      wireRow('Python, execute, p50, against version 1', 'µs', small, { atMost: 0.6 }),
      wireRow('Python, 32 at once, against version 1', 'calls/s', many, { atLeast: 2 }),
      wireRow('Python, stream, against version 1', 'chunks/s', streams, { atLeast: 2 }),
      ...(await largeRows('Python', 'bench-python', wires, 1.05, bench)),
    ];
  });
