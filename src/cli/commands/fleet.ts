import type { FleetQueue, FleetStatus } from '../../fleet/fleet-status.ts';
import { durationText } from '../../text/duration-text.ts';
import { memoryText } from '../../text/memory-text.ts';
import { DATA_DIR_OPTIONS, defineCommand } from '../command.ts';
import { requireDaemon } from '../open-daemon.ts';
import type { Style } from '../terminal/style.ts';
import { formatTable } from '../terminal/table.ts';

/** After how long without a word a node is shown as silent, in milliseconds: it says that it lives every 2 s. */
const SILENT_MS = 4_000;

/** How many names a line has. */
const NAMES_SHOWN = 6;

/** `greenroom fleet`: the nodes of the fleet of the daemon, and its jobs. */
export const command = defineCommand({
  usage: 'fleet',
  about:
    'Shows the fleet that the daemon is in: its nodes with their memory and the plugins that run there, and for each plugin\nits jobs and what they wait for. A daemon joins a fleet with: greenroom serve --fleet URL',
  options: { ...DATA_DIR_OPTIONS },
  operands: [0, 0],
  examples: [
    ['greenroom fleet', 'the nodes and the jobs'],
    ['greenroom fleet --json', 'the same for a program'],
  ],
  statuses: [0, 2, 4, 5, 6],
  async run({ values, terminal }) {
    const daemon = await requireDaemon(values, terminal);
    try {
      const fleet = await daemon.fleet();
      if (terminal.json) {
        await terminal.printJson(fleet);
        return 0;
      }
      await terminal.print(nodeTable(fleet, terminal.out).join('\n'));
      if (fleet.queues.length > 0) await terminal.print(`\n${queueTable(fleet.queues, terminal.out).join('\n')}`);
      else terminal.note('\nNo jobs wait or run.');
      if (fleet.health.state !== 'connected')
        terminal.note(`${terminal.err.yellow('warning:')} This node cannot use the Redis now: ${fleet.health.reason}.`);
      return 0;
    } finally {
      await daemon.close();
    }
  },
});

function nodeTable({ nodes, node: own }: FleetStatus, style: Style): string[] {
  const rows = nodes.map(({ node, name, version, beatAgoMs, plugins, capacity, reserved, residents, makesWayFor }) => [
    `${name ?? node.slice(-8)}${node === own ? ' (this one)' : ''}`,
    version ?? '-',
    stateOf(beatAgoMs, version !== undefined, style),
    memoryOf(capacity, reserved),
    String(plugins.length),
    namesText((residents ?? []).map(({ plugin, calls }) => (calls === 0 ? plugin : `${plugin} (${calls})`))) +
      (makesWayFor === undefined ? '' : `; makes way for ${makesWayFor}`),
  ]);
  return formatTable([
    ['NODE', 'VERSION', 'STATE', 'MEMORY', 'PLUGINS', 'LOADED, WITH CALLS'].map(style.bold),
    ...rows,
  ]);
}

/** @param isAnnounced whether it has said what it is, which a node does within seconds of its first beat */
function stateOf(beatAgoMs: number, isAnnounced: boolean, style: Style): string {
  if (beatAgoMs > SILENT_MS) return style.yellow(`silent for ${durationText(beatAgoMs)}`);
  return isAnnounced ? style.green('lives') : 'joining';
}

type Amounts = FleetStatus['nodes'][number]['capacity'];

function memoryOf(capacity: Amounts, reserved: Amounts): string {
  const parts = (['vramMb', 'ramMb'] as const).flatMap((kind) => {
    const most = capacity?.[kind];
    if (most === undefined) return [];
    return [`${memoryText(reserved?.[kind] ?? 0)} of ${memoryText(most)}${kind === 'vramMb' ? ' GPU' : ''}`];
  });
  return parts.length === 0 ? 'no limit' : parts.join(', ');
}

function queueTable(queues: readonly FleetQueue[], style: Style): string[] {
  const rows = queues.map((queue) => [
    queue.plugin,
    ...[queue.running, queue.waiting, queue.delayed, queue.blocked, queue.failed].map(String),
    queue.waitedMs === undefined ? '' : durationText(queue.waitedMs),
    queue.isPaused ? 'paused' : (queue.waitsFor ?? ''),
  ]);
  const head = ['PLUGIN', 'RUNNING', 'WAITING', 'DELAYED', 'BLOCKED', 'FAILED', 'LONGEST', ''].map(style.bold);
  return formatTable([head, ...rows]);
}

function namesText(names: readonly string[]): string {
  if (names.length === 0) return '-';
  const more = names.length - NAMES_SHOWN;
  return more > 0 ? `${names.slice(0, NAMES_SHOWN).join(', ')} and ${more} more` : names.join(', ');
}
