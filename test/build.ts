import { spawnSync } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** Builds `dist/` before the tests, because worker programs run from it. */
export default function build(): void {
  const built = spawnSync(process.execPath, [fileURLToPath(new URL('../scripts/build.mjs', import.meta.url))], {
    encoding: 'utf8',
  });
  if (built.status !== 0) throw new Error(`The build failed, so no test was run.\n${built.stdout}${built.stderr}`);
}
