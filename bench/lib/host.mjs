// @ts-check
// What most questions need on our side: a supervisor with the plugins of this folder, and folders of manifests.
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createSupervisor } from '../../dist/index.js';

/** The plugins that are measured with. */
export const PLUGINS = fileURLToPath(new URL('../plugins', import.meta.url));

/**
 * Runs something with a folder that is removed afterwards.
 *
 * @template T @param {(folder: string) => Promise<T>} action @returns {Promise<T>}
 */
export async function withFolder(action) {
  const folder = mkdtempSync(join(tmpdir(), 'greenroom-bench-'));
  try {
    return await action(folder);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/**
 * Runs something with a supervisor that is stopped afterwards.
 *
 * @template T
 * @param {(supervisor: import('../../dist/index.js').Supervisor) => Promise<T>} action
 * @param {import('../../dist/index.js').SupervisorOptions} [options]
 * @returns {Promise<T>}
 */
export function withSupervisor(action, options = {}) {
  return withFolder(async (dataDir) => {
    const supervisor = await createSupervisor({
      searchPaths: [PLUGINS],
      dataDir,
      watch: false,
      logLevel: 'silent',
      ...options,
    });
    try {
      return await action(supervisor);
    } finally {
      await supervisor.stop();
    }
  });
}

/**
 * Runs something with a supervisor for each of several settings, which are stopped afterwards.
 *
 * @template T
 * @param {import('../../dist/index.js').SupervisorOptions[]} settings
 * @param {(...supervisors: import('../../dist/index.js').Supervisor[]) => Promise<T>} action
 * @returns {Promise<T>}
 */
export function withSupervisors([options, ...others], action) {
  if (options === undefined) return action();
  return withSupervisor((supervisor) => withSupervisors(others, (...more) => action(supervisor, ...more)), options);
}

/** Writes a manifest into a folder of its own, named for its plugin; returns the file. @param {string} folder @param {{ name: string }} manifest */
export function writeManifest(folder, manifest) {
  mkdirSync(join(folder, manifest.name));
  const file = join(folder, manifest.name, 'manifest.json');
  writeFileSync(file, `${JSON.stringify(manifest, null, 2)}\n`);
  return file;
}

/**
 * Writes manifests as their authors would, each in a folder of its own; returns the files.
 *
 * @param {string} folder @param {number} count @param {(index: number) => object} [fields]
 */
export function writeManifests(folder, count, fields = () => ({})) {
  return Array.from({ length: count }, (_, index) => {
    const manifest = {
      name: `plugin-${index}`,
      version: '1.0.0',
      description: `Number ${index} of many`,
      category: `category-${index % 10}`,
      module: 'plugin_module',
      class: 'Plugin',
      worker: 'python',
      resources: { requires_gpu: false, min_system_ram_mb: 256 },
      env_vars: { OMP_NUM_THREADS: '1' },
      config_schema: {
        type: 'object',
        properties: { size: { type: 'integer', default: 3, minimum: 0 }, name: { type: 'string', default: 'x' } },
      },
      ...fields(index),
    };
    return writeManifest(folder, manifest);
  });
}
