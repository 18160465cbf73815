import { accessSync, constants, statSync } from 'node:fs';
import { delimiter, dirname, isAbsolute, join, resolve } from 'node:path';
import { type FileStamp, readText } from '../files/file-text.ts';
import { isDeeperThan, MAX_LEVELS } from '../json/json-depth.ts';
import { isSurelySound, type JsonPath, jsonFaults } from '../json/json-text.ts';
import { scriptFault } from '../process/script-fault.ts';
import { shortageIn } from '../system-error.ts';
import type { KindProgram } from '../worker-kinds/kind.ts';
import { kindOf } from '../worker-kinds/kinds.ts';
import { environmentCommand } from '../worker-kinds/python-interpreter.ts';
import { isCopyName } from './backup-name.ts';
import type { ManifestIssue } from './manifest-issue.ts';
import type { ManifestProblem } from './manifest-problem.ts';
import { type Manifest, parseManifest } from './schema.ts';
import { placeName } from './search-path.ts';

/** A manifest with where it came from, and its relative paths made absolute. */
export interface ManifestEntry {
  readonly manifest: Manifest;
  readonly file: string;
  /** The folder of the file; relative paths in it start here. */
  readonly folder: string;
  /** The search path in which it was found. */
  readonly searchPath: string;
  /** Where it stands in the file, where that holds several: `mcpServers.files`. */
  readonly place?: string | undefined;
  /** The plugin of which it is a copy, for one client. */
  readonly copyOf?: string | undefined;
  readonly resolved: {
    /** A dotted Python module as it stands, or the absolute path of a module file. */
    readonly module?: string | undefined;
    /** An absolute path, or a name to be found on PATH. */
    readonly python_path?: string | undefined;
    readonly command?: string | undefined;
    readonly cwd?: string | undefined;
    /** The file of `python.requirements`. */
    readonly requirements?: string | undefined;
  };
}

/** What came of reading one file. `entry` is absent where an error is among the problems. */
export interface ManifestReading {
  readonly entry?: ManifestEntry | undefined;
  readonly problems: readonly ManifestProblem[];
  /** Tells this content from a later one; absent where it would not. */
  readonly stamp?: FileStamp | undefined;
  /** The file is there and cannot be read, which may pass without a change of it. */
  readonly unreadable?: boolean | undefined;
}

/** A megabyte may hold a hundred thousand mistakes; more than these help nobody to find the first. */
const MAX_PROBLEMS = 20;

const NO_PROBLEMS: readonly ManifestProblem[] = [];

/** What is amiss with a manifest that is used all the same. */
export type ManifestCheck = (manifest: Manifest) => readonly ManifestIssue[];

/**
 * Reads and checks one manifest file. Never throws. Null where there is no such file.
 *
 * @param check tells of what its reader cannot know; its issues are warnings
 */
export function readManifest(
  file: string,
  searchPath: string,
  check: ManifestCheck = () => [],
): ManifestReading | null {
  const found = readText(file);
  if (found === null) return null;
  const { stamp } = found;
  const fail = (reason: string): ManifestReading => ({ problems: [{ file, reason, severity: 'error' }], stamp });
  if ('reason' in found) return { ...fail(found.reason), unreadable: found.unreadable };
  // Some editors of Windows put a byte order mark before the text.
  const text = found.text.charCodeAt(0) === 0xfeff ? found.text.slice(1) : found.text;
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    return fail(
      text.trim() === '' ? 'is empty' : `is not JSON: ${(error as Error).message}${placeOf(error as Error, text)}`,
    );
  }
  const isSound = isSurelySound(text, value, MAX_LEVELS);
  if (!isSound && isDeeperThan(MAX_LEVELS, value)) return fail(`is nested more than ${MAX_LEVELS} levels deep`);
  const variables: [string, string][] = [];
  const isText = ([field, name, ...deeper]: JsonPath, digits: string): boolean => {
    const isVariable = field === 'env_vars' && typeof name === 'string' && deeper.length === 0;
    if (isVariable && String(Number(digits)) !== digits) variables.push([name, digits]);
    return isVariable;
  };
  const faults = isSound && !hasNumericVariables(value) ? [] : jsonFaults(text, isText);
  const parsed = faults.length > 0 ? undefined : parseManifest(withNumbersAsWritten(value, variables));
  if (parsed?.ok !== true) {
    const issues = (parsed?.issues ?? faults).map(({ field, reason }) => ({
      file,
      field,
      reason,
      severity: 'error' as const,
    }));
    return { problems: firstOf([...issues, ...warningsOf(file, parsed?.warnings)]), stamp };
  }
  const { manifest } = parsed;
  const place = placeName(searchPath, file);
  if (isCopyName(place) && place !== manifest.name.normalize('NFC')) {
    const reason = `ignored: "${place}" looks like the name of a copy; rename it to use it for "${manifest.name}"`;
    return { problems: [{ file, reason, severity: 'warning' }], stamp };
  }
  const problems = warningsOf(file, [...parsed.warnings, ...check(manifest)]);
  return { entry: toEntry(manifest, file, searchPath), problems: firstOf(problems), stamp };
}

function warningsOf(file: string, issues: readonly ManifestIssue[] = []): readonly ManifestProblem[] {
  return issues.length === 0 ? NO_PROBLEMS : issues.map((issue) => ({ file, ...issue, severity: 'warning' }));
}

/** Whether `env_vars` has numbers, which are used as they are written. */
function hasNumericVariables(value: unknown): boolean {
  const variables: unknown = (value as { readonly env_vars?: unknown } | null)?.env_vars;
  if (typeof variables !== 'object' || variables === null) return false;
  return Object.values(variables).some((variable) => typeof variable === 'number');
}

