// @ts-check
// npm run chaos -- [--seed N] [--minutes M] [--plugins P]: lets chaos loose on real workers.
// npm run soak -- [--minutes M]: the same for long, with a look at every pause whether anything grows.
import { readdirSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { runChaos } from './chaos.mjs';

const { values } = parseArgs({
  options: {
    seed: { type: 'string' },
    minutes: { type: 'string', default: '1' },
    plugins: { type: 'string' },
    soak: { type: 'boolean', default: false },
  },
});
const seed = numberOf('seed', values.seed ?? String(Math.floor(Math.random() * 2 ** 32)));
const minutes = numberOf('minutes', values.minutes);
const plugins = numberOf('plugins', values.plugins ?? '20');
console.log(`seed ${seed}, ${minutes} minutes, ${plugins} plugins`);

/** @typedef {ReturnType<typeof look>} Look */
/** @type {Look[]} */
const looks = [];
const tally = await runChaos({
  seed,
  seconds: minutes * 60,
  plugins,
  // A tenth at a time, so that there are looks to compare whatever the length.
  pauseEverySeconds: values.soak ? minutes * 6 : Infinity,
  onPause: async ({ supervisor }) => {
    await supervisor.unloadAll();
    globalThis.gc?.();
    looks.push(look());
    console.log(JSON.stringify(looks.at(-1)));
  },
});
console.log(JSON.stringify(tally));

// The first look is from before everything has been used once.
const [, first, ...later] = looks;
const last = later.at(-1);
if (first !== undefined && last !== undefined) {
  const grown = Object.entries(last).filter(
    ([what, amount]) => amount > first[/** @type {keyof Look} */ (what)] * (what === 'heapMb' ? 1.1 : 1) + 2,
  );
  if (grown.length > 0) {
    console.error(`Something grows: ${grown.map(([what, amount]) => `${what} to ${amount}`).join(', ')}.`);
    process.exitCode = 1;
  } else {
    console.log('Nothing grows.');
  }
}

/** What this process holds while all its plugins are at rest. */
function look() {
  const resources = process.getActiveResourcesInfo();
  const count = (/** @type {RegExp} */ kind) => resources.filter((name) => kind.test(name)).length;
  return {
    heapMb: Math.round(process.memoryUsage().heapUsed / 2 ** 20),
    descriptors: process.platform === 'linux' ? readdirSync('/proc/self/fd').length : 0,
    timers: count(/^Timeout$/),
    sockets: count(/Socket|Pipe|TCP/),
    processes: count(/^ProcessWrap$/),
    listeners: process.eventNames().reduce((sum, name) => sum + process.listenerCount(name), 0),
  };
}

/** @param {string} option @param {string} text */
function numberOf(option, text) {
  const number = Number(text);
  if (!Number.isFinite(number) || number <= 0) {
    console.error(`--${option} must be a positive number, and "${text}" is none.`);
    process.exit(2);
  }
  return number;
}
