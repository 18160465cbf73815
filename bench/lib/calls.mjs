// @ts-check
// What the questions about calls share: the same calls of a worker with nothing in between, and of a supervised plugin.
import { BARE_NODE, withBare } from './bare.mjs';
import { withFolder, withSupervisor } from './host.mjs';
import { compare } from './measure.mjs';

/** @typedef {(input: object) => Promise<unknown>} Call */
/** @typedef {Awaited<ReturnType<typeof import('./bare.mjs').startBare>>} Bare */

/**
 * Runs something with two bare Node workers, as reference and control, and a supervisor.
 *
 * @template T
 * @param {(workers: { raw: Bare, control: Bare, supervisor: import('../../dist/index.js').Supervisor }) => Promise<T>} action
 * @param {number} [connections] to each bare worker
 * @returns {Promise<T>}
 */
export function withNodeWorkers(action, connections = 1) {
  return withFolder((folder) =>
    withBare({ command: BARE_NODE, folder, count: 2, connections }, ([raw, control]) =>
      withSupervisor((supervisor) => action({ raw, control, supervisor })),
    ),
  );
}

/**
 * Compares a figure of supervised calls with that of bare ones.
 *
 * @param {(call: Call) => Promise<number>} measure takes the figure of calls
 * @param {{
 *   repetitions: number, warmup: number, plugin?: string, connections?: number,
 *   options?: import('../../dist/index.js').CallOptions,
 * }} how
 */
export function compareCalls(measure, { repetitions, warmup, plugin = 'bench-node', connections, options }) {
  return withNodeWorkers(
    ({ raw, control, supervisor }) =>
      compare(
        {
          reference: () => measure((input) => raw.call(input)),
          control: () => measure((input) => control.call(input)),
          subject: () => measure((input) => supervisor.execute(plugin, input, options)),
        },
        { repetitions, warmup },
      ),
    connections,
  );
}
