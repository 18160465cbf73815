// @ts-check
// How many more calls that compute in Python go through with two workers on two cores than with one?
import { join } from 'node:path';
import { PLUGINS } from '../lib/host.mjs';
import { withSeveral } from '../lib/instances.mjs';
import { compare, ratioRow, timed } from '../lib/measure.mjs';

const INSTANCES = 2;
const CALL_MS = 50;
const CALLS = 12;

/** As many steps as are surely more than one call has. */
const TRIAL_STEPS = 1_000_000;
const TRIALS = 5;

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) => {
  const fields = { module: join(PLUGINS, 'bench-python', 'bench_python.py'), class: 'Bench' };
  return withSeveral({ one: 1, control: 1, two: INSTANCES }, fields, async (supervisor) => {
    /** Work that is counted in steps: one counted by the clock would be done twice as fast by two on one core, too. */
    const times = [];
    for (let trial = 0; trial < TRIALS; trial += 1) {
      times.push(await timed(() => supervisor.execute('one', { steps: TRIAL_STEPS })));
    }
    const steps = Math.round((TRIAL_STEPS * CALL_MS) / Math.min(...times));
    /** How many calls a second go through, all made at once. @param {string} plugin */
    const rate = async (plugin) => {
      const calls = () => Array.from({ length: CALLS }, () => supervisor.execute(plugin, { steps }));
      return CALLS / ((await timed(() => Promise.all(calls()))) / 1_000);
    };
    const comparison = await compare(
      { reference: () => rate('one'), control: () => rate('control'), subject: () => rate('two') },
      { repetitions: bench.repetitions },
    );
    const question = `Python calls of ${CALL_MS} ms of work at ${INSTANCES} instances on two cores, against one`;
    return [ratioRow(question, 'calls/s', comparison, { atLeast: 1.8 })];
  });
};
