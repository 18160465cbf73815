/** A part of time, in milliseconds since the epoch. */
export interface TimeWindow {
  readonly from: number;
  readonly to: number;
}

/** A line across the lanes with the time it stands at. */
export interface Tick {
  readonly at: number;
  readonly label: string;
}

/** The shortest and the longest time that a window shows: 5 ms and 12 hours. */
const LEAST = 5;
const MOST = 12 * 3_600_000;

/** How many pixels from the left edge of a window a time lies. */
export function xOf(at: number, { from, to }: TimeWindow, width: number): number {
  return ((at - from) / (to - from)) * width;
}

/** The time that lies so many pixels from the left edge. */
export function timeAt(x: number, { from, to }: TimeWindow, width: number): number {
  return from + (x / width) * (to - from);
}

/** A window that is shorter by a factor below 1, or longer, in which a time keeps its place. */
export function zoomWindow({ from, to }: TimeWindow, factor: number, about: number): TimeWindow {
  const length = Math.min(MOST, Math.max(LEAST, (to - from) * factor));
  const start = about - ((about - from) / (to - from)) * length;
  return { from: start, to: start + length };
}

/** A window as long as another, later by some milliseconds. */
export function moveWindow({ from, to }: TimeWindow, by: number): TimeWindow {
  return { from: from + by, to: to + by };
}

/** Where in a window a time comes to lie that was out of sight, as a part of it: what led there is to be seen. */
const PLACE = 0.7;

/** A window as long as another that shows a time: the same if it does. */
export function windowWith(window: TimeWindow, at: number): TimeWindow {
  if (at >= window.from && at <= window.to) return window;
  return moveWindow(window, at - window.from - PLACE * (window.to - window.from));
}

const STEPS = [1, 2, 5, 10, 20, 50, 100, 200, 500].concat(
  [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14_400, 28_800].map((seconds) => seconds * 1000),
);

/** The lines at round times, at least so many pixels apart. */
export function ticksOf(window: TimeWindow, width: number, apart = 96): Tick[] {
  const least = ((window.to - window.from) / Math.max(1, width)) * apart;
  const step = STEPS.find((each) => each >= least) ?? STEPS.at(-1) ?? least;
  const ticks: Tick[] = [];
  for (let at = Math.ceil(window.from / step) * step; at <= window.to; at += step) {
    ticks.push({ at, label: clockText(at, step < 1000) });
  }
  return ticks;
}

/** A time of day, `14:03:07`, with milliseconds if they are wanted. */
export function clockText(at: number, milliseconds: boolean): string {
  const date = new Date(at);
  const two = (part: number): string => String(part).padStart(2, '0');
  const text = [date.getHours(), date.getMinutes(), date.getSeconds()].map(two).join(':');
  return milliseconds ? `${text}.${String(date.getMilliseconds()).padStart(3, '0')}` : text;
}

/** A length of time in the unit that suits it: `240 ms`, `3.2 s`, `4 min 10 s`, `2 h 5 min`. */
export function durationText(ms: number): string {
  if (ms < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${(ms / 1000).toFixed(1)} s`;
  const minutes = Math.floor(ms / 60_000);
  if (minutes < 60) return `${minutes} min ${Math.floor((ms % 60_000) / 1000)} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
