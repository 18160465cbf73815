import { createHash } from 'node:crypto';
import { readdirSync, statSync } from 'node:fs';
import { createRequire } from 'node:module';
import { isAbsolute, join, resolve } from 'node:path';
import { z } from 'zod';
import { readText, stampOf } from '../files/file-text.ts';
import { makeFolder } from '../files/make-folder.ts';
import { removeWhole, writeWhole } from '../files/whole-file.ts';
import { workingDirectory } from '../files/working-directory.ts';
import { printedJson } from '../json/printed-json.ts';
import { readJson } from '../json/read-json.ts';
import type { ManifestEntry } from '../manifest/read.ts';
import type { ServerDescription } from '../mcp/front-plugin.ts';
import type { Tool } from '../protocol.ts';
import { safeFileName } from '../text/safe-file-name.ts';
import { anyToolList, toTools } from './tool.ts';

/** The longest file that is read again, in bytes, which is that of a manifest. */
const MAX_BYTES = 1024 * 1024;

/** How many plugins have a file. Beyond it the ones that were written the longest ago are removed. */
const MAX_FILES = 1_000;

const ENDING = '.json';

const fields = z.record(z.string(), z.unknown());

const server = z.object({
  serverInfo: fields.optional(),
  capabilities: fields,
  instructions: z.string().optional(),
  era: z.enum(['legacy', 'modern']).optional(),
});

const schema = z.object({ identity: z.string(), tools: anyToolList, server: server.optional() });

/** What is kept of a plugin. */
export interface KeptTools {
  readonly tools: readonly Tool[];
  /** What it said of itself, where it is a server of MCP. */
  readonly server?: ServerDescription | undefined;
}

/**
 * What tells a plugin as it was when it said its tools from what it is now: its version and program, and the time and
 * size of the files that the manifest names. What those files import is not seen. Another version of this package may
 * describe the same plugin otherwise. It is a hash, as it is kept on disk and arguments may be secret.
 */
export function identityOf({ manifest, folder, resolved, copyOf }: ManifestEntry): string {
  const { version, worker, class: className, args = [] } = manifest;
  const name = copyOf ?? manifest.name;
  const { module, command, python_path, cwd = workingDirectory() } = resolved;
  const files = [
    ...(module === undefined ? [] : moduleFiles(folder, module)),
    ...[...(command === undefined ? [] : [command]), ...args].map((path) => resolve(cwd, path)),
  ];
  const program = { worker, folder, module, class: className, python_path, command, args };
  const all = { package: ownVersion(), name, version, ...program, files: files.flatMap(stampsOf) };
  return createHash('sha256').update(JSON.stringify(all)).digest('base64');
}

function stampsOf(file: string): readonly unknown[] {
  try {
    const stats = statSync(file, { throwIfNoEntry: false });
    return stats?.isFile() === true ? [[file, stats.mtimeMs, stats.size]] : [];
  } catch {
    return [];
  }
}

let version: string | undefined;

function ownVersion(): string {
  if (version === undefined) {
    try {
      ({ version } = createRequire(import.meta.url)('../../package.json') as { version: string });
    } catch {
      // A program may have been bundled without it.
      version = '';
    }
  }
  return version;
}

/** Where a module can lie: a dotted one of Python beside its manifest, as a file or as a package. */
function moduleFiles(folder: string, module: string): string[] {
  if (isAbsolute(module)) return [module];
  const path = join(folder, ...module.split('.'));
  return [`${path}.py`, join(path, '__init__.py')];
}

/**
 * The tools that workers have said, kept in the data directory so that a list needs no process: a file for each plugin.
 * A cache, so it never fails: what cannot be read is not there, and what cannot be written is not kept.
 */
export class ToolCache {
  readonly #folder: string;

  /** @param dataDir the data directory, in which the folder `tools` is made when there is something to keep */
  constructor(dataDir: string) {
    this.#folder = join(dataDir, 'tools');
  }

  /** What was kept of a plugin of this identity. */
  read(plugin: string, identity: string): KeptTools | undefined {
    const found = readText(this.#fileOf(plugin));
    if (found === null || 'reason' in found) return undefined;
    try {
      const kept = schema.parse(readJson(found.text));
      return kept.identity === identity ? { tools: toTools(kept.tools), server: kept.server } : undefined;
    } catch {
      return undefined;
    }
  }

  /** Keeps what a plugin has said, in place of what it said before. */
  write(plugin: string, identity: string, { tools, server: said }: KeptTools): void {
    const file = this.#fileOf(plugin);
    const text = printedJson({ identity, tools, server: said });
    try {
      if (Buffer.byteLength(text) > MAX_BYTES) {
        removeWhole(file);
        return;
      }
      makeFolder(this.#folder, 0o700);
      writeWhole(file, text);
      this.#prune();
    } catch {
      // The disk may be full or read-only.
    }
  }

  #prune(): void {
    const files = readdirSync(this.#folder)
      .filter((name) => name.endsWith(ENDING))
      .map((name) => join(this.#folder, name));
    if (files.length <= MAX_FILES) return;
    const written = (file: string): number => stampOf(file)?.mtimeMs ?? 0;
    const oldest = files.map((file) => [file, written(file)] as const).toSorted(([, a], [, b]) => a - b);
    for (const [file] of oldest.slice(0, files.length - MAX_FILES)) removeWhole(file);
  }

  #fileOf(plugin: string): string {
    return join(this.#folder, `${safeFileName(plugin)}${ENDING}`);
  }
}
