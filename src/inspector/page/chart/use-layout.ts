import type { ElkNode } from 'elkjs/lib/elk-api.js';
import { useEffect, useState } from 'preact/hooks';
import type { Graph } from './graph.ts';
import { fingerprintOf, type Layout, layOut } from './layout.ts';
import layoutsTop from './layouts-top.json';

/** A graph with its places. */
export interface PlacedGraph {
  readonly graph: Graph;
  readonly layout: Layout;
}

/** How far a layout is. */
export interface LayoutState {
  /** What can be drawn: the graph that was asked for, or the one before while that one is on its way. */
  readonly placed: PlacedGraph | undefined;
  /** Why there is no layout. */
  readonly error: string | undefined;
}

type Layouts = Readonly<Record<string, Layout>>;

/** Lays a graph out: at once if that was done ahead, else by elk in a worker, which is loaded when it is first needed. */
export function useLayout(graph: Graph): LayoutState {
  const known = (layoutsTop as Layouts)[fingerprintOf(graph)];
  const [later, setLater] = useState<LayoutState>({ placed: undefined, error: undefined });
  useEffect(() => {
    if (known !== undefined) {
      setLater({ placed: { graph, layout: known }, error: undefined });
      return undefined;
    }
    let wanted = true;
    find(graph).then(
      (layout) => wanted && setLater({ placed: { graph, layout }, error: undefined }),
      (error: unknown) => wanted && setLater(({ placed }) => ({ placed, error: String(error) })),
    );
    return () => {
      wanted = false;
    };
  }, [graph, known]);
  return known === undefined ? later : { placed: { graph, layout: known }, error: undefined };
}

async function find(graph: Graph): Promise<Layout> {
  const { default: layouts } = await import('./layouts-open.json');
  return (layouts as Layouts)[fingerprintOf(graph)] ?? layOut(graph, await elk());
}

let loading: Promise<(graph: ElkNode) => Promise<ElkNode>> | undefined;

async function elk(): Promise<(graph: ElkNode) => Promise<ElkNode>> {
  loading ??= start();
  return loading;
}

async function start(): Promise<(graph: ElkNode) => Promise<ElkNode>> {
  const [{ default: Elk }, { default: url }] = await Promise.all([
    import('elkjs/lib/elk-api.js'),
    import('elkjs/lib/elk-worker.min.js?url'),
  ]);
  const elk = new Elk({ workerFactory: () => new Worker(url) });
  return (graph) => elk.layout(graph);
}
