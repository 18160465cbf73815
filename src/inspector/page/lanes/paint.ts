import type { ActorId, PluginState } from '../../wire.ts';
import { PLUGIN_STATES, STATE_MARKS } from '../palette.ts';
import { type Lane, NO_INSTANCE, type Stay } from '../store/model.ts';
import type { CallBar } from './call-bars.ts';
import type { LaneColors } from './colors.ts';
import { heightOf, indexAt } from './lane-places.ts';
import { barsOf, callsOf, type DrawnCalls, type DrawnMark, marksOf, memoryLineOf } from './level-of-detail.ts';
import { actorAt } from './spot.ts';
import { type TimeWindow, ticksOf, xOf } from './time-window.ts';

/** Heights in pixels: of the scale above the lanes, and of what a lane is made of, from its upper edge. */
export const HEIGHTS = { scale: 22, bar: [3, 13], rowBar: [2, 14], calls: [17, 10], memory: [28, 6] } as const;

/** All that a frame shows. */
export interface Scene {
  readonly lanes: readonly Lane[];
  /** Where they begin: see `topsOf`. */
  readonly tops: readonly number[];
  readonly calls: ReadonlyMap<ActorId, readonly CallBar[]>;
  readonly window: TimeWindow;
  /** The end of what is known. */
  readonly until: number;
  /** Undefined: live. */
  readonly cursor: number | undefined;
  /** The part of time that is measured. */
  readonly range: TimeWindow | undefined;
  readonly selected: ActorId | undefined;
  /** Of the canvas, in CSS pixels. */
  readonly width: number;
  readonly height: number;
  /** How far the lanes are scrolled up. */
  readonly scroll: number;
}

const MARK_RADIUS = 8;
/** With less room for each, in pixels, marks would hide the states: they become ticks above them. */
const CROWDED = 48;
const FONT = '11px system-ui, sans-serif';
const CALL_FONT = '10px system-ui, sans-serif';
/** A call alone is as high as its row from this width on, in pixels; what is narrower is a line below. */
const WIDE_CALL = 20;
const CALL_LINE = 3;

/** Paints a frame. Only lanes in sight are looked at, and of each no more than its pixels can show. */
export function paintLanes(pen: CanvasRenderingContext2D, scene: Scene, colors: LaneColors): void {
  const { lanes, tops, width, height, scroll } = scene;
  pen.fillStyle = colors.surface;
  pen.fillRect(0, 0, width, height);
  pen.font = FONT;
  pen.textBaseline = 'middle';
  paintScale(pen, scene, colors);
  pen.save();
  pen.beginPath();
  pen.rect(0, HEIGHTS.scale, width, height - HEIGHTS.scale);
  pen.clip();
  const first = Math.max(0, indexAt(tops, scroll));
  const last = Math.min(lanes.length, indexAt(tops, scroll + height) + 1);
  for (let index = first; index < last; index += 1) {
    const lane = lanes[index];
    if (lane === undefined) continue;
    pen.save();
    pen.translate(0, HEIGHTS.scale + (tops[index] ?? 0) - scroll);
    paintLane(pen, lane, scene, colors);
    pen.restore();
  }
  pen.restore();
  paintTimes(pen, scene, colors);
}

function paintScale(pen: CanvasRenderingContext2D, { window, width, height }: Scene, colors: LaneColors): void {
  for (const { at, label } of ticksOf(window, width)) {
    const x = Math.round(xOf(at, window, width)) + 0.5;
    pen.strokeStyle = colors.line;
    pen.beginPath();
    pen.moveTo(x, HEIGHTS.scale - 5);
    pen.lineTo(x, height);
    pen.stroke();
    pen.fillStyle = colors.muted;
    pen.fillText(label, x + 4, HEIGHTS.scale / 2);
  }
}

