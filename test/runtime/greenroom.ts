import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pino } from 'pino';
import { afterEach, expect, onTestFailed, vi } from 'vitest';
import {
  createSupervisor,
  GreenroomError,
  type PluginSnapshot,
  type Supervisor,
  type SupervisorOptions,
  type TransitionEvent,
} from '../../src/index.ts';
import { eventually } from '../eventually.ts';
import { fixtureManifest } from '../fixtures/plugins.ts';

/** What a manifest of a test says beyond that of its fixture; `fixture` is a folder of test/fixtures/plugins. */
export type ManifestOf = { fixture?: string } & Record<string, unknown>;

/** A supervisor with its folders, and what it told. */
export interface OpenedSupervisor {
  readonly supervisor: Supervisor;
  /** The search path. */
  readonly plugins: string;
  readonly dataDir: string;
  /** A folder for whatever else a test writes. */
  readonly scratch: string;
  readonly transitions: TransitionEvent[];
  /** Writes a manifest into the search path and gives the path of the file. */
  write(name: string, manifest: ManifestOf): string;
  /** Resolves at the next transition of the plugin that leads to this state, and this phase. */
  entered(plugin: string, state: string, phase?: string): Promise<TransitionEvent>;
  /** The states and phases that the plugin went through, as "state.phase". */
  path(plugin: string): string[];
  snapshot(plugin: string): PluginSnapshot;
}

interface Opened {
  readonly opened: OpenedSupervisor;
  readonly folder: string;
  readonly pids: Set<number>;
}

const allOpened: Opened[] = [];

// Vitest picks XState's development build, which warns of actions of one actor that run within those of another.
vi.spyOn(console, 'warn').mockImplementation(() => {});

/** Restarts without a wait to speak of, and short deadlines for what a test lets go wrong. */
const QUICK: SupervisorOptions = {
  logger: pino({ level: 'silent' }),
  restart: { backoff: { baseMs: 1, capMs: 5 } },
  stopTimeoutMs: 2_000,
  watch: false,
};

/**
 * A supervisor of these plugins, by name. It is stopped after the test, and nothing of it may remain. Manifests and
 * options may be worked out from the folders.
 */
export async function openSupervisor(
  manifests:
    | Record<string, ManifestOf>
    | ((folders: Pick<OpenedSupervisor, 'plugins' | 'scratch'>) => Record<string, ManifestOf>),
  options: SupervisorOptions | ((folders: Pick<OpenedSupervisor, 'plugins' | 'scratch'>) => SupervisorOptions) = {},
): Promise<OpenedSupervisor> {
  // Short, so that socket paths fit.
  const folder = mkdtempSync(join(tmpdir(), 'gr-'));
  const [plugins, dataDir, scratch, runtime] = ['plugins', 'data', 'scratch', 'run'].map((name) => {
    mkdirSync(join(folder, name));
    return join(folder, name);
  }) as [string, string, string, string];
  const before = process.env['XDG_RUNTIME_DIR'];
  process.env['XDG_RUNTIME_DIR'] = runtime;
  const byName = typeof manifests === 'function' ? manifests({ plugins, scratch }) : manifests;
  for (const [name, manifest] of Object.entries(byName)) writeManifest(plugins, name, manifest);
  const given = typeof options === 'function' ? options({ plugins, scratch }) : options;
  const supervisor = await createSupervisor({ searchPaths: [plugins], dataDir, ...QUICK, ...given });
  const transitions: TransitionEvent[] = [];
  const pids = new Set<number>();
  supervisor.on('transition', (transition) => {
    transitions.push(transition);
    for (const { pid } of supervisor.snapshot().plugins) if (pid !== undefined) pids.add(pid);
  });
  const opened: OpenedSupervisor = {
    supervisor,
    plugins,
    dataDir,
    scratch,
    transitions,
    write: (name, manifest) => writeManifest(plugins, name, manifest),
    entered: (plugin, state, phase) =>
      new Promise((resolve) => {
        const off = supervisor.on('transition', (transition) => {
          if (transition.plugin !== plugin || transition.to !== state) return;
          if (phase !== undefined && transition.phase !== phase) return;
          off();
          resolve(transition);
        });
      }),
    path: (plugin) =>
      transitions.filter((event) => event.plugin === plugin).map((event) => `${event.to}.${event.phase}`),
    snapshot: (plugin) => supervisor.plugin(plugin).snapshot(),
  };
  allOpened.push({ opened, folder, pids });
  onTestFailed(() => {
    for (const { plugin, from, to, phase, event, reason } of transitions)
      console.error(plugin, from, '->', to, phase, event, reason ?? '');
  });
  restoreRuntimeDir = () => {
    if (before === undefined) delete process.env['XDG_RUNTIME_DIR'];
    else process.env['XDG_RUNTIME_DIR'] = before;
  };
  return opened;
}

