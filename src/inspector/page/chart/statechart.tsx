import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { LIFECYCLE } from '../../../machines/plugin/phases.ts';
import type { ChartDefinition, PluginState } from '../../wire.ts';
import { PLUGIN_STATES } from '../palette.ts';
import { ArrowHeads, Arrows } from './arrows.tsx';
import { Boxes } from './boxes.tsx';
import { ArrowCard, StateCard, type StateStatistics } from './card.tsx';
import './chart.css';
import { type GraphEdge, type GraphNode, graphOf } from './graph.ts';
import { isActive, type LastTransition, lastArrows, nodesOf } from './highlight.ts';
import { type Layout, numbersOf } from './layout.ts';
import { nearestBox } from './nearest-box.ts';
import { everyLevel, type OpenStates, topLevel } from './states.ts';
import { ChartTable } from './table.tsx';
import { useLayout } from './use-layout.ts';
import { useViewport } from './use-viewport.ts';

/** What a statechart is drawn from. */
export interface StatechartProps {
  readonly machine: ChartDefinition;
  /** The paths of the innermost states the actor is in, one for each parallel region. */
  readonly active: readonly string[];
  readonly last?: LastTransition | undefined;
  /** The path of the state that is looked at elsewhere too. */
  readonly selected?: string | undefined;
  readonly onSelectState?: ((path: string) => void) | undefined;
  /** The types of the events that an arrow waits for, without those of timers and of what is done at once. */
  readonly onSelectEvents?: ((events: readonly string[]) => void) | undefined;
  /** Whether every state is to be open, and what is told when the user wants it otherwise. */
  readonly isOpen?: boolean | undefined;
  readonly onOpen?: ((isOpen: boolean) => void) | undefined;
  readonly statisticsOf?: ((path: string) => StateStatistics | undefined) | undefined;
}

const NOTHING: LastTransition = { before: [], after: [], event: '' };

/** A machine's statechart, to look at, to walk through by keys, and as a table. */
export function Statechart(props: StatechartProps) {
  const { machine, active, isOpen, onOpen } = props;
  const [open, setOpen] = useState<OpenStates>(() => topLevel(machine));
  const [wantsTable, setWantsTable] = useState(false);
  const isNarrow = useNarrow();
  const asTable = wantsTable || isNarrow;
  const known = useRef(machine.id);
  useEffect(() => {
    if (known.current !== machine.id) setOpen(topLevel(machine));
    known.current = machine.id;
  }, [machine]);
  useEffect(() => {
    if (isOpen !== undefined) setOpen(isOpen ? everyLevel(machine) : topLevel(machine));
  }, [isOpen, machine]);
  const levels = everyLevel(machine);
  const allOpen = open.size === levels.size;
  return (
    <section class="chart" aria-label={`Statechart of ${machine.id}`}>
      <div class="chart-tools" role="toolbar" aria-label="Statechart">
        {!isNarrow && (
          <button type="button" aria-pressed={asTable} onClick={() => setWantsTable(!asTable)}>
            Table
          </button>
        )}
        {!asTable && levels.size > topLevel(machine).size && (
          <button
            type="button"
            onClick={() => {
              setOpen(allOpen ? topLevel(machine) : levels);
              onOpen?.(!allOpen);
            }}
          >
            {allOpen ? 'Close all' : 'Open all'}
          </button>
        )}
      </div>
      {asTable ? (
        <div class="chart-scroll" tabIndex={0} role="region" aria-label={`Transitions of ${machine.id}`}>
          <ChartTable machine={machine} active={active} />
        </div>
      ) : (
        // One machine's drawing must not stand under the heading of another until that is laid out.
        <Drawing key={machine.id} {...props} open={open} onToggle={(path) => setOpen(toggled(open, path))} />
      )}
    </section>
  );
}

/** Whether the page is too narrow for a drawing whose text can be read. */
function useNarrow(): boolean {
  const query = useMemo(() => matchMedia('(width < 600px)'), []);
  const [isNarrow, setNarrow] = useState(query.matches);
  useEffect(() => {
    const onChange = (): void => setNarrow(query.matches);
    query.addEventListener('change', onChange);
    return () => query.removeEventListener('change', onChange);
  }, [query]);
  return isNarrow;
}

function toggled(open: OpenStates, path: string): OpenStates {
  const next = new Set(open);
  if (!next.delete(path)) next.add(path);
  return next;
}

interface DrawingProps extends StatechartProps {
  readonly open: OpenStates;
  readonly onToggle: (path: string) => void;
}

