// @ts-check
// A program with a supervisor whose plugins are all loaded, half of them computing. It says their process numbers, and waits
// to be killed.
import { join } from 'node:path';
import { createSupervisor } from '../../dist/index.js';

const folder = process.argv[2];
const supervisor = await createSupervisor({
  searchPaths: [folder],
  dataDir: join(folder, 'data'),
  watch: false,
  logLevel: 'silent',
});
const plugins = supervisor.plugins();
await supervisor.loadAll();
await Promise.all(
  plugins
    .filter((_, index) => index % 4 < 2)
    .map(
      ({ name }) =>
        new Promise((onProgress) => {
          supervisor.execute(name, { spinMs: 60_000, spin_ms: 60_000 }, { onProgress }).catch(() => {});
        }),
    ),
);
console.log(JSON.stringify(supervisor.plugins().map(({ pid }) => pid)));
