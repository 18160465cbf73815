// @ts-check
// npm run chaos:mcp -- [--calls N] [--kills K] [--seed S]: servers of MCP in slots for half of them, beside broken ones, and
// kill -9 of front, daemon and servers, while an official client calls. Prints figures; fails where something did not hold.
import { parseArgs } from 'node:util';
import { runKills } from './mcp-kills.mjs';
import { runRounds } from './mcp-rounds.mjs';

const { values } = parseArgs({
  options: {
    calls: { type: 'string', default: '500' },
    kills: { type: 'string', default: '100' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
  },
});
const { calls, kills, seed } = { calls: Number(values.calls), kills: Number(values.kills), seed: Number(values.seed) };
if (!(calls >= 0) || !(kills >= 0) || !(seed >= 0)) throw new Error('--calls, --kills and --seed must be numbers.');

console.log(`seed ${seed}, ${calls} calls, ${kills} kills`);
const wrong = [];
if (calls > 0) {
  const rounds = await runRounds({ calls, seed });
  console.log(JSON.stringify({ rounds: rounds.figures }));
  wrong.push(...rounds.wrong);
}
if (kills > 0) {
  const killed = await runKills({ kills, seed });
  console.log(JSON.stringify({ kills: killed.figures }));
  wrong.push(...killed.wrong);
}
for (const each of wrong) console.error(each);
process.exitCode = wrong.length > 0 ? 1 : 0;
