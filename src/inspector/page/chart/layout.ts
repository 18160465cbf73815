import type { ElkExtendedEdge, ElkNode, LayoutOptions } from 'elkjs/lib/elk-api.js';
import type { Graph, GraphNode } from './graph.ts';

/** Where everything of a graph is, in pixels at a zoom of 1, from the chart's upper left corner. */
export interface Layout {
  readonly width: number;
  readonly height: number;
  /** By a state's path: `x y width height`. */
  readonly boxes: Readonly<Record<string, string>>;
  /** By an edge's id: the corners of its line, `x y x y …`, from its start. */
  readonly lines: Readonly<Record<string, string>>;
  /** By an edge's id: the upper left corner of what is written at it, `x y`. */
  readonly labels: Readonly<Record<string, string>>;
  /** By the path of an open state that begins in one of its own: the corners of the line from the dot to that one. */
  readonly starts: Readonly<Record<string, string>>;
}

/** Which way most arrows lead. */
export type Direction = 'DOWN' | 'RIGHT';

/** The numbers of a place in a {@link Layout}. */
export const numbersOf = (place: string): number[] => place.split(' ').map(Number);

/** Radius of the dot in which the line to an initial state begins. */
export const DOT = 5;

// Elk needs them again on each node that has nodes in it.
const OPTIONS: LayoutOptions = {
  'elk.algorithm': 'layered',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.edgeRouting': 'ORTHOGONAL',
  'elk.layered.cycleBreaking.strategy': 'DEPTH_FIRST',
  'elk.layered.nodePlacement.strategy': 'NETWORK_SIMPLEX',
  'elk.layered.compaction.postCompaction.strategy': 'EDGE_LENGTH',
  'elk.layered.spacing.nodeNodeBetweenLayers': '16',
  'elk.layered.spacing.edgeNodeBetweenLayers': '10',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '9',
  'elk.spacing.nodeNode': '16',
  'elk.spacing.edgeNode': '11',
  'elk.spacing.edgeEdge': '9',
  'elk.spacing.edgeLabel': '3',
};

const ROOT = '#';
const nodeId = (path: string): string => `s:${path}`;
const startId = (path: string): string => `i:${path}`;
const arrowId = (id: string): string => `e:${id}`;

/** What elk is given to lay a graph out. */
export function elkGraphOf(graph: Graph, direction: Direction): ElkNode {
  const options = { ...OPTIONS, 'elk.direction': direction };
  const edges: ElkExtendedEdge[] = graph.edges.map(({ id, from, to, lines, width, height }) => ({
    id: arrowId(id),
    sources: [nodeId(from)],
    targets: [nodeId(to)],
    labels: [{ text: lines.join('\n'), width, height }],
  }));
  const elkNodeOf = ({ path, state, open, width, height, nodes }: GraphNode): ElkNode => {
    if (!open) return { id: nodeId(path), width, height };
    const children = nodes.map(elkNodeOf);
    const initial = nodes.find(({ state: { id } }) => id === state.initial);
    if (initial !== undefined) {
      children.unshift({ id: startId(path), width: 2 * DOT, height: 2 * DOT });
      edges.push({ id: startId(path), sources: [startId(path)], targets: [nodeId(initial.path)] });
    }
    return {
      id: nodeId(path),
      children,
      layoutOptions: {
        ...options,
        'elk.padding': `[top=${height + 4},left=12,bottom=12,right=12]`,
        'elk.nodeSize.constraints': 'MINIMUM_SIZE',
        'elk.nodeSize.minimum': `(${width},${height})`,
      },
    };
  };
  const children = [elkNodeOf(graph.root)];
  return {
    id: ROOT,
    layoutOptions: { ...options, 'elk.padding': '[top=12,left=12,bottom=12,right=12]', ...ABSOLUTE },
    children,
    edges,
  };
}

const ABSOLUTE: LayoutOptions = { 'elk.json.shapeCoords': 'ROOT', 'elk.json.edgeCoords': 'ROOT' };

/** What elk found. */
export function layoutOf(laidOut: ElkNode): Layout {
  const boxes: Record<string, string> = {};
  const lines: Record<string, string> = {};
  const labels: Record<string, string> = {};
  const starts: Record<string, string> = {};
  const visit = ({ id, x = 0, y = 0, width = 0, height = 0, children = [], edges = [] }: ElkNode): void => {
    if (id.startsWith('s:')) boxes[id.slice(2)] = placeOf(x, y, width, height);
    for (const edge of edges) {
      const points = edge.sections?.flatMap(({ startPoint, bendPoints = [], endPoint }) => [
        startPoint,
        ...bendPoints,
        endPoint,
      ]);
      const place = placeOf(...(points ?? []).flatMap((point) => [point.x, point.y]));
      const of = edge.id.slice(2);
      if (edge.id.startsWith('i:')) starts[of] = place;
      else lines[of] = place;
      const [label] = edge.labels ?? [];
      if (label !== undefined) labels[of] = placeOf(label.x ?? 0, label.y ?? 0);
    }
    children.forEach(visit);
  };
  visit(laidOut);
  return { width: Math.ceil(laidOut.width ?? 0), height: Math.ceil(laidOut.height ?? 0), boxes, lines, labels, starts };
}

const placeOf = (...numbers: number[]): string => numbers.map((number) => Math.round(number * 2) / 2).join(' ');

/** Lays a graph out; the direction is the one in which more of it shows at once in a pane that is 4 wide and 3 high. */
export async function layOut(graph: Graph, elk: (graph: ElkNode) => Promise<ElkNode>): Promise<Layout> {
  const down = layoutOf(await elk(elkGraphOf(graph, 'DOWN')));
  const right = layoutOf(await elk(elkGraphOf(graph, 'RIGHT')));
  const need = ({ width, height }: Layout): number => Math.max(width / 4, height / 3);
  return need(right) < need(down) ? right : down;
}

/** Tells graphs apart: 32 bits, by FNV-1a, of all that their layout depends on. */
export function fingerprintOf(graph: Graph): string {
  let hash = 0x811c9dc5;
  for (const character of JSON.stringify(elkGraphOf(graph, 'DOWN'))) {
    hash = Math.imul(hash ^ (character.codePointAt(0) ?? 0), 0x01000193);
  }
  return (hash >>> 0).toString(16).padStart(8, '0');
}
