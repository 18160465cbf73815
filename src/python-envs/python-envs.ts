import { randomBytes } from 'node:crypto';
import { accessSync, constants, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { GreenroomError, messageOf } from '../errors.ts';
import { makeFolder } from '../files/make-folder.ts';
import { writeWhole } from '../files/whole-file.ts';
import { withInstallLock } from '../packages/install-lock.ts';
import { shortageIn } from '../system-error.ts';
import { safeFileName } from '../text/safe-file-name.ts';
import type { EnvironmentPlan } from './environment-plan.ts';
import { environmentUsers } from './environment-users.ts';
import { type InstallerEnd, installFault } from './install-fault.ts';
import { type InstallStep, installSteps, pythonIn } from './installer.ts';
import { Interpreters } from './interpreter.ts';

/** What is said of an environment in its file `.complete`. */
export interface EnvironmentRecord {
  readonly key: string;
  readonly plugin: string;
  /** The file of its requirements. */
  readonly requirements: string;
  /** The version of its Python. */
  readonly python: string;
  readonly installer: string;
  /** When it was made, as a time of ISO 8601. */
  readonly made: string;
}

/** An environment, or what is left of one that was not completed: that has no record. */
export interface PythonEnvironment {
  readonly folder: string;
  readonly record: EnvironmentRecord | undefined;
}

/** Runs a program to its end; rejects where it cannot be run. */
export type RunStep = (step: InstallStep) => Promise<InstallerEnd>;

/** What became of environments that were to be removed. */
export interface Removal {
  readonly removed: readonly string[];
  /** Those that processes run in, and by how many. */
  readonly used: readonly { readonly folder: string; readonly pids: readonly number[] }[];
}

/** Written last, so that what a killed installer has left is not taken for an environment. */
const COMPLETE = '.complete';

/**
 * The Python environments in a data directory, `python/<plugin>/<key>-<random>`. Each attempt has a folder of its own, which
 * it never leaves: scripts have their interpreter's path in them, and an installer whose supervisor was killed may still
 * write for a moment.
 */
export class PythonEnvs {
  readonly interpreters = new Interpreters();
  readonly #root: string;
  readonly #locks: string;

  constructor(dataDir: string) {
    this.#root = join(dataDir, 'python');
    this.#locks = join(dataDir, 'installs');
  }

  /** The folder of the environment of this key, if it is complete and its interpreter still runs. */
  find(plugin: string, key: string): string | undefined {
    const fitting = this.of(plugin).filter(
      ({ folder, record }) => record?.key === key && isExecutable(pythonIn(folder)),
    );
    const newest = fitting.toSorted((one, other) => ((one.record?.made ?? '') < (other.record?.made ?? '') ? 1 : -1));
    return newest[0]?.folder;
  }

  /** The environments of a plugin, and what is left of attempts. */
  of(plugin: string): readonly PythonEnvironment[] {
    const folder = this.#folderOf(plugin);
    return namesIn(folder).map((name) => environmentIn(join(folder, name)));
  }

  /** All environments, by the names of files for their plugins. */
  all(): ReadonlyMap<string, readonly PythonEnvironment[]> {
    return new Map(
      namesIn(this.#root).map((name) => {
        const folder = join(this.#root, name);
        return [name, namesIn(folder).map((each) => environmentIn(join(folder, each)))];
      }),
    );
  }

  /**
   * Makes an environment, unless another process has made it meanwhile, and resolves to its folder. `anew` makes one in any
   * case; once it is there, no other of the plugin counts any more. Of a plugin's, one is made at a time. Rejects with
   * `E_START`, and where the signal aborts.
   */
  make(plan: EnvironmentPlan, run: RunStep, signal: AbortSignal, { anew = false } = {}): Promise<string> {
    const { plugin, key } = plan;
    return this.#locked(plugin, signal, async () => {
      const made = anew ? undefined : this.find(plugin, key);
      if (made !== undefined) return made;
      await this.#discard(plugin, ({ record }) => record === undefined);
      const folder = join(this.#folderOf(plugin), `${key.slice(0, 12)}-${randomBytes(3).toString('hex')}`);
      try {
        await build(plan, folder, run);
      } catch (error) {
        await discard(folder);
        // An installer that was ended with it says nothing of the packages.
        signal.throwIfAborted();
        throw error;
      }
      if (anew) {
        const others = this.of(plugin).filter((other) => other.folder !== folder);
        for (const other of others) retire(other.folder);
        await this.#discard(plugin, ({ record }) => record === undefined);
      }
      return folder;
    });
  }

  /** Removes environments of a plugin, except those in which processes run. Rejects where the signal aborts. */
  remove(plugin: string, isMeant: (environment: PythonEnvironment) => boolean, signal: AbortSignal): Promise<Removal> {
    return this.#locked(plugin, signal, () => this.#discard(plugin, isMeant));
  }

  async #discard(plugin: string, isMeant: (environment: PythonEnvironment) => boolean): Promise<Removal> {
    const meant = this.of(plugin).filter(isMeant);
    const users = environmentUsers(meant.map(({ folder }) => folder));
    const removed: string[] = [];
    for (const { folder } of meant) {
      if (users.has(folder)) continue;
      await discard(folder);
      removed.push(folder);
    }
    return { removed, used: [...users].map(([folder, pids]) => ({ folder, pids })) };
  }

  #locked<T>(plugin: string, signal: AbortSignal, task: () => Promise<T>): Promise<T> {
    return withInstallLock(this.#locks, `python ${plugin}`, signal, task);
  }

  #folderOf(plugin: string): string {
    return join(this.#root, safeFileName(plugin));
  }
}

