import type { DrawingProps } from './props.ts';
import { timeAt, xOf } from './time-window.ts';

/** What a key acts on. */
export interface KeyContext extends DrawingProps {
  /** The width of the lanes, and how far an arrow key goes. */
  readonly pixels: number;
  readonly far: number;
}

/** What the keys do in the lanes. */
export const KEYS: Readonly<Record<string, (context: KeyContext) => void>> = {
  ArrowLeft: (context) => stepBy(context, -context.far),
  ArrowRight: (context) => stepBy(context, context.far),
  ArrowUp: (context) => selectNext(context, -1),
  ArrowDown: (context) => selectNext(context, 1),
  Home: ({ first, onCursor }) => onCursor(first),
  End: ({ onCursor }) => onCursor(undefined),
  Escape: ({ onCursor, onRange }) => {
    onRange(undefined);
    onCursor(undefined);
  },
  '+': ({ onZoom }) => onZoom(0.7),
  '=': ({ onZoom }) => onZoom(0.7),
  '-': ({ onZoom }) => onZoom(1 / 0.7),
};

function stepBy({ cursor, until, first, window, pixels, onCursor }: KeyContext, by: number): void {
  const x = xOf(cursor ?? until, window, pixels) + by;
  const at = Math.max(first, timeAt(x, window, pixels));
  onCursor(at >= until ? undefined : at);
}

function selectNext({ lanes, selected, onSelect }: KeyContext, by: number): void {
  const actors = lanes.filter(({ row }) => row === undefined);
  const index = actors.findIndex(({ id }) => id === selected);
  const next = actors[Math.min(actors.length - 1, Math.max(0, index + by))];
  if (next !== undefined) onSelect(next.id);
}
