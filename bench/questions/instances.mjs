// @ts-check
// How many more calls that compute in Python go through with two workers on two cores than with one? And than two
// processes with nothing in between do: the cores have other work, too.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { PLUGINS } from '../lib/host.mjs';
import { withSeveral } from '../lib/instances.mjs';
import { comparisonOf, ratioRow, takeInTurns, timed } from '../lib/measure.mjs';

const INSTANCES = 2;
const CALL_MS = 50;
const CALLS = 12;

/** Work is counted in steps: two that count time have done twice as much of it on one core, too. */
const TRIAL_STEPS = 1_000_000;
const TRIALS = 5;

const STEPS = fileURLToPath(new URL('../reference/steps.py', import.meta.url));

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) => {
  const fields = { module: join(PLUGINS, 'bench-python', 'bench_python.py'), class: 'Bench' };
  return withSeveral({ one: 1, control: 1, several: INSTANCES }, fields, async (supervisor) => {
    const trials = [];
    for (let trial = 0; trial < TRIALS; trial += 1) {
      trials.push(await timed(() => supervisor.execute('one', { steps: TRIAL_STEPS })));
    }
    const steps = Math.round((TRIAL_STEPS * CALL_MS) / Math.min(...trials));
    /** How many calls a second go through, all made at once. @param {string} plugin */
    const rate = (plugin) => async () => {
      const calls = () => Array.from({ length: CALLS }, () => supervisor.execute(plugin, { steps }));
      return CALLS / ((await timed(() => Promise.all(calls()))) / 1_000);
    };
    const bare = Array.from({ length: INSTANCES }, startBare);
    const bareRate = async () => {
      const each = () => bare.map((worker) => worker.work(CALLS / INSTANCES, steps));
      return CALLS / ((await timed(() => Promise.all(each()))) / 1_000);
    };
    const lanes = [rate('one'), rate('control'), rate('several'), bareRate, bareRate];
    const [one = [], control = [], several = [], free = [], freeControl = []] = await takeInTurns(lanes, bench);
    await Promise.all(bare.map((worker) => worker.stop()));
    const question = `Python calls of ${CALL_MS} ms of work at ${INSTANCES} instances on two cores`;
    return [
      ratioRow(`${question}, against one`, 'calls/s', comparisonOf(one, control, several), { atLeast: 1.8 }),
      ratioRow(`${question}, against bare processes`, 'calls/s', comparisonOf(free, freeControl, several), {
        atLeast: 0.95,
      }),
    ];
  });
};

/** A process that does the same work. */
function startBare() {
  // In a session of its own, as our workers are: Linux shares processor time between sessions first.
  const child = spawn('python3', [STEPS], { stdio: ['pipe', 'pipe', 'inherit'], detached: true });
  const answers = createInterface({ input: child.stdout });
  return {
    /** Does work of so many steps several times. @param {number} times @param {number} steps */
    async work(times, steps) {
      for (let time = 0; time < times; time += 1) {
        child.stdin.write(`${steps}\n`);
        await once(answers, 'line');
      }
    },
    async stop() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}
