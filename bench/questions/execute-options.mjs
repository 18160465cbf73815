// @ts-check
// What does a call cost with everything that a caller may ask for, against one without?
import { withSupervisors } from '../lib/host.mjs';
import { compare, medianOfRuns, ratioRow } from '../lib/measure.mjs';

const CALLS = 400;

/** @param {import('../lib/measure.mjs').Bench} bench */
export default ({ repetitions }) =>
  withSupervisors([{}, {}, {}], async (...supervisors) => {
    const { signal } = new AbortController();
    const options = { signal, timeoutMs: 30_000, onProgress: () => {} };
    const [reference, control, subject] = supervisors.map((supervisor, index) => () => {
      const asked = index === 2 ? options : undefined;
      return medianOfRuns(CALLS, () => supervisor.execute('bench-node', { n: 1 }, asked));
    });
    if (reference === undefined || control === undefined || subject === undefined) return [];
    const comparison = await compare({ reference, control, subject }, { repetitions, warmup: 6 });
    return [ratioRow('execute with signal, onProgress, timeoutMs, p50', 'µs', comparison, { atMost: 1.15 })];
  });