function paintLane(pen: CanvasRenderingContext2D, lane: Lane, scene: Scene, colors: LaneColors): void {
  const { window, width, until, selected, cursor } = scene;
  const height = heightOf(lane);
  if (selected === lane.id || selected === actorAt(lane, cursor ?? until)) {
    pen.globalAlpha = 0.1;
    pen.fillStyle = colors.accent;
    pen.fillRect(0, 0, width, height);
    pen.globalAlpha = 1;
  }
  pen.fillStyle = colors.line;
  pen.fillRect(0, height - 1, width, 1);
  const marks = marksOf(lane.marks, window, width);
  paintBars(pen, lane, marks, scene, colors);
  if (lane.row === undefined) {
    for (const drawn of callsOf(scene.calls.get(lane.id) ?? [], until, window, width)) paintCalls(pen, drawn, colors);
    paintMemory(pen, lane, scene, colors);
  }
  const [top, high] = barOf(lane);
  const crowded = marks.length * CROWDED > width;
  for (const { x, kind, count } of marks) {
    if (!crowded) paintMark(pen, x, top + high / 2, kind, count, colors);
    else {
      pen.fillStyle = kind === 'crash' ? colors.inks.crashed : colors.inks.released;
      pen.fillRect(x - 1.5, 0, 3, top + 2);
    }
  }
}

/** Calls that touch as a line; one that is wide enough as a bar with its tool on it. */
function paintCalls(pen: CanvasRenderingContext2D, { x, width, failed, tool }: DrawnCalls, colors: LaneColors): void {
  const [top, high] = HEIGHTS.calls;
  const state = failed ? 'crashed' : 'busy';
  if (tool === undefined || width < WIDE_CALL) {
    const line = failed ? CALL_LINE + 1 : CALL_LINE;
    pen.fillStyle = colors.inks[state];
    pen.fillRect(x, top + high - line, width, line);
    return;
  }
  pen.fillStyle = colors.fills[state];
  pen.fillRect(x, top, width > 4 ? width - 1 : width, high);
  pen.font = CALL_FONT;
  if (pen.measureText(tool).width <= width - 9) {
    pen.fillStyle = colors.onFill;
    pen.fillText(tool, x + 4, top + high / 2 + 0.5);
  }
  pen.font = FONT;
}

const barOf = ({ row }: Lane): readonly [top: number, height: number] =>
  row === undefined ? HEIGHTS.bar : HEIGHTS.rowBar;

function paintBars(
  pen: CanvasRenderingContext2D,
  lane: Lane,
  marks: readonly DrawnMark[],
  scene: Scene,
  colors: LaneColors,
): void {
  const [top, high] = barOf(lane);
  for (const { x, width, stay, dense } of barsOf(lane.stays, scene.until, scene.window, scene.width)) {
    if (stay.state === NO_INSTANCE) continue;
    const state = pluginStateOf(stay.state);
    // A gap keeps neighbours apart where there is room for one.
    const wide = width > 4 ? width - 1 : width;
    pen.fillStyle = state === undefined ? colors.muted : colors.fills[state];
    pen.fillRect(x, top, wide, high);
    const hatch = state && colors.hatches[state];
    if (hatch !== undefined && !dense && width > 6) {
      pen.fillStyle = hatch;
      pen.fillRect(x, top, wide, high);
    }
    // A mark at the start of a state has the place where its name would begin.
    const start =
      marks.length * CROWDED <= scene.width && marks.some((mark) => Math.abs(mark.x - x) < MARK_RADIUS)
        ? x + MARK_RADIUS
        : x;
    if (width > 34) paintName(pen, stay, start, x + wide - start, barOf(lane), colors);
  }
}

/** The name where it fits, else the state's alone, else nothing: on a ground of its own, for hatches are hard to read on. */
function paintName(
  pen: CanvasRenderingContext2D,
  stay: Stay,
  x: number,
  width: number,
  [top, high]: readonly [top: number, height: number],
  colors: LaneColors,
): void {
  const short = stay.generation === undefined ? stay.state : `#${stay.generation} ${stay.state}`;
  const names = stay.phase === '' ? [short] : [`${short} · ${stay.phase}`, short];
  if (stay.generation !== undefined) names.push(`#${stay.generation}`);
  const text = names.find((each) => widthOf(pen, each) <= width - 12);
  if (text === undefined) return;
  const state = pluginStateOf(stay.state);
  pen.fillStyle = state === undefined ? colors.muted : colors.fills[state];
  pen.fillRect(x, top, widthOf(pen, text) + 10, high);
  pen.fillStyle = state === undefined ? colors.surface : colors.onFill;
  pen.fillText(text, x + 5, top + high / 2 + 0.5);
}

const widths = new Map<string, number>();

