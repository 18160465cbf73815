// @ts-check
// Greenroom in a build script, without await: fail the build where two texts of a folder are nearly the same.
//   node examples/check-texts.mjs [folder of texts]
import { relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createSupervisor } from 'greenroom/sync';

/** @typedef {{ compared: number, groups: { files: { path: string, similarity: number }[] }[] }} Found */

const [folder = fileURLToPath(new URL('../docs', import.meta.url))] = process.argv.slice(2);

// It stops when the program exits.
const supervisor = createSupervisor({ searchPaths: [fileURLToPath(new URL('plugins', import.meta.url))] });
supervisor.load('near-duplicates', { config: { threshold: 0.8 } });
const { compared, groups } = /** @type {Found} */ (
  supervisor.execute('near-duplicates', { files: folder }, { timeoutMs: 60_000 })
);
for (const { files } of groups) {
  console.error(`nearly the same: ${files.map(({ path }) => relative(folder, path)).join(', ')}`);
}
console.log(`${compared} texts compared`);
process.exitCode = groups.length === 0 ? 0 : 1;
