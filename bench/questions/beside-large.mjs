// @ts-check
// How long do small calls take while 64 MiB go to the same worker and back?
import { withSupervisor } from '../lib/host.mjs';
import { limitRow, percentile } from '../lib/measure.mjs';

const BYTES = 64 * 2 ** 20;

/** @param {import('../lib/measure.mjs').Bench} bench */
export default ({ quick }) =>
  withSupervisor(async (supervisor) => {
    const image = Buffer.alloc(BYTES, 'x');
    await supervisor.execute('bench-wide', { n: 1 });
    /** @type {number[]} */
    const times = [];
    for (let round = 0; round < (quick ? 3 : 10); round += 1) {
      const large = supervisor.execute('bench-wide', { image });
      const end = large.then(() => undefined);
      for (;;) {
        const start = performance.now();
        const answer = await Promise.race([end, supervisor.execute('bench-wide', { n: 1 })]);
        if (answer === undefined) break;
        times.push(performance.now() - start);
      }
      await large;
    }
    return [
      limitRow(`small calls beside 64 MiB, p99 of ${times.length}`, 'ms', percentile(times, 0.99), { atMost: 20 }),
    ];
  });
