import { accessSync, constants } from 'node:fs';
import { join } from 'node:path';
import { onAbort } from '../events/abort-watch.ts';
import { withInstallLock } from './install-lock.ts';
import { type FoundProgram, foundProgram, probeIn, SCRIPT_SHELL } from './npx-probe.ts';
import type { PackageCommand } from './package-command.ts';

/** What is to be installed, and for which program. */
export interface InstallRequest {
  readonly command: PackageCommand;
  /** The absolute path of the runner: npx or uvx. */
  readonly runner: string;
  /** Where the program will run, and with which variables: npm is configured by both. */
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
}

/** A program that installs a package and ends. */
export interface InstallProgram {
  readonly file: string;
  readonly args: readonly string[];
  /** Variables beside those of the request. */
  readonly env: Readonly<Record<string, string>>;
}

/** A package that is installed. */
export interface InstalledPackage {
  /** Its program, where it is known; undefined where only the runner can start it. */
  readonly program: FoundProgram | undefined;
}

/** Runs a program to its end, and resolves to the lines that it printed to standard output; rejects where it fails. */
export type RunInstall = (program: InstallProgram) => Promise<readonly string[]>;

/** The packages that a supervisor has installed. */
export class PackageInstalls {
  readonly #folder: string;
  readonly #installed = new Map<string, InstalledPackage>();
  /** The end of each installation that is under way, by its package. */
  readonly #running = new Map<string, Promise<void>>();

  /** @param dataDir supervisors with the same one install a package one after the other */
  constructor(dataDir: string) {
    this.#folder = join(dataDir, 'installs');
  }

  /** What this supervisor has installed before, if it is still there. */
  known(request: InstallRequest): InstalledPackage | undefined {
    const key = keyOf(request);
    const installed = this.#installed.get(key);
    if (installed?.program === undefined || isExecutable(installed.program.file)) return installed;
    this.#installed.delete(key);
    return undefined;
  }

  /** Has the runner look again at the next start, as what was found may be broken. */
  forget(request: InstallRequest): void {
    this.#installed.delete(keyOf(request));
  }

  /**
   * Installs a package, unless that was done while it waited: of one package, one installation runs at a time. Rejects
   * where `run` does, and where the signal aborts.
   */
  async install(request: InstallRequest, run: RunInstall, signal: AbortSignal): Promise<InstalledPackage> {
    const name = `${request.command.runner} ${request.command.spec}`;
    for (let before = this.#running.get(name); before !== undefined; before = this.#running.get(name)) {
      await ended(before, signal);
    }
    signal.throwIfAborted();
    const known = this.known(request);
    if (known !== undefined) return known;
    const { promise, resolve } = withResolvers();
    this.#running.set(name, promise);
    try {
      const lines = await withInstallLock(this.#folder, name, signal, () => run(this.#programOf(request)));
      const installed = { program: request.command.runner === 'npx' ? foundProgram(lines) : undefined };
      this.#installed.set(keyOf(request), installed);
      return installed;
    } finally {
      this.#running.delete(name);
      resolve();
    }
  }

  #programOf({ command: { runner, spec, args }, runner: file }: InstallRequest): InstallProgram {
    if (runner === 'npx') return { file, args, env: { [SCRIPT_SHELL]: probeIn(this.#folder) } };
    // Of what uvx installs, Python is the one program that ends by itself and is sure to be there.
    return { file, args: ['--from', spec, 'python', '-c', ''], env: {} };
  }
}

/** What decides which program is found: the command, where it runs, and what npm reads of the environment. */
function keyOf({ command, runner, cwd, env }: InstallRequest): string {
  const read = Object.entries(env).filter(([name]) => /^(PATH|HOME|PREFIX|npm_config_.*|UV_.*|XDG_.*)$/i.test(name));
  return JSON.stringify([runner, command.args, cwd, read.toSorted(([one], [other]) => (one < other ? -1 : 1))]);
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** Resolves as the other does, or rejects with the reason of the signal. */
async function ended(other: Promise<void>, signal: AbortSignal): Promise<void> {
  signal.throwIfAborted();
  let stop = (): void => {};
  const aborted = new Promise<never>((_resolve, reject) => {
    stop = onAbort(signal, () => reject(signal.reason as Error));
  });
  await Promise.race([other, aborted]).finally(stop);
}

function withResolvers(): { readonly promise: Promise<void>; readonly resolve: () => void } {
  let resolve = (): void => {};
  const promise = new Promise<void>((settle) => {
    resolve = settle;
  });
  return { promise, resolve };
}
