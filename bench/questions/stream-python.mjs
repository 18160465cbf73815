// @ts-check
// How many chunks a second does a Python worker stream?
import { withSupervisor } from '../lib/host.mjs';
import { limitRow, median, timed } from '../lib/measure.mjs';

const CHUNKS = 10_000;
/** What the system streamed that this one replaces, in chunks a second, on its best day. */
const FORMER = 12_000;

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withSupervisor(async (supervisor) => {
    const rates = [];
    for (let round = -3; round < bench.repetitions; round += 1) {
      let count = 0;
      const time = await timed(async () => {
        for await (const _ of supervisor.stream('bench-python', { count: CHUNKS })) count += 1;
      });
      if (count !== CHUNKS) throw new Error(`${count} chunks came of ${CHUNKS}.`);
      if (round >= 0) rates.push(CHUNKS / (time / 1_000));
    }
    return [
      limitRow('stream, Python worker', 'chunks/s', median(rates), { atLeast: 10 * FORMER }, { reference: FORMER }),
    ];
  });
