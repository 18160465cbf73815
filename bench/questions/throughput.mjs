// @ts-check
// How many calls a second go through, several at once?
import { BARE_NODE, withBare } from '../lib/bare.mjs';
import { withFolder, withSupervisor } from '../lib/host.mjs';
import { compare, ratioRow, timed } from '../lib/measure.mjs';

const CALLS = 3_200;
const INPUT = { n: 1 };

/** @param {import('../lib/measure.mjs').Bench} bench */
export default async (bench) => [await atOnce(8, bench), await atOnce(32, bench)];

/** @param {number} connections @param {import('../lib/measure.mjs').Bench} bench */
function atOnce(connections, bench) {
  /** @param {(input: object) => Promise<unknown>} call */
  const rate = async (call) => {
    const caller = async () => {
      for (let index = 0; index < CALLS / connections; index += 1) await call(INPUT);
    };
    return CALLS / ((await timed(() => Promise.all(Array.from({ length: connections }, caller)))) / 1_000);
  };
  return withFolder((folder) =>
    withBare({ command: BARE_NODE, folder, count: 2, connections }, ([raw, control]) =>
      withSupervisor(async (supervisor) => {
        const comparison = await compare(
          {
            reference: () => rate((input) => raw.call(input)),
            control: () => rate((input) => control.call(input)),
            subject: () => rate((input) => supervisor.execute('bench-wide', input)),
          },
          { repetitions: bench.repetitions, warmup: 3 },
        );
        return ratioRow(`throughput, ${connections} at once`, 'calls/s', comparison, { atLeast: 0.85 });
      }),
    ),
  );
}