function widthOf(pen: CanvasRenderingContext2D, text: string): number {
  const known = widths.get(text);
  if (known !== undefined) return known;
  const { width } = pen.measureText(text);
  widths.set(text, width);
  return width;
}

/** The line of memory, as high as the budget where there is one; above the budget it is marked. */
function paintMemory(
  pen: CanvasRenderingContext2D,
  lane: Lane,
  { window, width, until }: Scene,
  colors: LaneColors,
): void {
  const line = memoryLineOf(lane.memory, window, width);
  if (line.length === 0) return;
  const [top, high] = HEIGHTS.memory;
  const most = Math.max(lane.budgetMb ?? 0, ...line.map(({ memoryMb }) => memoryMb), 1);
  const yOf = (memoryMb: number): number => top + high * (1 - memoryMb / most);
  const end = Math.min(width, xOf(until, window, width));
  pen.beginPath();
  pen.moveTo(line[0]?.x ?? 0, top + high);
  for (const [index, { x, memoryMb }] of line.entries()) {
    pen.lineTo(x, yOf(memoryMb));
    pen.lineTo(Math.min(end, line[index + 1]?.x ?? end), yOf(memoryMb));
  }
  pen.lineTo(end, top + high);
  pen.closePath();
  pen.globalAlpha = 0.28;
  pen.fillStyle = colors.text;
  pen.fill();
  pen.globalAlpha = 1;
  if (lane.budgetMb === undefined) return;
  pen.strokeStyle = line.some(({ memoryMb }) => memoryMb > (lane.budgetMb ?? 0)) ? colors.inks.crashed : colors.muted;
  pen.setLineDash([3, 3]);
  pen.beginPath();
  const y = Math.round(yOf(lane.budgetMb)) + 0.5;
  pen.moveTo(Math.max(0, line[0]?.x ?? 0), y);
  pen.lineTo(end, y);
  pen.stroke();
  pen.setLineDash([]);
}

const CRASH = new Path2D(STATE_MARKS.crashed.shape);
const EVICTION = new Path2D('M2 1.5h12v2.5h-12zM8 15L1.5 6h13z');

function paintMark(
  pen: CanvasRenderingContext2D,
  x: number,
  y: number,
  kind: 'crash' | 'eviction',
  count: number,
  colors: LaneColors,
): void {
  pen.save();
  pen.translate(x, y);
  pen.beginPath();
  pen.arc(0, 0, MARK_RADIUS, 0, 2 * Math.PI);
  pen.fillStyle = colors.raised;
  pen.fill();
  pen.strokeStyle = kind === 'crash' ? colors.inks.crashed : colors.inks.released;
  pen.lineWidth = 1.5;
  pen.stroke();
  pen.fillStyle = pen.strokeStyle;
  if (count > 1) {
    pen.textAlign = 'center';
    pen.fillText(count > 9 ? '9+' : String(count), 0, 0.5);
  } else {
    pen.scale(0.55, 0.55);
    pen.translate(-8, -8);
    pen.fill(kind === 'crash' ? CRASH : EVICTION, 'evenodd');
  }
  pen.restore();
}

function paintTimes(pen: CanvasRenderingContext2D, scene: Scene, colors: LaneColors): void {
  const { window, width, height, range, cursor, until } = scene;
  if (range !== undefined) {
    const [start, end] = [xOf(range.from, window, width), xOf(range.to, window, width)];
    pen.fillStyle = colors.accent;
    pen.globalAlpha = 0.16;
    pen.fillRect(start, 0, end - start, height);
    pen.globalAlpha = 1;
    pen.fillRect(start, 0, 1, height);
    pen.fillRect(end - 1, 0, 1, height);
  }
  const x = Math.round(xOf(cursor ?? until, window, width));
  pen.fillStyle = cursor === undefined ? colors.muted : colors.accent;
  pen.fillRect(x - (cursor === undefined ? 0 : 1), 0, cursor === undefined ? 1 : 2, height);
  if (cursor === undefined) return;
  pen.beginPath();
  pen.moveTo(x - 5, 0);
  pen.lineTo(x + 5, 0);
  pen.lineTo(x, 7);
  pen.fill();
}

const pluginStateOf = (state: string): PluginState | undefined => PLUGIN_STATES.find((each) => each === state);
