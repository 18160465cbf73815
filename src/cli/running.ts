import type { Client, DaemonStatus } from '../client/client.ts';
import type { PluginSnapshot } from '../runtime/plugin-snapshot.ts';
import type { PluginStats } from '../runtime/plugin-stats.ts';
import { durationText } from '../text/duration-text.ts';
import { oneLine } from '../text/printable.ts';
import { drawBoard } from './dev/board.ts';
import { type EmbeddingProgram, embeddingPrograms } from './embedding-programs.ts';
import type { Style } from './terminal/style.ts';
import { fitText } from './terminal/text-width.ts';

/** What runs on a data directory. */
export interface Running {
  /** Undefined where none runs. */
  readonly daemon: DaemonStatus['daemon'] | undefined;
  /** The plugins of the daemon that have workers, wait for one or have failed; or all. */
  readonly plugins: readonly PluginSnapshot[];
  readonly stats: Readonly<Record<string, PluginStats>>;
  /** Programs that have a supervisor of their own. */
  readonly programs: readonly EmbeddingProgram[];
  readonly dataDir: string;
}

/** Asks what runs. */
export async function findRunning(client: Client | undefined, dataDir: string, all: boolean): Promise<Running> {
  if (client === undefined) {
    return { daemon: undefined, plugins: [], stats: {}, programs: embeddingPrograms(dataDir, undefined), dataDir };
  }
  const [{ daemon }, plugins, { plugins: stats }] = await Promise.all([
    client.status(),
    client.plugins(),
    client.allStats(),
  ]);
  return {
    daemon,
    plugins: all ? plugins : plugins.filter((plugin) => !isAtRest(plugin) || hasFailed(plugin)),
    stats,
    programs: embeddingPrograms(dataDir, daemon.pid),
    dataDir,
  };
}

/** What runs, as plain data. */
export function plainRunning({ daemon, plugins, stats, programs, dataDir }: Running) {
  const measured = plugins.map((plugin) => {
    const { memoryRssMb = null, cpuPercent = null } = stats[plugin.name] ?? {};
    return { ...plugin, memoryRssMb, cpuPercent };
  });
  return { daemon: daemon ?? null, plugins: measured, programs, dataDir };
}

/** What runs, in lines for people: no more than so many, each no wider than so many columns. */
export function drawRunning(
  { daemon, plugins, stats, programs }: Running,
  rows: number,
  columns: number,
  style: Style,
): string[] {
  const now = Date.now();
  const head =
    daemon === undefined
      ? []
      : [
          `${style.bold('Daemon')}  process ${daemon.pid}, Greenroom ${daemon.version}, for ${durationText(now - daemon.since)}`,
        ];
  const others = programs.map(
    ({ pid, command = '' }) => `${style.bold('Program')}  process ${pid} with plugins of its own: ${oneLine(command)}`,
  );
  const memory = new Map(
    Object.entries(stats).flatMap(([name, { memoryRssMb }]) => (memoryRssMb === null ? [] : [[name, memoryRssMb]])),
  );
  const left = rows - head.length - others.length;
  const board = plugins.length === 0 ? [] : drawBoard({ plugins, memory, now }, left, columns, style);
  return [...head, ...board, ...others.map((line) => fitted(line, columns))];
}

function isAtRest({ state, phase }: PluginSnapshot): boolean {
  return state === 'discovered' && phase === 'idle';
}

/** Whether a plugin is given up, or at rest since its worker failed: one that has served since has recovered. */
function hasFailed(plugin: PluginSnapshot): boolean {
  const { phase, lastUsedAt, lastErrorAt } = plugin;
  if (phase === 'failed') return true;
  return isAtRest(plugin) && lastErrorAt !== undefined && (lastUsedAt === undefined || lastUsedAt < lastErrorAt);
}

/** Why plugins have failed: the board has only the code, which says nothing of the cause. */
export function failureLines({ plugins }: Running): string[] {
  return plugins.flatMap((plugin) =>
    hasFailed(plugin) && plugin.lastError !== undefined ? [oneLine(plugin.lastError.message)] : [],
  );
}

/** Colours would be counted where a line is cut. */
function fitted(line: string, columns: number): string {
  return columns === Infinity ? line : fitText(line, columns);
}
