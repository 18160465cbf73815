/** How a chart is seen: a point of it lies at `x + scale * its x`, `y + scale * its y` in the pane. */
export interface Viewport {
  readonly x: number;
  readonly y: number;
  readonly scale: number;
}

/** A width and a height, in pixels. */
export interface Size {
  readonly width: number;
  readonly height: number;
}

/** A place in the pane or in the chart. */
export interface Point {
  readonly x: number;
  readonly y: number;
}

const SCALES = { least: 0.1, most: 4 } as const;

/** Below this the smallest text, of 11 pixels, is hard to read. */
export const READABLE = 1;

/** All of the chart, in the middle of the pane; never larger than a third over its own size. */
export function fit(chart: Size, pane: Size): Viewport {
  const scale = clamp(Math.min(pane.width / chart.width, pane.height / chart.height, 1.33));
  return { x: (pane.width - chart.width * scale) / 2, y: (pane.height - chart.height * scale) / 2, scale };
}

/** The point of the chart in the middle of the pane; what is beyond the chart is not shown while there is more of it. */
export function centre(point: Point, chart: Size, pane: Size, scale: number): Viewport {
  const along = (at: number, size: number, room: number): number => {
    const whole = size * scale;
    return whole <= room ? (room - whole) / 2 : Math.min(0, Math.max(room - whole, room / 2 - at * scale));
  };
  return {
    x: along(point.x, chart.width, pane.width),
    y: along(point.y, chart.height, pane.height),
    scale,
  };
}

/** Larger by a factor, or smaller, where the point of the pane keeps its place. */
export function zoom({ x, y, scale }: Viewport, factor: number, about: Point): Viewport {
  const next = clamp(scale * factor);
  const by = next / scale;
  return { x: about.x - (about.x - x) * by, y: about.y - (about.y - y) * by, scale: next };
}

const clamp = (scale: number): number => Math.min(SCALES.most, Math.max(SCALES.least, scale));
