import { lstat, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { planFor, stepRunner } from '../actors/environment-step.ts';
import { planLaunch } from '../actors/launch.ts';
import { GreenroomError, messageOf } from '../errors.ts';
import type { LaunchRequest } from '../machines/worker.ts';
import { readManifest } from '../manifest/read.ts';
import { WorkerTrees } from '../orphans/worker-trees.ts';
import { environmentUsers } from '../python-envs/environment-users.ts';
import { type PythonEnvironment, PythonEnvs, type Removal } from '../python-envs/python-envs.ts';
import { ProgramHold } from '../runtime/program-hold.ts';
import { resolveSettings } from '../settings/resolve.ts';
import { memoryText } from '../text/memory-text.ts';
import { type DAEMON_OPTIONS, type SETTINGS_OPTIONS, settingsOf, type Values } from './command.ts';
import { takeInterruption } from './interruption.ts';
import { findListing } from './listing.ts';
import { openDaemon } from './open-daemon.ts';
import { reportError } from './report-error.ts';
import { displayPath } from './terminal/display-path.ts';
import { formatTable } from './terminal/table.ts';
import type { Terminal } from './terminal/terminal.ts';
import { unknownPlugin } from './unknown-plugin.ts';

/** What the commands are told by options. */
type EnvironmentOptions = Values<
  typeof SETTINGS_OPTIONS & typeof DAEMON_OPTIONS & { old: { type: 'boolean'; help: '' } }
>;

/**
 * `current` is what the next start uses, `old` was made for other requirements, another Python or installer, `unfinished` is
 * being made, or was left by an installer that was killed, and `missing` is made by the next start.
 */
type State = 'current' | 'old' | 'unfinished' | 'missing';

/** The plugins and environments of a data directory. */
interface Found {
  readonly envs: PythonEnvs;
  readonly dataDir: string;
  /** The names of all plugins that are there. */
  readonly names: readonly string[];
  /** The launches of those that ask for an environment, by their names. */
  readonly launches: ReadonlyMap<string, LaunchRequest>;
}

/** `greenroom env list`. */
export async function listEnvironments(values: EnvironmentOptions, terminal: Terminal): Promise<number> {
  const { envs, launches } = await find(values, terminal);
  const known = new Map<string, readonly PythonEnvironment[]>(
    [...launches.keys()].map((name) => [name, envs.of(name)]),
  );
  for (const [name, environments] of envs.all()) {
    const plugin = environments.find(({ record }) => record !== undefined)?.record?.plugin ?? name;
    if (!known.has(plugin)) known.set(plugin, environments);
  }
  const users = environmentUsers([...known.values()].flat().map(({ folder }) => folder));
  const rows = await Promise.all(
    [...known].map(async ([plugin, environments]) => {
      const launch = launches.get(plugin);
      const current = launch && (await currentOf(envs, launch, terminal));
      const rowOf = async ({ folder, record }: PythonEnvironment) => ({
        plugin,
        state: stateOf({ folder, record }, current),
        python: record?.python ?? null,
        installer: record?.installer ?? null,
        requirements: record?.requirements ?? null,
        made: record?.made ?? null,
        bytes: await sizeOf(folder),
        pids: users.get(folder) ?? [],
        folder,
      });
      const all = await Promise.all(environments.map(rowOf));
      const isThere = launch === undefined || all.some(({ state }) => state === 'current');
      const requirements = launch?.environment?.requirements ?? null;
      const none = { python: null, installer: null, made: null, bytes: 0, pids: [], folder: null };
      return isThere ? all : [...all, { plugin, state: 'missing' as State, requirements, ...none }];
    }),
  );
  const all = rows.flat().toSorted((one, other) => (one.plugin < other.plugin ? -1 : 1));
  if (terminal.json) await terminal.printJson({ environments: all });
  else if (all.length === 0) terminal.note('No plugin has "python" in its manifest, and there are no environments.');
  else {
    const { out } = terminal;
    const head = ['PLUGIN', 'STATE', 'PYTHON', 'INSTALLER', 'SIZE', 'FOLDER'].map(out.bold);
    const lines = all.map(({ plugin, state, python, installer, bytes, folder }) => [
      plugin,
      state,
      python ?? '',
      installer ?? '',
      folder === null ? '' : sizeText(bytes),
      folder === null ? out.dim('made by the next start') : displayPath(folder),
    ]);
    await terminal.print(formatTable([head, ...lines]).join('\n'));
  }
  return 0;
}

/** `greenroom env repair`: makes the environment of a plugin anew, while the one that is there can still be used. */
export async function repairEnvironment(
  plugin: string,
  values: EnvironmentOptions,
  terminal: Terminal,
): Promise<number> {
  const { envs, dataDir, launches, names } = await find(values, terminal);
  const launch = launches.get(plugin);
  if (launch === undefined) throw names.includes(plugin) ? noEnvironment(plugin) : unknownPlugin(plugin, names, values);
  const trees = new WorkerTrees(dataDir);
  return untilInterrupted(
    terminal,
    () => trees.killAll(),
    async (signal) => {
      try {
        const plan = await planFor(launch, envs, signal);
        terminal.note(
          `Installing ${displayPath(plan.file)} with ${plan.installer.name} for Python ${plan.interpreter.version}.`,
        );
        const run = stepRunner(plan, { trees, signal, onLine: (_, line) => terminal.note(terminal.err.dim(line)) });
        const folder = await envs.make(plan, run, signal, { anew: true });
        if (terminal.json) await terminal.printJson({ plugin, folder });
        else terminal.note(`Made ${displayPath(folder)}. A worker that runs takes it with: greenroom reload ${plugin}`);
        return 0;
      } finally {
        await trees.close();
      }
    },
  );
}

/** `greenroom env remove`. Of a plugin that is not there any more, its environments are. */
export async function removeEnvironments(
  plugin: string,
  values: EnvironmentOptions,
  terminal: Terminal,
): Promise<number> {
  const { envs, launches, names } = await find(values, terminal);
  const launch = launches.get(plugin);
  if (envs.of(plugin).length === 0 && !names.includes(plugin)) throw unknownPlugin(plugin, names, values);
  return untilInterrupted(
    terminal,
    () => {},
    async (signal) => {
      const current =
        values.old === true && launch !== undefined ? (await planFor(launch, envs, signal)).key : undefined;
      const removal = await envs.remove(
        plugin,
        ({ record }) => current === undefined || record?.key !== current,
        signal,
      );
      const { removed, used } = removal;
      if (terminal.json) await terminal.printJson({ plugin, removed, used });
      else for (const line of removalLines(plugin, removal)) terminal.note(line);
      return used.length === 0 ? 0 : 7;
    },
  );
}

function removalLines(plugin: string, { removed, used }: Removal): string[] {
  if (removed.length + used.length === 0) return [`"${plugin}" has no such environment.`];
  return [
    ...removed.map((folder) => `Removed ${displayPath(folder)}`),
    ...used.map(
      ({ folder, pids }) =>
        `Kept ${displayPath(folder)}: process ${pids.join(', ')} runs in it. End it first, as by: greenroom unload ${plugin}`,
    ),
  ];
}

/** Which plugins there are, at the daemon if one runs, and what they would be started with from here. */
async function find(values: EnvironmentOptions, terminal: Terminal): Promise<Found> {
  const daemon = await openDaemon(values, terminal);
  try {
    const { listing, dataDir } = await findListing(daemon, settingsOf(values));
    const settings = { ...resolveSettings(settingsOf(values)), hostEnv: process.env };
    const launches = listing.plugins.flatMap(({ name, manifest, searchPath }) => {
      const entry = readManifest(manifest, searchPath)?.entry;
      const launch = entry?.manifest.python === undefined ? undefined : planLaunch(entry, settings);
      return launch?.environment === undefined ? [] : [[name, launch] as const];
    });
    return {
      envs: new PythonEnvs(dataDir),
      dataDir,
      names: listing.plugins.map(({ name }) => name),
      launches: new Map(launches),
    };
  } finally {
    await daemon?.close();
  }
}

/** The folder of the environment that a start would use. Null where there is none; why it cannot be known, is told. */
async function currentOf(envs: PythonEnvs, launch: LaunchRequest, terminal: Terminal): Promise<string | null> {
  try {
    const { key } = await planFor(launch, envs, new AbortController().signal);
    return envs.find(launch.plugin, key) ?? null;
  } catch (error) {
    terminal.note(messageOf(error));
    return null;
  }
}

function stateOf({ folder, record }: PythonEnvironment, current: string | null | undefined): State {
  if (record === undefined) return 'unfinished';
  return folder === current ? 'current' : 'old';
}

function sizeText(bytes: number): string {
  return bytes < 1_024 ** 2 ? '< 1 MiB' : memoryText(bytes / 1_024 ** 2);
}

/** How many bytes the files of a folder have. */
async function sizeOf(folder: string): Promise<number> {
  const entries = await readdir(folder, { withFileTypes: true }).catch(() => []);
  const sizes = entries.map((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory()
      ? sizeOf(path)
      : lstat(path).then(
          ({ size }) => size,
          () => 0,
        );
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

function noEnvironment(plugin: string): GreenroomError {
  const message = `The manifest of "${plugin}" has no "python", so no environment is made for it. Add "python": { "requirements": "requirements.txt" }.`;
  return new GreenroomError('E_MANIFEST', message, { plugin });
}

/** Does something that Ctrl-C ends. Resolves to the exit status. */
async function untilInterrupted(
  terminal: Terminal,
  kill: () => void,
  act: (signal: AbortSignal) => Promise<number>,
): Promise<number> {
  const interruption = takeInterruption(terminal, kill);
  // An installer that runs does not keep this program alive.
  const hold = new ProgramHold();
  hold.set(act, true);
  try {
    return await act(interruption.signal);
  } catch (error) {
    if (interruption.status === undefined) throw error;
    if (terminal.json) await reportError(error, terminal);
    return interruption.status;
  } finally {
    hold.set(act, false);
    interruption.release();
  }
}
