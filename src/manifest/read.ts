import { accessSync, constants, readFileSync, statSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { type Manifest, parseManifest } from './schema.ts';

/** Something that is wrong with a manifest file. */
export interface ManifestProblem {
  readonly file: string;
  /** A dotted path, where one field is to blame. */
  readonly field?: string | undefined;
  readonly reason: string;
  /** `error`: the manifest is not used as it stands; `warning`: it is. */
  readonly severity: 'error' | 'warning';
}

/** A manifest with where it came from, and its relative paths made absolute. */
export interface ManifestEntry {
  readonly manifest: Manifest;
  readonly file: string;
  /** The folder of the file; relative paths in it start here. */
  readonly folder: string;
  /** The search path in which it was found. */
  readonly searchPath: string;
  readonly resolved: {
    /** A dotted Python module as it stands, or the absolute path of a module file. */
    readonly module?: string | undefined;
    /** An absolute path, or a name to be found on PATH. */
    readonly python_path?: string | undefined;
    readonly command?: string | undefined;
    readonly cwd?: string | undefined;
  };
}

/** What came of reading one file. `entry` is absent where an error is among the problems. */
export interface ManifestReading {
  readonly entry?: ManifestEntry | undefined;
  readonly problems: readonly ManifestProblem[];
}

/** A manifest is a few kilobytes; what is larger is some other file. */
const MAX_BYTES = 1024 * 1024;

/** Reads and checks one manifest file. Never throws. Null where there is no such file. */
export function readManifest(file: string, searchPath: string): ManifestReading | null {
  const fail = (reason: string, field?: string): ManifestReading => ({
    problems: [{ file, field, reason, severity: 'error' }],
  });
  let text: string;
  try {
    text = readFileSync(file, 'utf8');
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code === 'ENOENT') return null;
    return fail(code === 'EISDIR' ? 'is a folder, not a file' : `cannot be read: ${message}`);
  }
  if (text.length > MAX_BYTES) return fail(`is larger than ${MAX_BYTES / 1024} KiB, which no manifest is`);
  if (text.charCodeAt(0) === 0xfeff) text = text.slice(1);
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return fail(text.trim() === '' ? 'is empty' : `is not JSON: ${(error as Error).message}`);
  }
  const parsed = parseManifest(value);
  if (!parsed.ok)
    return { problems: parsed.issues.map(({ field, reason }) => ({ file, field, reason, severity: 'error' })) };
  const { manifest, unknownKeys } = parsed;
  return {
    entry: toEntry(manifest, file, searchPath),
    problems: unknownKeys.map((field) => ({
      file,
      field,
      reason: 'is not known and means nothing here',
      severity: 'warning',
    })),
  };
}

function toEntry(manifest: Manifest, file: string, searchPath: string): ManifestEntry {
  const folder = dirname(file);
  const { module, python_path, command, cwd } = manifest;
  return {
    manifest,
    file,
    folder,
    searchPath,
    resolved: {
      ...(module !== undefined && { module: isModuleFile(module) ? resolve(folder, module) : module }),
      ...(python_path !== undefined && { python_path: resolveProgram(folder, python_path) }),
      ...(command !== undefined && { command: resolveProgram(folder, command) }),
      ...(cwd !== undefined && { cwd: resolve(folder, cwd) }),
    },
  };
}

/** A module that names a file, in contrast to a dotted Python module. */
function isModuleFile(module: string): boolean {
  return /\.([cm]?js|py)$/.test(module) || module.includes('/') || module.includes('\\');
}

/** A program with a slash is a path from the manifest's folder; without one it is looked up on PATH when it is started. */
function resolveProgram(folder: string, program: string): string {
  return program.includes('/') || program.includes('\\') ? resolve(folder, program) : program;
}

/** The files and programs a manifest names that are not there. Looked for when a worker cannot start, and by `validate`. */
export function checkPaths(entry: ManifestEntry): ManifestProblem[] {
  const { file, manifest, resolved } = entry;
  const problems: ManifestProblem[] = [];
  const missing = (field: string, reason: string): void =>
    void problems.push({ file, field, reason, severity: 'error' });
  const { module, cwd } = resolved;
  if (cwd !== undefined && !isDirectory(cwd)) missing('cwd', `the folder ${cwd} is not there`);
  if (module !== undefined && isAbsolute(module) && !exists(module))
    missing('module', `the module file ${module} is not there`);
  const interpreter =
    manifest.worker === 'python' || manifest.worker === 'cjm' ? (resolved.python_path ?? 'python3') : undefined;
  if (interpreter !== undefined && !isRunnable(interpreter)) {
    missing('python_path', `the interpreter ${interpreter} is not there or cannot be run`);
  }
  if (manifest.worker === 'command' && resolved.command !== undefined && !isRunnable(resolved.command)) {
    missing('command', `the program ${resolved.command} is not there or cannot be run`);
  }
  return problems;
}

function exists(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false }) !== undefined;
}

function isDirectory(path: string): boolean {
  return statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
}

function isRunnable(program: string): boolean {
  if (isAbsolute(program)) return isExecutableFile(program);
  const endings = process.platform === 'win32' ? (process.env['PATHEXT'] ?? '.EXE').split(';') : [''];
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .some((folder) => folder !== '' && endings.some((ending) => isExecutableFile(join(folder, program + ending))));
}

function isExecutableFile(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  } catch {
    return false;
  }
}
