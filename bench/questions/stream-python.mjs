// @ts-check
// How many chunks a second does a Python worker stream?
import { CHUNKS, rateOf } from '../lib/chunks.mjs';
import { withSupervisor } from '../lib/host.mjs';
import { limitRow, median } from '../lib/measure.mjs';

/** What the system streamed that this one replaces, in chunks a second, on its best day. */
const FORMER = 12_000;

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withSupervisor(async (supervisor) => {
    const rates = [];
    for (let round = -3; round < bench.repetitions; round += 1) {
      const rate = await rateOf(supervisor.stream('bench-python', { count: CHUNKS }));
      if (round >= 0) rates.push(rate);
    }
    return [
      limitRow('stream, Python worker', 'chunks/s', median(rates), { atLeast: 10 * FORMER }, { reference: FORMER }),
    ];
  });
