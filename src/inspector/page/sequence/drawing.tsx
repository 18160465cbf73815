import { HALF_NAME, layoutOf, type SequenceRow, TOP } from './layout.ts';
import { type Sequence, summaryText } from './sequence.ts';

/** A sequence as a picture: a line down for everyone in it, an arrow for each step, the time at the side. */
export function SequenceDrawing({ sequence }: { readonly sequence: Sequence }) {
  const { width, height, lines, rows } = layoutOf(sequence);
  return (
    <svg
      class="sequence-drawing"
      role="img"
      aria-label={`Sequence diagram: ${summaryText(sequence)}. The list below says the same.`}
      width={width}
      height={height}
      viewBox={`0 0 ${width} ${height}`}
    >
      {lines.map(({ id, x, name, title }) => (
        <g key={id} class="sequence-line">
          <title>{title}</title>
          <line x1={x} y1={TOP - 8} x2={x} y2={height - 8} />
          <rect x={x - HALF_NAME} y={6} width={2 * HALF_NAME} height={26} rx={6} />
          <text x={x} y={23} text-anchor="middle">
            {name}
          </text>
        </g>
      ))}
      {rows.map((row, index) => (
        <Row key={index} row={row} width={width} />
      ))}
    </svg>
  );
}

function Row({ row, width }: { readonly row: SequenceRow; readonly width: number }) {
  const { step, y, x1, x2, texts, since, before } = row;
  const isNote = x1 === x2;
  return (
    <g class="sequence-step" data-tone={step.tone}>
      <title>{step.text}</title>
      {before !== undefined && (
        <>
          <line class="sequence-pause" x1={8} y1={before.y} x2={width - 8} y2={before.y} />
          <text class="sequence-time" x={8} y={before.y - 4}>
            {before.text}
          </text>
        </>
      )}
      <text class="sequence-time" x={8} y={y + 4}>
        {since}
      </text>
      {isNote ? (
        <circle class="sequence-note" cx={x1} cy={y} r={4} />
      ) : (
        <>
          <line class="sequence-arrow" x1={x1} y1={y} x2={x2} y2={y} />
          <path class="sequence-head" d={`M${x2} ${y} l${x1 < x2 ? -9 : 9} -5 v10 z`} />
        </>
      )}
      {texts.map((line, index) => (
        <text key={index} class="sequence-text" x={line.x} y={line.y} text-anchor={isNote ? 'start' : 'middle'}>
          {line.text}
        </text>
      ))}
    </g>
  );
}
