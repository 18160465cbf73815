// @ts-check

import { mkdirSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { createSupervisor } from '../../../dist/index.js';
import { writeManifest } from '../../lib/host.mjs';

const PLUGINS = {
  node: { module: fileURLToPath(new URL('../workers/plugin.mjs', import.meta.url)), worker: 'node' },
  python: {
    module: fileURLToPath(new URL('../workers/plugin.py', import.meta.url)),
    worker: 'python',
    class: 'Answer',
  },
};

/** Without settings, but for what other peers are not asked to do: watch a folder, keep a log. @param {string} folder @param {keyof typeof PLUGINS} kind */
export async function open(folder, kind) {
  const plugins = `${folder}/greenroom-${kind}`;
  mkdirSync(plugins);
  for (const atOnce of [1, 32]) {
    writeManifest(plugins, { name: nameOf(atOnce), version: '1.0.0', max_concurrency: atOnce, ...PLUGINS[kind] });
  }
  const supervisor = await createSupervisor({
    searchPaths: [plugins],
    dataDir: `${plugins}/data`,
    watch: false,
    logLevel: 'silent',
  });
  return {
    start(/** @type {{ atOnce: number }} */ { atOnce }) {
      const plugin = nameOf(atOnce);
      const call = (/** @type {object} */ input) => supervisor.execute(plugin, input);
      return {
        call,
        bytes: async (/** @type {Buffer} */ bytes) =>
          /** @type {{ bytes: Buffer }} */ (await supervisor.execute(plugin, { bytes })).bytes,
        stop: () => supervisor.unload(plugin),
      };
    },
    close: () => supervisor.stop(),
  };
}

/** @param {number} atOnce */
function nameOf(atOnce) {
  return `answer-${atOnce}`;
}
