// @ts-check
// What do metrics cost a call, and how long does a scrape of a hundred plugins take?
import { join } from 'node:path';
import { createMetrics } from '../../dist/metrics/metrics.js';
import { PLUGINS as PLUGIN_FOLDER, withFolder, withSupervisor, withSupervisors, writeManifest } from '../lib/host.mjs';
import { compare, limitRow, median, medianOfRuns } from '../lib/measure.mjs';

const CALLS = 400;
const PLUGINS = 100;
const SLOTS = 20;
const SCRAPES = 20;
const INPUT = { n: 1 };

/** @import { Supervisor } from '../../dist/index.js' */

/** @param {import('../lib/measure.mjs').Bench} bench */
export default async (bench) => [await costOfCall(bench), ...(await costOfScrape())];

/** @param {import('../lib/measure.mjs').Bench} bench */
function costOfCall(bench) {
  return withSupervisors([{}, {}, {}], async (off, control, on) => {
    const plain = (/** @type {Supervisor} */ supervisor) => async () => {
      // Node changes the channel of calls as the first subscriber comes and the last goes, which undoes optimized code.
      await medianOfRuns(CALLS, () => supervisor.execute('bench-node', INPUT));
      return medianOfRuns(CALLS, () => supervisor.execute('bench-node', INPUT));
    };
    // All supervisors of a program share the channel, so that others are not measured while one is counted.
    const counted = async () => {
      const metrics = createMetrics(on);
      try {
        return await plain(on)();
      } finally {
        metrics.close();
      }
    };
    const { over, aa } = await compare(
      { reference: plain(off), control: plain(control), subject: counted },
      { repetitions: 3 * bench.repetitions, warmup: 6 },
    );
    return limitRow('a call, metrics on against off', 'µs', over, { atMost: 5 }, { aa });
  });
}

/** Every plugin has had a call, a fifth of them have workers, and most were evicted. */
function costOfScrape() {
  return withFolder((folder) => {
    const names = Array.from({ length: PLUGINS }, (_, index) => `plugin-${index}`);
    for (const name of names)
      writeManifest(folder, { name, worker: 'node', module: join(PLUGIN_FOLDER, 'bench-node/bench-node.mjs') });
    return withSupervisor(
      async (supervisor) => {
        const metrics = createMetrics(supervisor);
        try {
          for (const name of names) await supervisor.execute(name, INPUT);
          const times = [];
          let text = '';
          for (let scrape = 0; scrape < SCRAPES; scrape += 1) {
            const start = performance.now();
            text = await metrics.text();
            times.push(performance.now() - start);
            // What is measured for the next scrape is not part of this one.
            await new Promise((resolve) => setTimeout(resolve, 50));
          }
          const series = text.split('\n').filter((line) => line.includes('plugin="plugin-0"')).length;
          return [
            limitRow(`a scrape of ${PLUGINS} plugins`, 'ms', median(times), { atMost: 10 }),
            limitRow('series of a plugin without errors', '', series, { atMost: 34 }),
          ];
        } finally {
          metrics.close();
        }
      },
      { searchPaths: [folder], capacity: { slots: SLOTS } },
    );
  });
}
