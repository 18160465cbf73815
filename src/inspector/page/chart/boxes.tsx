import { Fragment } from 'preact';
import type { PluginState } from '../../wire.ts';
import { STATE_MARKS } from '../palette.ts';
import { type GraphNode, TEXT } from './graph.ts';
import { insideOf, isActive } from './highlight.ts';
import { DOT, type Layout, numbersOf } from './layout.ts';
import { routeOf } from './route.ts';

/** What the boxes of a chart are drawn from. */
export interface BoxesProps {
  readonly nodes: readonly GraphNode[];
  readonly layout: Layout;
  readonly active: readonly string[];
  readonly selected: string | undefined;
  /** The path of the box that Tab leads to. */
  readonly tabStop: string;
  /** Which of a plugin's six states a state belongs to. */
  readonly pluginStateOf: (path: string) => PluginState | undefined;
  readonly onSelect: (path: string) => void;
  readonly onToggle: (path: string) => void;
  /** The pointer or the focus is on it, or no longer on any. */
  readonly onPoint: (path: string | undefined) => void;
}

/** The states of a chart, from the outside in, with the dots in which they begin. */
export function Boxes(props: BoxesProps) {
  const { nodes, layout } = props;
  return (
    <g>
      {nodes.map((node) => (
        <Box key={node.path} node={node} {...props} />
      ))}
      {Object.entries(layout.starts).map(([path, line]) => (
        <Start key={path} line={line} />
      ))}
    </g>
  );
}

function Start({ line }: { readonly line: string }) {
  const [x = 0, y = 0] = numbersOf(line);
  return (
    <g class="chart-start">
      <path class="chart-line" d={routeOf(line)} marker-end="url(#chart-head)" />
      <circle cx={x} cy={y - DOT} r={DOT} />
    </g>
  );
}

function Box(props: BoxesProps & { readonly node: GraphNode }) {
  const { node, layout, active, selected, tabStop, pluginStateOf, onSelect, onPoint } = props;
  const { path, state, open } = node;
  const [x = 0, y = 0, width = 0, height = 0] = numbersOf(layout.boxes[path] ?? '');
  const live = isActive(path, active);
  const pluginState = pluginStateOf(path);
  const mark = pluginState !== undefined && path.endsWith(`.${pluginState}`) ? STATE_MARKS[pluginState] : undefined;
  const folded = !open && state.states.length > 0;
  const lines = [
    ...(folded ? [live ? insideOf(path, active) : `${state.states.length} states`] : []),
    ...state.invokes.map(({ source }) => `▷ ${source}`),
  ];
  const name = state.key;
  return (
    <g transform={`translate(${x} ${y})`} class="chart-node">
      <g
        role="button"
        class="chart-box"
        tabindex={path === tabStop ? 0 : -1}
        aria-label={labelOf(node, lines, live)}
        aria-pressed={path === selected}
        data-path={path}
        data-state={pluginState}
        data-active={live || undefined}
        data-open={open || undefined}
        data-type={state.type}
        onClick={() => onSelect(path)}
        onPointerEnter={() => onPoint(path)}
        onPointerLeave={() => onPoint(undefined)}
        onFocus={() => onPoint(path)}
        onBlur={() => onPoint(undefined)}
      >
        <rect width={width} height={height} rx={open ? 10 : 8} />
        {state.type === 'final' && (
          <rect class="chart-final" x={3} y={3} width={width - 6} height={height - 6} rx={5} />
        )}
        {mark !== undefined && (
          <path class="chart-mark" d={mark.shape} transform={`translate(11 ${open ? 5 : 8}) scale(.875)`} />
        )}
        <text class="chart-title" x={mark === undefined ? 12 : 31} y={open ? 16 : 20}>
          {name}
        </text>
        {lines.map((line, index) => (
          <Fragment key={index}>
            {' '}
            <text
              class={folded && live && index === 0 ? 'chart-inside' : 'chart-small'}
              x={12}
              y={(open ? TEXT.openHeight : TEXT.titleHeight) + index * TEXT.lineHeight + 7}
            >
              {line}
            </text>
          </Fragment>
        ))}
      </g>
      {state.states.length > 0 && path !== '' && <Toggle {...props} x={width - 24} y={open ? 3 : 6} />}
    </g>
  );
}

function Toggle({
  node,
  onToggle,
  x,
  y,
}: BoxesProps & { readonly node: GraphNode; readonly x: number; readonly y: number }) {
  const { path, state, open } = node;
  return (
    <g
      role="button"
      class="chart-toggle"
      tabindex={-1}
      aria-label={`${open ? 'Close' : 'Open'} ${state.key}`}
      aria-expanded={open}
      data-toggle={path}
      transform={`translate(${x} ${y})`}
      onClick={() => onToggle(path)}
    >
      <rect width={18} height={18} rx={5} />
      <path d={open ? 'M5 9h8' : 'M5 9h8M9 5v8'} />
    </g>
  );
}

/** Begins with what is written in the box, so that it is found by that name. */
function labelOf({ path, state, open }: GraphNode, lines: readonly string[], isLive: boolean): string {
  const parts = [
    [state.key, ...lines].join(' '),
    ...(isLive ? ['active'] : []),
    ...(path.includes('.') ? [`in ${path.slice(0, path.lastIndexOf('.')).replaceAll('.', ' ')}`] : []),
    ...(state.states.length > 0 ? [open ? 'open' : 'closed'] : []),
    ...(state.transitions.length > 0 ? [`${state.transitions.length} transitions`] : []),
  ];
  return parts.join(', ');
}
