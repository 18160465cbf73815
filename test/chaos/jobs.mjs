// @ts-check
// npm run chaos:jobs -- [--kills K] [--seed S]: kill -9 of a program that adds and runs jobs. Prints figures; fails where a
// job was lost, settled twice, or run more often than it may be.
import { parseArgs } from 'node:util';
import { runJobKills } from './job-kills.mjs';

const { values } = parseArgs({
  options: {
    kills: { type: 'string', default: '200' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
  },
});
const { kills, seed } = { kills: Number(values.kills), seed: Number(values.seed) };
if (!(kills > 0) || !(seed >= 0)) throw new Error('--kills and --seed must be numbers.');

console.log(`seed ${seed}, ${kills} kills`);
const { figures, wrong } = await runJobKills({ kills, seed });
console.log(JSON.stringify(figures));
for (const each of wrong) console.error(each);
process.exitCode = wrong.length > 0 ? 1 : 0;
