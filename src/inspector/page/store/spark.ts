import { placeAfter } from '../../binary-search.ts';
import type { RateLine } from './rates.ts';

/** How much time a sparkline shows, in milliseconds. */
export const SPARK_MS = 120_000;
/** Its size, in the units of its path. */
export const SPARK = { width: 60, height: 14 } as const;

/** The places of a line that are within a sparkline up to a time. */
function placesIn({ at }: RateLine, until: number): readonly [from: number, to: number] {
  const time = (each: number): number => each;
  return [placeAfter(at, until - SPARK_MS, time), placeAfter(at, until, time)];
}

/** The path of a sparkline up to a time; '' where nothing was measured. `most` is at its top, at least. */
export function sparkPath(line: RateLine, until: number, most: number): string {
  const [from, to] = placesIn(line, until);
  const figures = line.figures.slice(from, to);
  const top = Math.max(most, ...figures.map((figure) => figure ?? 0));
  let path = '';
  let isOn = false;
  for (const [index, figure] of figures.entries()) {
    if (figure === null) isOn = false;
    else {
      const x = SPARK.width * (1 - (until - (line.at[from + index] ?? until)) / SPARK_MS);
      const y = SPARK.height - 1 - (SPARK.height - 2) * (top === 0 ? 0 : figure / top);
      path += `${isOn ? 'L' : 'M'}${x.toFixed(1)} ${y.toFixed(1)}`;
      isOn = true;
    }
  }
  return path;
}

/** The last figure up to a time; undefined where there is none. */
export function figureAt(line: RateLine, until: number): number | undefined {
  return line.figures[placesIn(line, until)[1] - 1] ?? undefined;
}

/** The sum of what a sparkline shows. */
export function sumIn(line: RateLine, until: number): number {
  const [from, to] = placesIn(line, until);
  return line.figures.slice(from, to).reduce<number>((sum, figure) => sum + (figure ?? 0), 0);
}

/** How many a second there were up to a time. */
export function perSecond(line: RateLine, until: number): number | undefined {
  const place = placesIn(line, until)[1] - 1;
  const [before, at, count] = [line.at[place - 1], line.at[place], line.figures[place]];
  if (before === undefined || at === undefined || typeof count !== 'number' || at <= before) return undefined;
  return (count * 1_000) / (at - before);
}
