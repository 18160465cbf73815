// @ts-check
// What does a call cost that comes after a pause, as in a script or a page, and not right after the last one?
import { withNodeWorkers } from '../lib/calls.mjs';
import { compare, ratioRow } from '../lib/measure.mjs';
import { medianAfterRest, RESTS } from '../lib/rests.mjs';

const INPUT = { n: 1 };

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withNodeWorkers(async ({ raw, control, supervisor }) => {
    const rows = [];
    for (const { name, calls, rest } of RESTS) {
      const comparison = await compare(
        {
          reference: () => medianAfterRest(calls, rest, () => raw.call(INPUT)),
          control: () => medianAfterRest(calls, rest, () => control.call(INPUT)),
          subject: () => medianAfterRest(calls, rest, () => supervisor.execute('bench-node', INPUT)),
        },
        { repetitions: bench.repetitions, warmup: 3 },
      );
      rows.push(ratioRow(`execute after a rest of ${name}, p50`, 'µs', comparison, { atMost: 1.25 }));
    }
    return rows;
  });