function firstOf(problems: readonly ManifestProblem[]): readonly ManifestProblem[] {
  const [first] = problems;
  if (first === undefined || problems.length <= MAX_PROBLEMS) return problems;
  const reason = `${problems.length - MAX_PROBLEMS} more problems are not shown`;
  return [...problems.slice(0, MAX_PROBLEMS), { file: first.file, reason, severity: first.severity }];
}

/** Environment variables are text, so that 1.10 and integers of any length stay what they are. */
function withNumbersAsWritten(manifest: unknown, variables: readonly (readonly [string, string])[]): unknown {
  if (variables.length === 0) return manifest;
  const { env_vars: given, ...rest } = manifest as { readonly env_vars: object };
  return { ...rest, env_vars: { ...given, ...Object.fromEntries(variables) } };
}

/** Where in the text JSON stops being JSON, as far as the engine's message says and has not said already. */
function placeOf({ message }: Error, text: string): string {
  if (message.includes('line ')) return '';
  const position = /position (\d+)/.exec(message)?.[1] ?? (message.includes('end of JSON') ? text.length : undefined);
  if (position === undefined) return '';
  const before = text.slice(0, Number(position)).split('\n');
  return ` (line ${before.length}, column ${(before.at(-1)?.length ?? 0) + 1})`;
}

/** A manifest with where it came from. */
export function toEntry(manifest: Manifest, file: string, searchPath: string, place?: string): ManifestEntry {
  const folder = dirname(file);
  const { module, python_path, python, command, cwd } = manifest;
  const resolved: { -readonly [Key in keyof ManifestEntry['resolved']]: string } = {};
  if (module !== undefined) resolved.module = isModuleFile(module) ? fromFolder(folder, module) : module;
  if (python_path !== undefined) resolved.python_path = resolveProgram(folder, python_path);
  if (command !== undefined) resolved.command = resolveProgram(folder, command);
  if (python !== undefined) resolved.requirements = fromFolder(folder, python.requirements);
  if (cwd !== undefined) resolved.cwd = fromFolder(folder, cwd);
  return { manifest, file, folder, searchPath, ...(place !== undefined && { place }), resolved };
}

/** A module that names a file, in contrast to a dotted Python module. */
function isModuleFile(module: string): boolean {
  return /\.([cm]?[jt]s|py)$/.test(module) || module.includes('/') || module.includes('\\');
}

/** A program with a slash is a path from the manifest's folder; without one it is looked up on PATH when it is started. */
function resolveProgram(folder: string, program: string): string {
  return program.includes('/') || program.includes('\\') ? fromFolder(folder, program) : program;
}

function fromFolder(folder: string, path: string): string {
  return isAbsolute(path) ? path : resolve(folder, path);
}

/** What {@link missingPaths} finds, as problems of the file. Never throws. */
export function checkPaths(entry: ManifestEntry): ManifestProblem[] {
  const { file, place } = entry;
  return missingPaths(entry).map(({ field, reason }) => {
    return { file, field: place === undefined ? field : `${place}.${field}`, reason, severity: 'error' };
  });
}

/** The files and programs a manifest names that are not there. Looked for when a worker cannot start, and by `validate`. Never throws. */
export function missingPaths(entry: ManifestEntry): ManifestIssue[] {
  const { manifest, resolved } = entry;
  const issues: ManifestIssue[] = [];
  const missing = (field: string, reason: string): void => void issues.push({ field, reason });
  const { module, cwd, requirements } = resolved;
  if (cwd !== undefined && !isDirectory(cwd)) missing('cwd', `the folder ${cwd} does not exist`);
  if (module !== undefined && isAbsolute(module) && !exists(module))
    missing('module', `the module file ${module} does not exist`);
  if (requirements !== undefined && !exists(requirements))
    missing('python.requirements', `the file ${requirements} does not exist`);
  for (const { field, what, program } of kindOf(manifest).programs(entry)) {
    const fault = faultOf(program, field);
    if (fault !== undefined) missing(field, `the ${what} ${program} ${fault}`);
  }
  return issues;
}

function exists(path: string): boolean {
  return isSo(() => statSync(path) !== undefined);
}

function isDirectory(path: string): boolean {
  return isSo(() => statSync(path).isDirectory());
}

/** A look that fails for a shortage shows nothing amiss: whatever it was at may be as it should be. */
function isSo(look: () => boolean): boolean {
  try {
    return look();
  } catch (error) {
    return shortageIn(error) !== undefined;
  }
}

/** Why a program cannot be run, with what to do. */
function faultOf(program: string, field: KindProgram['field']): string | undefined {
  const found = findRunnable(program);
  if (found !== undefined) {
    const fault = faultOfScript(found);
    return fault && `cannot be run: ${fault}`;
  }
  if (!isAbsolute(program)) return 'was not found on PATH';
  if (exists(program) && !isDirectory(program)) return `is not executable; run: chmod +x ${program}`;
  const create = field === 'python_path' ? environmentCommand(program) : undefined;
  return `does not exist, or is not a file${create === undefined ? '' : `; to create its environment, run: ${create}`}`;
}

/** What cannot be read, as a program that may only be executed, is as it should be. */
function faultOfScript(program: string): string | undefined {
  try {
    return scriptFault(program, process.env['PATH']);
  } catch {
    return undefined;
  }
}

function findRunnable(program: string): string | undefined {
  if (isAbsolute(program)) return isExecutableFile(program) ? program : undefined;
  const endings = process.platform === 'win32' ? (process.env['PATHEXT'] ?? '.EXE').split(';') : [''];
  return (process.env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .flatMap((folder) => endings.map((ending) => join(folder, program + ending)))
    .find(isExecutableFile);
}

function isExecutableFile(path: string): boolean {
  return isSo(() => {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile();
  });
}