let restoreRuntimeDir = (): void => {};

function writeManifest(plugins: string, name: string, { fixture, ...given }: ManifestOf): string {
  const file = join(plugins, `${name}.json`);
  const base = fixture === undefined ? {} : fixtureManifest(fixture);
  writeFileSync(file, JSON.stringify({ ...base, name, ...given }));
  return file;
}

afterEach(async () => {
  const ending = allOpened.splice(0);
  for (const { opened, folder, pids } of ending) {
    await opened.supervisor.stop();
    await gone([...pids]);
    // The runtime directory holds the sockets, and a stopped supervisor leaves none.
    expect(readdirSync(join(folder, 'run'))).toEqual([]);
  }
  // Another one may have used the data directory of the first.
  for (const { folder } of ending) rmSync(folder, { recursive: true, force: true });
  restoreRuntimeDir();
  restoreRuntimeDir = () => {};
  // Workers and guards are children of this process.
  expect(childrenOf(process.pid)).toEqual([]);
});

/** The processes whose parent this is, by the table of processes. Those that only wait to be reaped count too. */
export function childrenOf(parent: number): number[] {
  return readdirSync('/proc')
    .filter((entry) => /^\d+$/.test(entry))
    .map(Number)
    .filter((pid) => statOf(pid)?.parent === parent);
}

/** Whether a process runs; one that has ended and only waits to be reaped does not. */
export function lives(pid: number): boolean {
  const stat = statOf(pid);
  return stat !== undefined && stat.state !== 'Z';
}

function statOf(pid: number): { state: string; parent: number } | undefined {
  try {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    const [state = '', parent = ''] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    return { state, parent: Number(parent) };
  } catch {
    return undefined;
  }
}

/** Resolves when none of the processes lives. */
export async function gone(pids: readonly number[]): Promise<void> {
  await eventually(() => expect(pids.filter(lives)).toEqual([]), { interval: 5 });
}

/** The error a promise rejects with, which must be a typed one. */
export async function failure(promise: Promise<unknown>): Promise<GreenroomError> {
  const error: unknown = await promise.then(
    (value) => {
      throw new Error(`It did not fail: ${JSON.stringify(value)}`);
    },
    (reason: unknown) => reason,
  );
  if (error instanceof GreenroomError) return error;
  throw error;
}

/** A file that plugins wait for. */
export function door(opened: OpenedSupervisor, name = 'door'): { readonly file: string; open(): void } {
  const file = join(opened.scratch, name);
  return { file, open: () => writeFileSync(file, '') };
}

/** Starts a call that reports once it runs; `running` resolves then, and rejects if the call ends before. */
export function startCall(
  opened: OpenedSupervisor,
  plugin: string,
  input: Record<string, unknown>,
  options: Parameters<Supervisor['execute']>[2] = {},
): { readonly running: Promise<void>; readonly result: Promise<unknown> } {
  let began: (() => void) | undefined;
  const running = new Promise<void>((resolve) => {
    began = resolve;
  });
  const result = opened.supervisor.execute(plugin, input, { ...options, onProgress: () => began?.() });
  // Whoever wants the outcome awaits `result`.
  result.catch(() => {});
  return { running: Promise.race([running, result.then(() => {})]), result };
}

/** Resolves once the plugin looks like this. */
export async function becomes(
  opened: OpenedSupervisor,
  plugin: string,
  expected: Partial<PluginSnapshot>,
): Promise<void> {
  await eventually(() => expect(opened.snapshot(plugin)).toMatchObject(expected), { interval: 5 });
}

/** Reads a stream to its end. */
export async function all<T>(stream: AsyncIterable<T>): Promise<T[]> {
  const items: T[] = [];
  for await (const item of stream) items.push(item);
  return items;
}
