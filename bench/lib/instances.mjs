// @ts-check
// What the questions about several instances share: a supervisor with the same plugin in several numbers.
import { withFolder, withSupervisor, writeManifest } from './host.mjs';

/** @typedef {import('../../dist/index.js').Supervisor} Supervisor */

/**
 * Runs something with a supervisor of plugins that differ in their `instances` only, all of which serve.
 *
 * @template T
 * @param {Record<string, number>} counts the instances of each plugin, by its name
 * @param {object} fields of all manifests
 * @param {(supervisor: Supervisor) => Promise<T>} action
 * @returns {Promise<T>}
 */
export function withSeveral(counts, fields, action) {
  return withFolder((folder) => {
    for (const [name, instances] of Object.entries(counts)) writeManifest(folder, { name, instances, ...fields });
    return withSupervisor(
      async (supervisor) => {
        for (const [name, count] of Object.entries(counts)) {
          await supervisor.load(name);
          await serving(supervisor, name, count);
        }
        return action(supervisor);
      },
      { searchPaths: [folder] },
    );
  });
}

/**
 * Resolves once so many workers of a plugin take calls, and it has no others.
 *
 * @param {Supervisor} supervisor @param {string} name @param {number} count
 * @returns {Promise<void>}
 */
export async function serving(supervisor, name, count) {
  let off = () => {};
  await new Promise((resolve) => {
    off = supervisor.subscribe(() => {
      const { instances } = supervisor.plugin(name).snapshot();
      if (instances.length === count && instances.every(takesCalls)) resolve(undefined);
    });
  });
  off();
}

/** @param {{ phase: string }} instance */
function takesCalls({ phase }) {
  return phase === 'ready' || phase === 'serving';
}
