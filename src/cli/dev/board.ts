import type { PluginState } from '../../machines/plugin.ts';
import type { PluginSnapshot } from '../../runtime/plugin-snapshot.ts';
import { durationText } from '../../text/duration-text.ts';
import type { Style } from '../terminal/style.ts';
import { formatTable } from '../terminal/table.ts';
import { fitText } from '../terminal/text-width.ts';

/** A sign for each state, so that colour is never all that tells them apart. */
const SIGNS: Readonly<Record<PluginState, string>> = {
  discovered: '·',
  spawning: '◌',
  ready: '○',
  busy: '●',
  released: '◇',
  crashed: '✖',
};

/** The columns that are wide enough for what stands in them, all but the name and the error. */
const OTHER_COLUMNS = 72;
const LEAST_NAME = 12;

/** What a board is drawn from. */
export interface BoardState {
  readonly plugins: readonly PluginSnapshot[];
  /** What the workers' trees take, in MiB, by plugin. */
  readonly memory: ReadonlyMap<string, number>;
  readonly now: number;
}

/** How wide the column of the instances may be; it is there where a plugin has several. */
const INSTANCE_COLUMNS = 32;

/** The plugins in their states, a line each, in no more than so many rows; those at rest are left out first. */
export function drawBoard({ plugins, memory, now }: BoardState, rows: number, columns: number, style: Style): string[] {
  const most = Math.max(1, rows - 2);
  const shown = plugins.length <= most ? plugins : mostActive(plugins, most);
  const haveSeveral = shown.some(({ instances }) => instances.length > 1);
  const nameColumns = Math.max(LEAST_NAME, columns - OTHER_COLUMNS - (haveSeveral ? INSTANCE_COLUMNS : 0));
  const counted = haveSeveral ? ['INSTANCES'] : [];
  const table = formatTable([
    ['  PLUGIN', 'STATE', ...counted, 'FOR', 'PID', 'MEMORY', 'CALLS', 'RESTARTS', 'LAST ERROR'].map(style.bold),
    ...shown.map((plugin) => {
      const { name, state, phase, since, pid, inFlight, waiting, restarts, lastError, lastErrorAt, instances } = plugin;
      const used = memory.get(name);
      return [
        `${paint(state, style)(SIGNS[state])} ${fitText(name, nameColumns)}`,
        paint(state, style)(state === phase ? state : `${state} ${phase}`),
        ...(haveSeveral ? [fitText(instancesText(instances), INSTANCE_COLUMNS - 2)] : []),
        durationText(now - since),
        pid === undefined ? '' : String(pid),
        used === undefined || pid === undefined ? '' : `${Math.round(used)} MiB`,
        inFlight + waiting === 0 ? '' : `${inFlight}${waiting > 0 ? ` +${waiting}` : ''}`,
        restarts === 0 ? '' : String(restarts),
        lastError === undefined ? '' : style.dim(`${lastError.code}${agoText(now, lastErrorAt)}`),
      ];
    }),
  ]);
  const left = plugins.length - shown.length;
  return left > 0 ? [...table, style.dim(`  and ${left} more, idle or less busy`)] : table;
}

/** How long ago it failed; a daemon of an older version does not say. */
function agoText(now: number, at: number | undefined): string {
  return at === undefined ? '' : ` ${durationText(now - at)} ago`;
}

/** How many workers there are in which states, where there are several: `4: 3 busy, 1 ready`. */
function instancesText(instances: PluginSnapshot['instances']): string {
  if (instances.length < 2) return '';
  const parts = WORTH.flatMap((state) => {
    const count = instances.filter((each) => each.state === state).length;
    // Here these are on their way out.
    return count === 0 ? [] : [`${count} ${state === 'discovered' ? 'stopping' : state}`];
  });
  return `${instances.length}: ${parts.join(', ')}`;
}

/** The order in which they are worth a line. */
const WORTH: readonly PluginState[] = ['crashed', 'busy', 'spawning', 'ready', 'released', 'discovered'];

function mostActive(plugins: readonly PluginSnapshot[], count: number): readonly PluginSnapshot[] {
  const worth = ({ state }: PluginSnapshot): number => WORTH.indexOf(state);
  const chosen = new Set(plugins.toSorted((a, b) => worth(a) - worth(b) || b.since - a.since).slice(0, count));
  return plugins.filter((plugin) => chosen.has(plugin));
}

function paint(state: PluginState, style: Style): (text: string) => string {
  switch (state) {
    case 'crashed':
      return style.red;
    case 'busy':
      return style.cyan;
    case 'ready':
      return style.green;
    case 'spawning':
      return style.yellow;
    case 'released':
    case 'discovered':
      return style.dim;
  }
}
