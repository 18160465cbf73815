import type { ChartDefinition, ChartState, ChartTransition } from '../../wire.ts';
import { causeText, type OpenStates } from './states.ts';

/** A state as a box. Sizes are in pixels at a zoom of 1. */
export interface GraphNode {
  readonly path: string;
  readonly state: ChartState;
  /** Whether its states are drawn in it. */
  readonly open: boolean;
  /** The size it needs for what is written in it; an open one grows around its states. */
  readonly width: number;
  readonly height: number;
  /** The states drawn in it. */
  readonly nodes: readonly GraphNode[];
}

/** All transitions from one box to another as one arrow. */
export interface GraphEdge {
  readonly id: string;
  /** The paths of the boxes. */
  readonly from: string;
  readonly to: string;
  readonly transitions: readonly SourcedTransition[];
  /** What is written at the arrow, a line each. */
  readonly lines: readonly string[];
  readonly width: number;
  readonly height: number;
}

/** A transition with the state it belongs to, which may lie hidden in the box that the arrow leaves. */
export interface SourcedTransition {
  readonly source: ChartState;
  readonly transition: ChartTransition;
}

/** A machine as boxes and arrows, before they have places. */
export interface Graph {
  readonly root: GraphNode;
  readonly edges: readonly GraphEdge[];
}

/** Of the text in a chart, in pixels. The widths are those of the widest usual fonts, so that text fits in others too. */
export const TEXT = { titleHeight: 30, openHeight: 24, lineHeight: 15, titleChar: 8.2, smallChar: 6.7 } as const;

/** Lines at an arrow at most, in a chart of few arrows and in one of many; the rest is counted. */
const MAX_LINES = { few: 4, many: 1 } as const;
const MANY_ARROWS = 19;
/** Characters of a line with a condition; without it a line is as long as it is. */
const MAX_LINE = 28;

/** The chart of a machine in which some states are open. */
export function graphOf({ root }: ChartDefinition, open: OpenStates): Graph {
  const boxes = new Map<string, string>();
  const drawn = nodeOf(root, open, boxes, undefined);
  const joined = new Map<string, SourcedTransition[]>();
  for (const { source, transition, target } of arrowsOf(root)) {
    const from = boxes.get(source.id);
    const to = boxes.get(target);
    // What stays within one closed box does not show; what a drawn state does to itself does.
    if (from === undefined || to === undefined || (from === to && from !== source.path)) continue;
    const key = `${from}>${to}`;
    const list = joined.get(key);
    if (list === undefined) joined.set(key, [{ source, transition }]);
    else list.push({ source, transition });
  }
  const most = joined.size > MANY_ARROWS ? MAX_LINES.many : MAX_LINES.few;
  return { root: drawn, edges: [...joined].map(([id, transitions]) => edgeOf(id, transitions, most)) };
}

/** The box in which each state shows is noted in `boxes`, by the state's id. */
function nodeOf(state: ChartState, open: OpenStates, boxes: Map<string, string>, box: string | undefined): GraphNode {
  const { path, key, states, invokes } = state;
  boxes.set(state.id, box ?? path);
  const isOpen = states.length > 0 && box === undefined && open.has(path);
  const inside = states.map((child) => nodeOf(child, open, boxes, isOpen ? undefined : (box ?? path)));
  const folded = !isOpen && states.length > 0;
  const lines = [...invokes.map(({ source }) => `▷ ${source}`), ...(folded ? longestOf(states) : [])];
  return {
    path,
    state,
    open: isOpen,
    width: Math.ceil(
      Math.max(
        92,
        key.length * TEXT.titleChar + (states.length > 0 ? 64 : 44),
        ...lines.map((line) => line.length * TEXT.smallChar + 28),
      ),
    ),
    height:
      (isOpen ? TEXT.openHeight : TEXT.titleHeight) +
      (folded ? TEXT.lineHeight : 0) +
      invokes.length * TEXT.lineHeight +
      (lines.length && 6),
    nodes: isOpen ? inside : [],
  };
}

/** A closed box has room for the longest of the names that may be written in it. */
function longestOf(states: readonly ChartState[]): string[] {
  return states.map(({ key }) => key);
}

function* arrowsOf(state: ChartState): Generator<SourcedTransition & { readonly target: string }> {
  for (const transition of state.transitions) {
    for (const target of transition.targets) yield { source: state, transition, target };
  }
  for (const child of state.states) yield* arrowsOf(child);
}

function edgeOf(id: string, transitions: readonly SourcedTransition[], most: number): GraphEdge {
  const [from = '', to = ''] = id.split('>');
  const lines = shortened(linesOf(mainFirst(transitions, to), most > 1), most);
  return { id, from, to, transitions, ...labelSize(lines) };
}

/** The room that some lines take at an arrow. */
export function labelSize(lines: readonly string[]): Pick<GraphEdge, 'lines' | 'width' | 'height'> {
  return {
    lines,
    width: Math.ceil(Math.max(...lines.map(({ length }) => length)) * TEXT.smallChar + 8),
    height: lines.length * TEXT.lineHeight + 2,
  };
}

/** Those that lead to the box itself say more about it than those that lead to something in it. */
function mainFirst(transitions: readonly SourcedTransition[], to: string): readonly SourcedTransition[] {
  const key = to.slice(to.lastIndexOf('.') + 1);
  const isMain = ({ transition }: SourcedTransition): boolean =>
    transition.targets.some((id) => id === key || id.endsWith(`.${key}`));
  return transitions.toSorted((one, other) => Number(isMain(other)) - Number(isMain(one)));
}

/** The last of the lines counts those that are left out. */
function shortened(lines: readonly string[], most: number): readonly string[] {
  if (lines.length <= most) return lines;
  const shown = lines.slice(0, most);
  return [...shown.slice(0, -1), `${shown.at(-1) ?? ''} +${lines.length - most}`];
}

/** Each cause once; with its condition, if wanted, where it has only one. */
function linesOf(transitions: readonly SourcedTransition[], conditions: boolean): string[] {
  const guards = new Map<string, Set<string | undefined>>();
  for (const { source, transition } of transitions) {
    const cause = causeText(transition, source);
    guards.set(cause, (guards.get(cause) ?? new Set()).add(transition.guard));
  }
  return [...guards].map(([cause, of]) => {
    const [guard] = of;
    if (of.size > 1 || guard === undefined) return cause;
    if (cause === 'at once') return `[${guard}]`;
    const line = conditions ? `${cause} [${guard}]` : cause;
    return line.length > MAX_LINE ? cause : line;
  });
}