function Drawing(props: DrawingProps) {
  const {
    machine,
    active,
    last = NOTHING,
    selected,
    open,
    onToggle,
    onSelectState,
    onSelectEvents,
    statisticsOf,
  } = props;
  const pane = useRef<SVGSVGElement>(null);
  const [pointed, setPointed] = useState<string | undefined>(undefined);
  const [stop, setStop] = useState<string | undefined>(undefined);
  const graph = useMemo(() => graphOf(machine, open), [machine, open]);
  const { placed, error } = useLayout(graph);
  const nodes = useMemo(() => (placed === undefined ? [] : nodesOf(placed.graph.root)), [placed]);
  const layout = placed?.layout;
  const arrows = useMemo(() => (placed === undefined ? [] : lastArrows(placed.graph, last)), [placed, last]);
  const view = useViewport(pane, layout, layout && middleOf(nodes, layout, active));
  const { viewport } = view;
  const tabStop = nodes.some(({ path }) => path === stop) ? (stop ?? '') : (innermost(nodes, active)?.path ?? '');

  const focusOn = (attribute: 'path' | 'edge', id: string): void => {
    pane.current?.querySelector<SVGGElement>(`[data-${attribute}="${CSS.escape(id)}"]`)?.focus({ preventScroll: true });
  };
  const selectEdge = ({ transitions }: GraphEdge): void =>
    onSelectEvents?.(
      [...new Set(transitions.map(({ transition }) => transition.event))].filter((event) => event !== ''),
    );
  const onKeyDown = (event: KeyboardEvent): void => {
    if (layout === undefined || placed === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
    const { path, edge } = (event.target as SVGElement).dataset;
    const from = path ?? placed.graph.edges.find(({ id }) => id === edge)?.from ?? tabStop;
    const act = (): boolean => {
      switch (event.key) {
        case 'ArrowUp':
        case 'ArrowDown':
        case 'ArrowLeft':
        case 'ArrowRight': {
          const next = nearestBox(layout, from, event.key);
          if (next === undefined) return true;
          setStop(next);
          focusOn('path', next);
          view.reveal(numbersOf(layout.boxes[next] ?? ''));
          return true;
        }
        case 't': {
          const out = placed.graph.edges.filter((each) => each.from === from);
          const next = out[(out.findIndex(({ id }) => id === edge) + 1) % out.length];
          if (next !== undefined) focusOn('edge', next.id);
          return true;
        }
        case 'e':
          if (nodes.some((node) => node.path === from && node.state.states.length > 0) && from !== '') onToggle(from);
          return true;
        case 'Enter':
        case ' ': {
          const found = placed.graph.edges.find(({ id }) => id === edge);
          if (found === undefined) onSelectState?.(from);
          else selectEdge(found);
          return true;
        }
        case '+':
        case '=':
          view.zoomBy(1.25);
          return true;
        case '-':
          view.zoomBy(0.8);
          return true;
        case '0':
          view.fitAll();
          return true;
        default:
          return false;
      }
    };
    if (!act()) return;
    event.preventDefault();
    event.stopPropagation();
  };
  const unlessDragged = (act: () => void): void => {
    if (!view.dragged() && (document.getSelection()?.isCollapsed ?? true)) act();
  };
  const pointedNode = nodes.find(({ path }) => path === pointed);
  const pointedEdge = placed?.graph.edges.find(({ id }) => id === pointed);
  return (
    <>
      <div class="chart-zoom" role="toolbar" aria-label="Zoom">
        <button type="button" aria-label="Zoom in" onClick={() => view.zoomBy(1.25)}>
          +
        </button>
        <button type="button" aria-label="Zoom out" onClick={() => view.zoomBy(0.8)}>
          −
        </button>
        <button type="button" onClick={view.fitAll}>
          Fit
        </button>
      </div>
      <svg
        ref={pane}
        class="chart-pane"
        role="group"
        aria-label={`${machine.id}: in ${active.join(', ') || 'no state'}. Arrow keys go from state to state, t to its transitions, e opens and closes.`}
        onKeyDown={onKeyDown}
      >
        <defs>
          <ArrowHeads />
        </defs>
        {placed !== undefined && (
          <g transform={`translate(${viewport.x} ${viewport.y}) scale(${viewport.scale})`}>
            <Boxes
              nodes={nodes}
              layout={placed.layout}
              active={active}
              selected={selected}
              tabStop={tabStop}
              pluginStateOf={machine.id === 'plugin' ? pluginStateOf : () => undefined}
              onSelect={(path) => unlessDragged(() => onSelectState?.(path))}
              onToggle={(path) => unlessDragged(() => onToggle(path))}
              onPoint={setPointed}
            />
            <Arrows
              edges={placed.graph.edges}
              layout={placed.layout}
              last={arrows}
              event={last.event}
              pointed={pointed}
              onSelect={(edge) => unlessDragged(() => selectEdge(edge))}
              onPoint={setPointed}
            />
          </g>
        )}
      </svg>
      {error !== undefined && (
        <p class="chart-error" role="alert">
          The chart could not be laid out: {error}. Its table has all that it shows.
        </p>
      )}
      {pointedNode !== undefined && (
        <StateCard state={pointedNode.state} statistics={statisticsOf?.(pointedNode.path)} />
      )}
      {pointedEdge !== undefined && <ArrowCard edge={pointedEdge} />}
    </>
  );
}

function pluginStateOf(path: string): PluginState | undefined {
  if (!path.startsWith(LIFECYCLE)) return undefined;
  const [key] = path.slice(LIFECYCLE.length).split('.');
  return PLUGIN_STATES.find((state) => state === key);
}

function innermost(nodes: readonly GraphNode[], active: readonly string[]): GraphNode | undefined {
  return nodes.find((node) => !node.open && isActive(node.path, active)) ?? nodes[0];
}

function middleOf(nodes: readonly GraphNode[], layout: Layout, active: readonly string[]): { x: number; y: number } {
  const [x = 0, y = 0, width = 0, height = 0] = numbersOf(layout.boxes[innermost(nodes, active)?.path ?? ''] ?? '');
  return { x: x + width / 2, y: y + height / 2 };
}
