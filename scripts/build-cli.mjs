// Bundles the commands that use a daemon, with their client, into dist/cli/main.js, and `greenroom mcp` into dist/cli/mcp.js: to find and read some hundred modules
// takes Node longer than the call does. What a command needs to do its work by itself is imported from dist/ as it is.
import { dirname, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'rolldown';

const dist = fileURLToPath(new URL('../dist', import.meta.url));
const inDist = (/** @type {string} */ path) => resolve(dist, path);

/** Imported when they are wanted, and part of the bundle. */
const JOBS = ['add', 'cancel', 'list', 'pause', 'remove', 'resume', 'retry', 'show', 'watch'];
const COMMANDS = ['explain', 'jobs', 'list', 'load', 'logs', 'ps', 'reload', 'run', 'top', 'unload'].concat(
  JOBS.map((name) => `jobs/${name}`),
);
const BUNDLED = new Set([...COMMANDS.map((name) => inDist(`cli/commands/${name}.js`)), inDist('client/client.js')]);

/** Classes of errors that are told apart by `instanceof`, also by what is not in the bundle. */
const SHARED = new Set([inDist('errors.js'), inDist('cli/usage-error.js')]);

const common = {
  platform: /** @type {const} */ ('node'),
  plugins: [
    {
      name: 'outside',
      resolveId(source, importer, { kind }) {
        if (importer === undefined || !source.startsWith('.')) return null;
        const id = resolve(dirname(importer), source);
        const isOutside = kind === 'dynamic-import' ? !BUNDLED.has(id) : SHARED.has(id);
        return isOutside ? { id, external: 'relative' } : null;
      },
    },
  ],
};

for (const file of ['cli/main.js', 'cli/mcp.js'])
  await build({ ...common, input: inDist(file), output: { file: inDist(file), format: 'esm', codeSplitting: false } });
