// @ts-check
// How long does it take to put one plugin in the place of another, against stopping the one and starting the other?
import { join } from 'node:path';
import { PLUGINS, withFolder, withSupervisors, writeManifests } from '../lib/host.mjs';
import { compare, ratioRow, timed } from '../lib/measure.mjs';

/** The memory is no limit, but it is one that is measured, so that what a victim had must be seen free. */
const CAPACITY_FOR_ONE = { slots: 1, ramMb: 1_024 };

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withFolder(async (folder) => {
    const module = join(PLUGINS, 'bench-python', 'bench_python.py');
    writeManifests(folder, 2, () => ({ module, class: 'Bench' }));
    const searchPaths = [folder];
    return withSupervisors(
      [
        { searchPaths, policy: 'permissive' },
        { searchPaths, policy: 'queue', capacity: CAPACITY_FOR_ONE },
      ],
      async (bare, scheduled) => {
        const byHand = swapper(async (loaded, next) => {
          await bare.unload(loaded);
          await bare.load(next);
        });
        const subject = swapper((_, next) => scheduled.load(next));
        const comparison = await compare({ reference: byHand, subject }, { repetitions: bench.repetitions });
        return [ratioRow('evict, confirm, load, against stop and start', 'ms', comparison, { atMost: 1.15 })];
      },
    );
  });

/**
 * Measures swaps of two plugins, to and fro.
 *
 * @param {(loaded: string, next: string) => Promise<unknown>} swap
 */
function swapper(swap) {
  let [loaded, next] = ['plugin-0', 'plugin-1'];
  return async () => {
    const time = await timed(() => swap(loaded, next));
    [loaded, next] = [next, loaded];
    return time;
  };
}
