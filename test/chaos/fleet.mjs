// @ts-check
// npm run chaos:fleet -- [--jobs N] [--seed S]: jobs over plugins that do not all fit, in a fleet of daemons of which some,
// workers and Redis are killed. Prints figures; fails where a job was lost or got stuck.
import { parseArgs } from 'node:util';
import { runFleetKills } from './fleet-kills.mjs';

const { values } = parseArgs({
  options: {
    jobs: { type: 'string', default: '1000' },
    plugins: { type: 'string', default: '12' },
    nodes: { type: 'string', default: '4' },
    'daemon-kills': { type: 'string', default: '3' },
    'worker-kills': { type: 'string', default: '3' },
    'redis-kills': { type: 'string', default: '2' },
    compare: { type: 'boolean', default: false },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 32)) },
  },
});
const [jobs, plugins, nodes, seed] = [values.jobs, values.plugins, values.nodes, values.seed].map(Number);
if (!(Number(jobs) > 0) || !(Number(seed) >= 0)) throw new Error('--jobs and --seed must be numbers.');

const plan = { jobs: Number(jobs), plugins: Number(plugins), nodes: Number(nodes), seed: Number(seed) };
const none = { daemonKills: 0, workerKills: 0, redisKills: 0 };
const kills = {
  daemonKills: Number(values['daemon-kills']),
  workerKills: Number(values['worker-kills']),
  redisKills: Number(values['redis-kills']),
};
const killed = await runFleetKills({ ...plan, ...kills });
console.log(JSON.stringify(killed.figures));
if (values.compare) {
  const calm = await runFleetKills({ ...plan, ...none });
  console.log('without kills', JSON.stringify(calm.figures));
  const withAll = { ...plan, nodes: 1, capacityMb: 650 * plan.nodes };
  const one = await runFleetKills({ ...withAll, ...none });
  console.log('one node with all the memory', JSON.stringify(one.figures));
  // Which loses about as many workers as the fleet: a daemon that is killed takes its workers with it.
  const workerKills = kills.workerKills + kills.daemonKills;
  const oneKilled = await runFleetKills({ ...withAll, ...kills, daemonKills: 0, workerKills });
  console.log('one node with all the memory, of which workers are killed', JSON.stringify(oneKilled.figures));
  const [calmly, underKills] = [calm.loads / one.loads, killed.loads / oneKilled.loads].map((ratio) =>
    ratio.toFixed(2),
  );
  console.log(`loads: ${calmly}× those of one node, with kills ${underKills}× those of one with kills`);
}
for (const each of killed.wrong) console.error(each);
process.exitCode = killed.wrong.length > 0 ? 1 : 0;
