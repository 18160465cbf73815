// @ts-check
// How soon does a caller hear that a plugin cannot be imported, against how soon its process ends?
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withFolder, withSupervisor, writeManifest } from '../lib/host.mjs';
import { compare, ratioRow } from '../lib/measure.mjs';
import { spawnWorkerProgram } from '../lib/worker-program.mjs';

/** @param {import('../lib/measure.mjs').Bench} bench */
export default async (bench) => [
  await failure('python', 'broken.py', 'raise ImportError("no module named torch")\n', bench),
  await failure('node', 'broken.mjs', "import 'a-package-that-is-not-there';\n", bench),
];

/** @param {string} kind @param {string} module @param {string} text @param {import('../lib/measure.mjs').Bench} bench */
function failure(kind, module, text, bench) {
  return withFolder(async (folder) => {
    const warmup = 2;
    // A new name each time: one that has failed is remembered.
    const names = Array.from({ length: bench.repetitions + warmup }, (_, index) => `broken-${index}`);
    for (const name of names) {
      const fields = kind === 'python' ? { class: 'Broken' } : {};
      writeManifest(folder, { name, worker: kind, module: `./${module}`, ...fields });
      writeFileSync(join(folder, name, module), text);
    }
    const own = async () => {
      const start = performance.now();
      const { child } = spawnWorkerProgram(join(folder, 'broken-0', 'manifest.json'), folder);
      await once(child, 'exit');
      return performance.now() - start;
    };
    return withSupervisor(
      async (supervisor) => {
        const subject = async () => {
          const name = /** @type {string} */ (names.pop());
          const start = performance.now();
          const error = await supervisor.execute(name).catch((reason) => reason);
          const time = performance.now() - start;
          if (error?.code !== 'E_START') throw new Error('The import did not fail as it should.', { cause: error });
          return time;
        };
        const comparison = await compare({ reference: own, subject }, { repetitions: bench.repetitions, warmup });
        return ratioRow(`import failure, ${kind}, error at the caller`, 'ms', comparison, { atMost: 1.5 });
      },
      { searchPaths: [folder] },
    );
  });
}
