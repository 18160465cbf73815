// @ts-check
// Does a plugin grow in a burst of calls, and shrink after it, no oftener than that? How soon has it grown?
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { PLUGINS, withFolder, withSupervisor, writeManifest } from '../lib/host.mjs';
import { serving } from '../lib/instances.mjs';
import { comparisonOf, limitRow, median, ratioRow, timed } from '../lib/measure.mjs';

/** @typedef {import('../../dist/index.js').Supervisor} Supervisor */

/** The plugin that grows, and one for comparison that does not. */
const [POOL, ALONE] = ['pool', 'alone'];
const [MIN, MAX] = [1, 4];
const IDLE_MS = 1_000;
const GROW_AFTER_MS = 100;
const CALL_MS = 20;
/** So many that one worker is at them until the others have started, on a busy machine too. */
const CALLS = 300;

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withFolder((folder) => {
    const plugin = { module: join(PLUGINS, 'bench-python', 'bench_python.py'), class: 'Bench' };
    const instances = { min: MIN, max: MAX, idle_ms: IDLE_MS, grow_after_ms: GROW_AFTER_MS };
    writeManifest(folder, { name: POOL, ...plugin, instances });
    writeManifest(folder, { name: ALONE, ...plugin });
    return withSupervisor((supervisor) => answer(supervisor, bench.quick ? 5 : 11), { searchPaths: [folder] });
  });

/** @param {Supervisor} supervisor @param {number} bursts */
async function answer(supervisor, bursts) {
  await supervisor.load(POOL);
  const counts = { started: 0, ended: 0 };
  supervisor.on('instance', ({ from, to }) => {
    if (from === to) return;
    if (from === 'discovered') counts.started += 1;
    if (to === 'discovered') counts.ended += 1;
  });

  const [loads, control, growths, returns] = Array.from({ length: 4 }, () => /** @type {number[]} */ ([]));
  for (let burst = 0; burst < bursts; burst += 1) {
    loads?.push(await load(supervisor));
    growths?.push((await grow(supervisor)) - GROW_AFTER_MS);
    returns?.push(await timed(() => serving(supervisor, POOL, MIN)));
    control?.push(await load(supervisor));
  }
  const apart = { ...counts };

  for (let burst = 0; burst < bursts; burst += 1) {
    if (burst > 0) await delay(IDLE_MS / 2);
    await grow(supervisor);
  }
  await serving(supervisor, POOL, MIN);
  const close = { started: counts.started - apart.started, ended: counts.ended - apart.ended };

  const growth = MAX - MIN;
  const many = `${bursts} bursts at ${MIN} to ${MAX} instances`;
  const [far, near] = [`${many}, rests longer than idle_ms`, `${many}, rests of half of idle_ms`];
  const comparison = comparisonOf(loads ?? [], control ?? [], growths ?? []);
  return [
    limitRow(`${far}: started`, 'instances', apart.started, { exactly: bursts * growth }),
    limitRow(`${far}: ended`, 'instances', apart.ended, { exactly: bursts * growth }),
    limitRow(`${near}: started`, 'instances', close.started, { exactly: growth }),
    limitRow(`${near}: ended`, 'instances', close.ended, { exactly: growth }),
    // As many starts as there are more instances, on one core.
    ratioRow(`grown to ${MAX}, after the wait, against one load`, 'ms', comparison, { atMost: growth }),
    limitRow(`back at ${MIN} after a burst`, 'ms', median(returns ?? []), { atMost: 1.5 * IDLE_MS }),
  ];
}

/** How many milliseconds the start of one worker takes. @param {Supervisor} supervisor */
async function load(supervisor) {
  await supervisor.unload(ALONE);
  return timed(() => supervisor.load(ALONE));
}

/** Makes many calls at once; how many milliseconds it takes until all instances take calls. @param {Supervisor} supervisor */
async function grow(supervisor) {
  const calls = Array.from({ length: CALLS }, () => supervisor.execute(POOL, { sleep_ms: CALL_MS }));
  const grown = timed(() => serving(supervisor, POOL, MAX));
  await Promise.all(calls);
  return grown;
}