async function build(plan: EnvironmentPlan, folder: string, run: RunStep): Promise<void> {
  const { plugin, key, file, listed, interpreter, installer } = plan;
  const given = listed === undefined ? file : join(folder, 'requirements.txt');
  try {
    makeFolder(join(folder, '..'), 0o700);
    const [create, install] = installSteps(installer, interpreter, folder, given) as [InstallStep, InstallStep];
    succeeded(plan, await run(create));
    if (listed !== undefined) writeFileSync(given, listed);
    succeeded(plan, await run(install));
    const record: EnvironmentRecord = {
      key,
      plugin,
      requirements: file,
      python: interpreter.version,
      installer: installer.name,
      made: new Date().toISOString(),
    };
    writeWhole(join(folder, COMPLETE), JSON.stringify(record));
  } catch (error) {
    if (error instanceof GreenroomError) throw error;
    throw notMade(plan, `${shortageIn(error) ?? messageOf(error)}.`, error);
  }
}

function succeeded(plan: EnvironmentPlan, end: InstallerEnd): void {
  if (end.code !== 0) throw notMade(plan, installFault(plan, end));
}

function notMade({ plugin }: EnvironmentPlan, why: string, cause?: unknown): GreenroomError {
  return new GreenroomError('E_START', `The packages of "${plugin}" could not be installed: ${why}`, { plugin, cause });
}

/** From now on it counts as one that was not completed. */
function retire(folder: string): void {
  try {
    rmSync(join(folder, COMPLETE), { force: true });
  } catch {
    // The disk may be read-only by now.
  }
}

/** The record goes first: what is left where the rest cannot be removed counts no more. */
async function discard(folder: string): Promise<void> {
  retire(folder);
  try {
    await rm(folder, { recursive: true, force: true, maxRetries: 3 });
  } catch {
    // It is looked at again when the next one is made.
  }
}

function environmentIn(folder: string): PythonEnvironment {
  try {
    const record = JSON.parse(readFileSync(join(folder, COMPLETE), 'utf8')) as EnvironmentRecord;
    return { folder, record: typeof record.key === 'string' ? record : undefined };
  } catch {
    return { folder, record: undefined };
  }
}

function namesIn(folder: string): string[] {
  try {
    return readdirSync(folder).toSorted();
  } catch {
    return [];
  }
}

function isExecutable(file: string): boolean {
  try {
    accessSync(file, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}
