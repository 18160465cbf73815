import type { PluginState } from '../../machines/plugin.ts';

/** What a lane can show at one moment. */
export type Shown = PluginState | 'replaced';

/** At this time, in milliseconds, a plugin or an instance of one entered a state, or its worker was replaced. */
export interface Moment {
  /** The name of the plugin or instance. */
  readonly lane: string;
  readonly at: number;
  readonly shown: Shown;
}

/** What is drawn for each state. */
export const SIGNS: Readonly<Record<Shown, string>> = {
  discovered: '·',
  spawning: '▒',
  ready: '─',
  busy: '█',
  released: '╌',
  crashed: '✖',
  replaced: '◆',
};

/** Of what happens within one column the rarest is shown. */
const RARITY: readonly Shown[] = ['discovered', 'ready', 'busy', 'released', 'spawning', 'crashed', 'replaced'];

/** How far apart the labels of the axis may be, in milliseconds. */
const STEPS = [200, 500, 1_000, 2_000, 5_000, 10_000, 20_000, 60_000, 300_000];

const LEAST_LABEL_COLUMNS = 8;

/**
 * What each column of a lane shows: time runs from 0 to `until` milliseconds over `columns` columns. It shows
 * `discovered` until its first moment. Moments are in order of time.
 */
export function laneOf(name: string, moments: readonly Moment[], until: number, columns: number): Shown[] {
  const own = moments.filter(({ lane }) => lane === name);
  const lane: Shown[] = [];
  let state: PluginState = 'discovered';
  let next = 0;
  for (let column = 0; column < columns; column += 1) {
    const end = column === columns - 1 ? Infinity : ((column + 1) / columns) * until;
    let rarest: Shown = state;
    for (let moment = own[next]; moment !== undefined && moment.at < end; moment = own[next]) {
      if (RARITY.indexOf(moment.shown) > RARITY.indexOf(rarest)) rarest = moment.shown;
      if (moment.shown !== 'replaced') state = moment.shown;
      next += 1;
    }
    lane.push(rarest);
  }
  return lane;
}

/** A lane for every name, one line each with the name before it, and an axis of seconds under them. */
export function drawLanes(
  names: readonly string[],
  moments: readonly Moment[],
  until: number,
  width: number,
  paint: (shown: Shown, signs: string) => string,
): string[] {
  const nameColumns = Math.max(...names.map((name) => name.length));
  const columns = Math.max(10, width - nameColumns - 2);
  const lines = names.map((name) => {
    const lane = laneOf(name, moments, until, columns);
    return `${name.padEnd(nameColumns)}  ${runsOf(lane)
      .map(({ shown, length }) => paint(shown, SIGNS[shown].repeat(length)))
      .join('')}`;
  });
  return [...lines, ' '.repeat(nameColumns + 2) + axis(until, columns)];
}

function runsOf(lane: readonly Shown[]): { shown: Shown; length: number }[] {
  const runs: { shown: Shown; length: number }[] = [];
  for (const shown of lane) {
    const last = runs.at(-1);
    if (last?.shown === shown) last.length += 1;
    else runs.push({ shown, length: 1 });
  }
  return runs;
}

function axis(until: number, columns: number): string {
  const step = STEPS.find((ms) => (ms / until) * columns >= LEAST_LABEL_COLUMNS) ?? until;
  let line = '';
  for (let at = 0; at < until; at += step) {
    const label = `${at / 1_000} s`;
    const column = Math.floor((at / until) * columns);
    if (column + label.length <= columns) line = line.padEnd(column) + label;
  }
  return line;
}
