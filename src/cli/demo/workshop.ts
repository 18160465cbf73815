import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import type { Manifest } from '../../manifest/schema.ts';

/** The plugins of the demo, by what they do in it. */
export const INDEX = 'library-index';
export const DUPLICATES = 'near-duplicates';
export const MEDIA = 'media-probe';
export const HELLO = 'hello-node';

/** A temporary folder with copies of the example plugins, whose manifests may be edited. */
export interface Workshop {
  /** The search path. */
  readonly plugins: string;
  /** A copy of the example program that indexes files as jobs. */
  readonly jobsProgram: string;
  readonly dataDir: string;
  /** For whatever else is written. */
  readonly scratch: string;
  /** Writes fields into the manifest of a plugin; gives its path. */
  edit(plugin: string, fields: Partial<Manifest>): string;
  /** How many sockets of workers, or folders of such, there are. */
  sockets(): number;
  /** Removes everything; how many files are left nevertheless. */
  remove(): number;
}

/** Makes the folder, with the plugins out of the package's examples. */
export function openWorkshop(packageRoot: string): Workshop {
  // With a short name, so that the paths of sockets fit in it.
  const folder = realpathSync(mkdtempSync(join(tmpdir(), 'gr-demo-')));
  const [plugins, dataDir, scratch, runtime] = ['plugins', 'data', 'scratch', 'run'].map((name) => {
    mkdirSync(join(folder, name), { mode: 0o700 });
    return join(folder, name);
  }) as [string, string, string, string];
  const remove = (): void => rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  process.once('exit', remove);
  const before = process.env['XDG_RUNTIME_DIR'];
  // Sockets lie there, so that whether any is left can be seen.
  process.env['XDG_RUNTIME_DIR'] = runtime;

  for (const plugin of [INDEX, DUPLICATES, MEDIA, HELLO]) {
    cpSync(join(packageRoot, 'examples/plugins', plugin), join(plugins, plugin), {
      recursive: true,
      filter: (path) => basename(path) !== '__pycache__',
    });
  }
  const jobsProgram = join(folder, 'index-jobs.mjs');
  cpSync(join(packageRoot, 'examples/index-jobs.mjs'), jobsProgram);
  // The copies import greenroom as plugins of a project would that has it installed.
  mkdirSync(join(folder, 'node_modules'));
  symlinkSync(packageRoot, join(folder, 'node_modules/greenroom'), 'junction');

  const edit = (plugin: string, fields: Partial<Manifest>): string => {
    const file = join(plugins, plugin, 'manifest.json');
    const manifest = JSON.parse(readFileSync(file, 'utf8')) as object;
    writeFileSync(file, `${JSON.stringify({ ...manifest, ...fields }, null, 2)}\n`);
    return file;
  };
  // It has several workers for the short time only in which they are needed, so that both can be watched.
  edit(DUPLICATES, { instances: { min: 1, max: 'cores', idle_ms: 1_000 } });
  // The node that runs the demo need not be on PATH.
  edit(MEDIA, { command: process.execPath });

  return {
    plugins,
    jobsProgram,
    dataDir,
    scratch,
    edit,
    sockets: () => readdirSync(runtime).length,
    remove() {
      if (before === undefined) delete process.env['XDG_RUNTIME_DIR'];
      else process.env['XDG_RUNTIME_DIR'] = before;
      process.off('exit', remove);
      remove();
      return filesIn(folder);
    },
  };
}

function filesIn(folder: string): number {
  try {
    return readdirSync(folder, { recursive: true }).length;
  } catch {
    return 0;
  }
}
