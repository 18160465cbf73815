import { isolated } from '../store/format.ts';
import { type Sequence, type SequenceStep, sinceText } from './sequence.ts';

/** Where everything of a sequence is drawn, in pixels. */
export interface SequenceLayout {
  readonly width: number;
  readonly height: number;
  readonly lines: readonly { readonly id: string; readonly x: number; readonly name: string; readonly title: string }[];
  readonly rows: readonly SequenceRow[];
}

/** A step as it is drawn: an arrow from `x1` to `x2` at `y`, or a dot where both are the same. */
export interface SequenceRow {
  readonly step: SequenceStep;
  readonly y: number;
  readonly x1: number;
  readonly x2: number;
  /** The text, one below another: above an arrow and in its middle, beside a dot. */
  readonly texts: readonly { readonly text: string; readonly x: number; readonly y: number }[];
  /** How long after the first step it was. */
  readonly since: string;
  /** Set where much of the time passed before it, or steps are left out there: what to say of that, and where. */
  readonly before: { readonly text: string; readonly y: number } | undefined;
}

/** Begins and ends a part of a text whose direction does not reach beyond it: FSI and PDI of Unicode. */
const ISOLATE = '\u2068';
const END = '\u2069';
/** Where the lifelines begin, below their names. */
export const TOP = 34;
/** Half of the width of a lifeline's name. */
export const HALF_NAME = 64;
const LINE = 14;
const PADDING = 20;
const BREAK = 26;
const LEFT = 70;
const MARGIN = 12;
const LEAST_GAP = 2 * HALF_NAME + 12;
/** The longest line of a text, how many there are at most, and the longest name of a lifeline, in characters. */
const MAX_TEXT = 27;
const MAX_LINES = 3;
const MAX_NAME = 18;
/** How wide a character of the drawing's font is at most, on average: it is drawn before it can be measured. */
const CHARACTER = 6.3;
/** A pause is told of from this part of the whole on, and from this length, in milliseconds. */
const LONG_PART = 0.1;
const LONG_MS = 100;

/** Places the lifelines so far apart that the texts between them fit, and the steps one below another. */
export function layoutOf({ lifelines, steps, gap }: Sequence): SequenceLayout {
  const places = new Map(lifelines.map(({ id }, index) => [id, index]));
  const placeOf = (id: string): number => places.get(id) ?? 0;
  const texts = steps.map(({ text }) => wrapped(text));
  const xs = placesOf(
    lifelines.length,
    steps.map(({ from, to }, index) => ({
      first: Math.min(placeOf(from), placeOf(to)),
      last: Math.max(placeOf(from), placeOf(to)),
      width: Math.max(...(texts[index] ?? []).map(({ length }) => length)) * CHARACTER + 26,
    })),
  );
  const first = steps[0]?.at ?? 0;
  const whole = (steps.at(-1)?.at ?? 0) - first;
  let y = TOP;
  const rows = steps.map((step, index): SequenceRow => {
    const pause = step.at - (steps[index - 1]?.at ?? step.at);
    const isLong = pause >= LONG_MS && pause >= whole * LONG_PART;
    const passed = isLong ? `${sinceText(pause, 0).slice(1)} later` : undefined;
    const told = gap?.after === index ? `${gap.count} steps are left out` : passed;
    if (told !== undefined) y += BREAK;
    const before = told === undefined ? undefined : { text: told, y };
    const lines = texts[index] ?? [];
    const [x1, x2] = [xs[placeOf(step.from)] ?? 0, xs[placeOf(step.to)] ?? 0];
    const top = y + PADDING;
    const isNote = x1 === x2;
    y = top + (lines.length - (isNote ? 1 : 0)) * LINE - (isNote ? 0 : 6);
    const x = isNote ? x1 + 12 : (x1 + x2) / 2;
    return {
      ...{ step, x1, x2, before, since: sinceText(step.at, first) },
      y: isNote ? top - 4 : y,
      texts: lines.map((text, line) => ({ text, x, y: top + line * LINE })),
    };
  });
  return {
    width: Math.ceil((xs.at(-1) ?? LEFT) + MARGIN),
    height: y + PADDING,
    lines: lifelines.map(({ id, name }, index) => ({
      id,
      x: xs[index] ?? 0,
      name: shortened(name, MAX_NAME),
      title: name,
    })),
    rows,
  };
}

/** Where each of a number of lifelines is, and, as one more, where what is beside the last one ends. */
function placesOf(
  count: number,
  spans: readonly { readonly first: number; readonly last: number; readonly width: number }[],
): readonly number[] {
  const gaps = Array.from({ length: count }, (_, index) => (index === count - 1 ? HALF_NAME : LEAST_GAP));
  // Narrow spans first: what they need, wide ones may use.
  for (const { first, last, width } of spans.toSorted(
    (one, other) => one.last - one.first - other.last + other.first,
  )) {
    const end = Math.max(last, first + 1);
    const there = gaps.slice(first, end).reduce((sum, each) => sum + each, 0);
    if (there < width) gaps[end - 1] = (gaps[end - 1] ?? 0) + width - there;
  }
  const xs = [LEFT + HALF_NAME];
  for (const gap of gaps) xs.push((xs.at(-1) ?? 0) + gap);
  return xs;
}

/** A text in lines, cut where it has too many. */
function wrapped(text: string): readonly string[] {
  const broken = [''];
  for (const word of text.split(/\s+/)) {
    const longer = `${broken.at(-1)} ${word}`.trimStart();
    if (longer.length <= MAX_TEXT || broken.at(-1) === '') broken[broken.length - 1] = longer;
    else broken.push(word);
  }
  const lines = isolatedLines(broken);
  const shown = lines.slice(0, MAX_LINES).map((line) => shortened(line, MAX_TEXT));
  if (lines.length > MAX_LINES) shown[MAX_LINES - 1] = shortened(`${shown.at(-1)} ${lines[MAX_LINES]}…`, MAX_TEXT);
  return shown;
}

/** A text cut to a length. An isolation in it is ended, so that it turns nothing behind it around. */
function shortened(text: string, length: number): string {
  if (text.length <= length) return text;
  return `${isolated(text.replaceAll(/[\u2068\u2069]/g, '').slice(0, length - 1))}…`;
}

/** Lines of which each ends what it isolates, and the next begins it again: each is a text of its own. */
function isolatedLines(lines: readonly string[]): readonly string[] {
  let isOpen = false;
  return lines.map((line) => {
    const begun = isOpen ? `${ISOLATE}${line}` : line;
    isOpen = begun.lastIndexOf(ISOLATE) > begun.lastIndexOf(END);
    return isOpen ? `${begun}${END}` : begun;
  });
}
