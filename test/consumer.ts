import { spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const TSC = join(ROOT, 'node_modules/typescript/bin/tsc');

const STRICT = {
  strict: true,
  exactOptionalPropertyTypes: true,
  noUncheckedIndexedAccess: true,
  skipLibCheck: false,
  module: 'nodenext',
  target: 'es2023',
  lib: ['es2023', 'esnext.disposable'],
  types: ['node'],
  noEmit: true,
};

/**
 * Compiles the files of a program that has this package as it is built, as strictly as can be. Returns what the compiler
 * says, none where all is well, and every file that it has read.
 */
export function compileConsumer(files: Readonly<Record<string, string>>): {
  readonly errors: readonly string[];
  readonly read: readonly string[];
} {
  const folder = mkdtempSync(join(tmpdir(), 'greenroom-consumer-'));
  try {
    mkdirSync(join(folder, 'node_modules'));
    symlinkSync(ROOT, join(folder, 'node_modules/greenroom'), 'junction');
    symlinkSync(join(ROOT, 'node_modules/@types'), join(folder, 'node_modules/@types'), 'junction');
    const config = { compilerOptions: STRICT, files: Object.keys(files) };
    const all = { ...files, 'package.json': '{"type":"module"}', 'tsconfig.json': JSON.stringify(config) };
    for (const [name, text] of Object.entries(all)) writeFileSync(join(folder, name), text);
    const { stdout } = spawnSync(process.execPath, [TSC, '--listFiles', '--pretty', 'false'], {
      cwd: folder,
      encoding: 'utf8',
    });
    const lines = stdout.split('\n').filter((line) => line !== '');
    const isError = (line: string): boolean => line.includes('error TS') || line.startsWith(' ');
    return { errors: lines.filter(isError), read: lines.filter((line) => !isError(line)) };
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
