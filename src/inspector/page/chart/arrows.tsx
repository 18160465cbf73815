import { type GraphEdge, labelSize, TEXT } from './graph.ts';
import { answersTo } from './highlight.ts';
import { type Layout, numbersOf } from './layout.ts';
import { routeOf } from './route.ts';
import { causeText } from './states.ts';

/** What the arrows of a chart are drawn from. */
export interface ArrowsProps {
  readonly edges: readonly GraphEdge[];
  readonly layout: Layout;
  /** Those that the last transition took. */
  readonly last: readonly GraphEdge[];
  /** The event by which it was taken. */
  readonly event: string;
  /** The path or the id of what the pointer or the focus is on: its arrows stand out. */
  readonly pointed: string | undefined;
  readonly onSelect: (edge: GraphEdge) => void;
  readonly onPoint: (id: string | undefined) => void;
}

/** The transitions of a chart. Each is a thin line, a wide one that is easy to hit, and what it waits for. */
export function Arrows({ edges, layout, last, event, pointed, onSelect, onPoint }: ArrowsProps) {
  return (
    <g>
      {edges.map((edge) => {
        const { id, from, to } = edge;
        const route = routeOf(layout.lines[id] ?? '');
        const [x = 0, y = 0] = numbersOf(layout.labels[id] ?? '');
        const isLast = last.includes(edge);
        const { lines, width, height } = (isLast && labelOf(edge, event)) || edge;
        const stands = isLast || pointed === id || pointed === from || pointed === to;
        return (
          <g
            key={id}
            role="button"
            class="chart-arrow"
            tabindex={-1}
            aria-label={`${lines.join(' ')}: from ${nameOf(from)} to ${nameOf(to)}${isLast ? ', taken last' : ''}`}
            data-edge={id}
            data-last={isLast || undefined}
            data-stands={stands || undefined}
            onClick={() => onSelect(edge)}
            onPointerEnter={() => onPoint(id)}
            onPointerLeave={() => onPoint(undefined)}
            onFocus={() => onPoint(id)}
            onBlur={() => onPoint(undefined)}
          >
            <path class="chart-reach" d={route} />
            <path
              class="chart-line"
              d={route}
              marker-end={`url(#chart-head${isLast ? '-last' : stands ? '-stands' : ''})`}
            />
            <g class="chart-label" transform={`translate(${x} ${y})`}>
              <rect width={width} height={height} rx={4} />
              <text>
                {lines.map((line, index) => (
                  <tspan key={index} x={4} y={index * TEXT.lineHeight + 12}>
                    {/* As it is read out: with a space between the lines. */}
                    {index < lines.length - 1 ? `${line} ` : line}
                  </tspan>
                ))}
              </text>
            </g>
          </g>
        );
      })}
    </g>
  );
}

/** What is written at the arrow that was taken: its own event, which the others may have hidden. */
function labelOf({ transitions }: GraphEdge, event: string): Pick<GraphEdge, 'lines' | 'width' | 'height'> | undefined {
  const taken = transitions.find(({ transition }) => answersTo(transition, event));
  return taken && labelSize([causeText(taken.transition, taken.source)]);
}

const nameOf = (path: string): string => path.slice(path.lastIndexOf('.') + 1) || 'the machine';

/** The heads of the arrows, to be put into the chart's `defs`. */
export function ArrowHeads() {
  return (
    <>
      {['', '-stands', '-last'].map((kind) => (
        <marker
          key={kind}
          id={`chart-head${kind}`}
          class={`chart-head${kind}`}
          viewBox="0 0 8 8"
          refX={7}
          refY={4}
          markerWidth={8}
          markerHeight={8}
          markerUnits="userSpaceOnUse"
          orient="auto-start-reverse"
        >
          <path d="M0 .5L8 4L0 7.5z" />
        </marker>
      ))}
    </>
  );
}
