import type { ChartTransition } from '../../wire.ts';
import type { Graph, GraphEdge, GraphNode } from './graph.ts';
import { isWithin } from './states.ts';

/** The transition that was taken last. */
export interface LastTransition {
  /** The paths of the innermost states before it and after it. */
  readonly before: readonly string[];
  readonly after: readonly string[];
  /** The type of the event; `''` where it is not known. */
  readonly event: string;
}

/** Whether a state is one of those an actor is in, `active` being the paths of the innermost. */
export function isActive(path: string, active: readonly string[]): boolean {
  return active.some((leaf) => isWithin(leaf, path));
}

/** What is going on in a closed box, by the names of the states in it: `serving`; `''` where it is not active. */
export function insideOf(path: string, active: readonly string[]): string {
  const inside = active.filter((leaf) => leaf !== path && isWithin(leaf, path));
  return inside.map((leaf) => leaf.slice(path === '' ? 0 : path.length + 1)).join(', ');
}

/** All boxes that are drawn, from the outside in. */
export function nodesOf(node: GraphNode): GraphNode[] {
  return [node, ...node.nodes.flatMap(nodesOf)];
}

/**
 * The arrows that the last transition took: the one for its event and, where it led on at once, those after it. Empty if
 * it stayed in one box.
 */
export function lastArrows(graph: Graph, { before, after, event }: LastTransition): readonly GraphEdge[] {
  const leaves = nodesOf(graph.root).filter(({ nodes }) => nodes.length === 0);
  const boxesOf = (active: readonly string[]): string[] =>
    leaves.filter(({ path }) => isActive(path, active)).map(({ path }) => path);
  const [was, is] = [boxesOf(before), boxesOf(after)];
  const left = was.filter((path) => !is.includes(path));
  const entered = is.filter((path) => !was.includes(path));
  return left.flatMap((from) => entered.flatMap((to) => wayOf(graph, from, to, event)));
}

/** Steps that follow at once are told of with the last, so that a way may have more than one arrow. */
const LONGEST_WAY = 3;

function wayOf(graph: Graph, from: string, to: string, event: string): readonly GraphEdge[] {
  let ways: GraphEdge[][] = graph.edges
    .filter(
      (edge) =>
        isWithin(from, edge.from) &&
        (event === '' || edge.transitions.some(({ transition }) => answersTo(transition, event))),
    )
    .map((edge) => [edge]);
  for (let steps = 1; steps <= LONGEST_WAY; steps += 1) {
    const found = ways.find((way) => entersAt(graph, way.at(-1)?.to ?? '', to));
    if (found !== undefined) return found;
    ways = ways.flatMap((way) => {
      const last = way.at(-1)?.to ?? '';
      const next = graph.edges.filter((edge) => !way.includes(edge) && isWithin(last, edge.from) && isAutomatic(edge));
      return next.map((edge) => [...way, edge]);
    });
  }
  return [];
}

/** Whether a transition is one for the event of this name. */
export function answersTo({ kind, event, delay }: ChartTransition, name: string): boolean {
  switch (kind) {
    case 'after':
      return name === `after ${delay}`;
    case 'done':
      return name === `${event} done`;
    case 'error':
      return name === `${event} failed`;
    case 'event':
      return name === event;
    case 'always':
      return false;
  }
}

const isAutomatic = (edge: GraphEdge): boolean =>
  edge.transitions.some(({ transition }) => transition.kind === 'always');

/** An arrow to an open state leads on to a box in it. */
const entersAt = (graph: Graph, arrow: string, box: string): boolean =>
  arrow === box || (isWithin(box, arrow) && nodesOf(graph.root).some(({ path, open }) => open && path === arrow));
