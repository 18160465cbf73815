// Compiles src/ to dist/. Files of an earlier build that no longer have a source are removed, so that a
// package never ships a module that the sources have lost.
import { spawnSync } from 'node:child_process';
import { existsSync, rmSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('..', import.meta.url));
rmSync(new URL('../dist', import.meta.url), { recursive: true, force: true });

const tsc = fileURLToPath(new URL('../node_modules/typescript/bin/tsc', import.meta.url));
const compiled = spawnSync(process.execPath, [tsc, '-p', 'tsconfig.build.json'], { cwd: root, stdio: 'inherit' });
if (compiled.status !== 0) process.exit(compiled.status ?? 1);

const schema = new URL('../dist/manifest/json-schema.js', import.meta.url);
if (existsSync(schema)) {
  const { writeManifestSchema } = await import(schema.href);
  await writeManifestSchema(new URL('../dist/manifest.schema.json', import.meta.url));
}

await import('./build-node-sdk.mjs');
await import('./build-cli.mjs');
await import('./build-page.mjs');
