import { checkOptions, FLAG, isOptions, type OptionKind, SIGNAL } from '../argument-checks.ts';
import { followLog, tailLog } from '../logs/log-reader.ts';

/** What `logs` takes; its overloads say what comes of which. */
export interface LogOptions {
  readonly lines?: number | undefined;
  readonly follow?: boolean | undefined;
  readonly signal?: AbortSignal | undefined;
}

/** How many lines `logs` gives by default. */
const LINES_SHOWN = 100;

const LINES: OptionKind = {
  expected: 'a whole number of lines from 0, or Infinity for all',
  fits: (value) => value === Infinity || (Number.isSafeInteger(value) && (value as number) >= 0),
};

const LOG_OPTIONS = { lines: LINES, follow: FLAG, signal: SIGNAL };

/** The log of a plugin. */
export interface FoundLog {
  readonly file: string;
  /** Whether each line is to say of which worker it is. */
  readonly numbered: boolean;
}

/**
 * Reads a plugin's log as `logs` does: its last lines, or line by line what is printed from now on too, until `until` is
 * aborted. `find` tells the file, or throws.
 */
export function readLog(
  find: () => FoundLog,
  options: LogOptions,
  until: AbortSignal,
): Promise<string> | AsyncIterable<string> {
  const checked = (): FoundLog => {
    const found = find();
    checkOptions('logs()', options, LOG_OPTIONS);
    return found;
  };
  return isOptions(options) && options.follow === true ? follow(checked, options, until) : tail(checked, options);
}

async function tail(find: () => FoundLog, options: LogOptions): Promise<string> {
  const { file, numbered } = find();
  return tailLog(file, options.lines ?? LINES_SHOWN, numbered);
}

async function* follow(
  find: () => FoundLog,
  options: LogOptions,
  until: AbortSignal,
): AsyncGenerator<string, void, undefined> {
  const { file, numbered } = find();
  const { lines = LINES_SHOWN, signal } = options;
  yield* followLog(file, { lines, signal, until, numbered });
}
