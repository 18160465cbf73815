// @ts-check
// How long after an edit of a plugin's code does a new worker run it, beyond the time that any new worker takes?
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { withFolder, withSupervisors, writeManifest } from '../lib/host.mjs';
import { limitRow, median, takeInTurns, timed } from '../lib/measure.mjs';

/** Node runs TypeScript from 22.18 on. */
const RUNS_TYPESCRIPT = process.features.typescript !== undefined && process.features.typescript !== false;

const TYPESCRIPT = {
  name: 'edited-typescript',
  language: 'TypeScript',
  fields: { module: './plugin.ts' },
  file: 'plugin.ts',
  /** @param {number} version */
  code: (version) => `const version: number = ${version};\nexport default { execute: (): number => version };\n`,
};

/** Plugins whose code is edited: where, their manifest, and their code in as many versions as one likes. */
const EDITED = [
  {
    name: 'edited-python',
    language: 'Python',
    fields: { module: 'plugin', class: 'Plugin' },
    file: 'plugin.py',
    /** @param {number} version */
    code: (version) => `class Plugin:\n    def execute(self):\n        return ${version}\n`,
  },
  {
    name: 'edited-node',
    language: 'Node',
    fields: { module: './plugin.mjs' },
    file: 'plugin.mjs',
    /** @param {number} version */
    code: (version) => `export default { execute: () => ${version} };\n`,
  },
  ...(RUNS_TYPESCRIPT ? [TYPESCRIPT] : []),
];

/** @param {import('../lib/measure.mjs').Bench} bench */
export default (bench) =>
  withFolder(async (folder) => {
    for (const { name, fields, file, code } of EDITED) {
      writeManifest(folder, { name, ...fields });
      writeFileSync(join(folder, name, file), code(0));
    }
    const searchPaths = [folder];
    return withSupervisors([{ searchPaths }, { searchPaths, watchCode: true }], async (plain, followed) => {
      const rows = [];
      for (const { name, language, file, code } of EDITED) {
        let version = 0;
        await Promise.all([plain.load(name), followed.load(name)]);
        // What the worker has loaded is known, and followed, once it has been edited.
        const edit = async () => {
          const served = isServed(followed, name);
          version += 1;
          writeFileSync(join(folder, name, file), code(version));
          await served;
          const answer = await followed.execute(name);
          if (answer !== version) throw new Error(`${name} answered ${String(answer)}, not ${version}.`);
        };
        const [edits = [], reloads = []] = await takeInTurns(
          [() => timed(edit), () => timed(() => plain.reload(name))],
          {
            repetitions: bench.repetitions,
          },
        );
        const beyond = median(edits) - median(reloads);
        const question = `edit to served, beyond the new worker's own start, ${language}`;
        rows.push(limitRow(question, 'ms', beyond, { atMost: 300 }));
      }
      return rows;
    });
  });

/** @param {import('../../dist/index.js').Supervisor} supervisor @param {string} name @returns {Promise<void>} */
function isServed(supervisor, name) {
  return new Promise((resolve, reject) => {
    const off = supervisor.on('code', (event) => {
      if (event.plugin !== name || event.outcome === 'changed') return;
      off();
      if (event.outcome === 'served') resolve();
      else reject(new Error(`The edit came to "${event.outcome}".`));
    });
  });
}
