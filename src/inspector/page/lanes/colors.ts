import type { PluginState } from '../../wire.ts';
import { PLUGIN_STATES, STATE_MARKS } from '../palette.ts';

/** What a canvas is painted with: the palette in the scheme that is in force, resolved for it. */
export interface LaneColors {
  readonly surface: string;
  readonly raised: string;
  readonly text: string;
  readonly muted: string;
  readonly line: string;
  readonly accent: string;
  readonly onFill: string;
  readonly fills: Readonly<Record<PluginState, string>>;
  readonly inks: Readonly<Record<PluginState, string>>;
  /** What is laid over a fill, so that colour alone does not tell the states. */
  readonly hatches: Readonly<Record<PluginState, CanvasPattern | undefined>>;
}

const NAMES = {
  surface: 'surface',
  raised: 'surface-raised',
  text: 'text',
  muted: 'text-muted',
  line: 'line',
  accent: 'accent',
  onFill: 'on-fill',
} as const;

/** The colours as they are at an element. */
export function colorsAt(element: HTMLElement, context: CanvasRenderingContext2D): LaneColors {
  const probe = document.createElement('span');
  element.append(probe);
  const color = (name: string): string => {
    probe.style.color = `var(--${name})`;
    return getComputedStyle(probe).color;
  };
  const each = <T>(valueOf: (state: PluginState) => T): Record<PluginState, T> =>
    Object.fromEntries(PLUGIN_STATES.map((state) => [state, valueOf(state)])) as Record<PluginState, T>;
  const plain = Object.fromEntries(Object.entries(NAMES).map(([key, name]) => [key, color(name)]));
  const colors = {
    ...(plain as Record<keyof typeof NAMES, string>),
    fills: each((state) => color(`state-${state}-fill`)),
    inks: each((state) => color(`state-${state}-ink`)),
    hatches: each((state) => hatchOf(state, context)),
  };
  probe.remove();
  return colors;
}

const TILE = 8;

function hatchOf(state: PluginState, context: CanvasRenderingContext2D): CanvasPattern | undefined {
  const { pattern } = STATE_MARKS[state];
  const tile = new OffscreenCanvas(TILE, TILE);
  const pen = tile.getContext('2d');
  if (pen === null || pattern === 'none') return undefined;
  pen.strokeStyle = 'rgb(255 255 255 / 0.3)';
  pen.fillStyle = pen.strokeStyle;
  pen.lineWidth = 1.5;
  const lines: readonly (readonly [number, number, number, number])[] = {
    dots: [],
    rising: RISING,
    falling: FALLING,
    cross: [...RISING, ...FALLING],
    level: [[0, TILE / 2, TILE, TILE / 2] as const],
  }[pattern];
  pen.beginPath();
  for (const [x, y, toX, toY] of lines) {
    pen.moveTo(x, y);
    pen.lineTo(toX, toY);
  }
  pen.stroke();
  if (pattern === 'dots') pen.fillRect(3, 3, 2, 2);
  return context.createPattern(tile, 'repeat') ?? undefined;
}

// Beyond the tile, so that the lines of neighbours meet.
const RISING = [
  [-2, 2, 2, -2],
  [-2, TILE + 2, TILE + 2, -2],
  [TILE - 2, TILE + 2, TILE + 2, TILE - 2],
] as const;
const FALLING = RISING.map(([x, y, toX, toY]) => [TILE - x, y, TILE - toX, toY] as const);
