/** How bad a line says that it is, the harmless first. */
export const LOG_LEVELS = ['debug', 'info', 'warn', 'error'] as const;

/** One of {@link LOG_LEVELS}. */
export type LogLevel = (typeof LOG_LEVELS)[number];

/** A line of a log as it was written. */
export interface LoggedLine {
  /** When it was logged, in milliseconds since the epoch; undefined of half a line. */
  readonly at: number | undefined;
  /** Which worker it is of; undefined where it is of none. */
  readonly generation: number | undefined;
  /** What the worker printed it to; undefined of what the runtime says itself. */
  readonly stream: 'stdout' | 'stderr' | undefined;
  /** Undefined where the line does not say. */
  readonly level: LogLevel | undefined;
  readonly text: string;
}

/** As pino writes it, near the beginning of a record. */
const TIME = /^.{0,64}?"time":"(\d{4}-[^"]{1,32})"/;

/** pino's number of a warning, and of an error. */
const [WARN, ERROR] = [40, 50];

const NAMES: Readonly<Record<string, LogLevel>> = {
  trace: 'debug',
  debug: 'debug',
  info: 'info',
  notice: 'info',
  warn: 'warn',
  warning: 'warn',
  error: 'error',
  critical: 'error',
  fatal: 'error',
};

const ANY_NAME = Object.keys(NAMES).join('|');

/** A level at the beginning of a line, perhaps after a time: `[ERROR] …`, `warning: …`. */
const MARKED = new RegExp(`^[\\d\\s:.,/+TZ-]{0,40}(?:\\[ ?(${ANY_NAME}) ?\\]|(${ANY_NAME}):)`, 'i');
/** The same without a mark, then in capitals. */
const CAPITALS = new RegExp(`^[\\d\\s:.,/+TZ-]{0,40}(${ANY_NAME.toUpperCase()})\\b`);
/** How the report of an error begins in Python and in JavaScript. */
const FAILURE = /^(?:Traceback \(most recent call last\):|(?:Uncaught )?\w{0,64}(?:Error|Exception)\b[^:]{0,64}: )/;

/** When a record was logged, in milliseconds since the epoch, without reading all of it. */
export function timeOf(record: string): number | undefined {
  const at = Date.parse(TIME.exec(record)?.[1] ?? '');
  return Number.isNaN(at) ? undefined : at;
}

/** Reads a record of a log. Half a record, of a host that was killed while it wrote, is a text without a time. */
export function readLogLine(record: string): LoggedLine {
  let fields: Partial<Record<'time' | 'msg' | 'generation' | 'stream' | 'level', unknown>> | undefined;
  try {
    const parsed: unknown = JSON.parse(record);
    if (typeof parsed === 'object' && parsed !== null) fields = parsed;
  } catch {
    // Shown as it is.
  }
  if (typeof fields?.msg !== 'string') {
    return { at: timeOf(record), generation: undefined, stream: undefined, level: undefined, text: record };
  }
  const { time, msg, generation, stream, level } = fields;
  const at = typeof time === 'string' ? Date.parse(time) : Number.NaN;
  const isPrinted = stream === 'stdout' || stream === 'stderr';
  return {
    at: Number.isNaN(at) ? undefined : at,
    generation: typeof generation === 'number' ? generation : undefined,
    stream: isPrinted ? stream : undefined,
    level: isPrinted ? levelIn(msg) : levelOfNumber(level),
    text: msg,
  };
}

/** The level that a line says at its beginning; undefined where it says none. */
export function levelIn(text: string): LogLevel | undefined {
  const found = MARKED.exec(text) ?? CAPITALS.exec(text);
  if (found !== null) return NAMES[(found[1] ?? found[2] ?? '').toLowerCase()];
  return FAILURE.test(text) ? 'error' : undefined;
}

function levelOfNumber(level: unknown): LogLevel | undefined {
  if (typeof level !== 'number' || level < WARN) return undefined;
  return level < ERROR ? 'warn' : 'error';
}
