import { stripVTControlCharacters } from 'node:util';
import type { WorkerEnding } from '../error-details.ts';
import { type ErrorCode, GreenroomError, messageOf } from '../errors.ts';
import type { WorkerExit } from '../process/worker-process.ts';
import { shortageIn } from '../system-error.ts';
import { durationText } from '../text/duration-text.ts';
import { shortened } from '../text/shortened.ts';

/** The errors of a start after which another start can only end the same way. */
const PERMANENT: ReadonlySet<ErrorCode> = new Set([
  'E_MANIFEST',
  'E_HANDSHAKE',
  'E_CONFIG',
  'E_DATA_DIR',
  'E_SERIALIZE',
]);

/** Whether starting again may help, from the error of a start that failed. */
export function isRetryable(error: GreenroomError): boolean {
  return !PERMANENT.has(error.code) || shortageIn(error.cause) !== undefined;
}

/** "exited with status 1", "was killed (SIGKILL)" or "ran out of memory". */
export function describeExit(exit: WorkerExit): string {
  if (exit.outOfMemory) return `ran out of memory (${exit.signal ?? `status ${exit.code}`})`;
  return exit.signal === null ? `exited with status ${exit.code}` : `was killed (${exit.signal})`;
}

/** How much of a worker's last words a message takes, in characters. */
const MAX_WORDS = 1_000;

/** How long before the end they may have been printed for a message not to say so, in milliseconds. */
const RECENT_MS = 10_000;

/** What Node prints around a value that was thrown and is no Error, or behind its report. */
const NOT_THE_CAUSE =
  /^(?:Node\.js v\d.*|\(Use `node --trace-\w+ \.\.\.` to show where .*\)|Thrown at:|[\]}\s]*|node:internal\S*:\d+|\s*\^+|\s*at .*)$/;

/** So the SDKs begin what to do about a cause, on a line of its own. */
const ADVICE = 'To install it, run: ';

/** A cause as Node and Python print it: the class of the error, perhaps dotted, and its message. */
const ERROR_LINE = /^\[?(?:Uncaught )?(?:\w+\.)*\w*(?:Error|Exception|Rejection|Interrupt|Exit)\b.*$/;

/**
 * What a dying worker said of its cause: the exception of a traceback or stack, else the last line that says anything.
 * Colours and other controls are left out. Of what was printed long before, it says so: that may be of another call.
 */
function lastLine({ output, lastWords = { text: output, agoMs: 0 } }: WorkerExit): string {
  const { text: words, agoMs } = lastWords;
  const printed = stripVTControlCharacters(words)
    .replace(/[^\P{Cc}\n\t]/gu, '')
    .trimEnd()
    .split('\n');
  const advice = printed.findLast((text) => text.startsWith(ADVICE));
  const lines = printed.filter((text) => !text.startsWith(ADVICE));
  const hasStack = lines.some((text) => /^ {4,}at /.test(text));
  const line =
    (hasStack ? lines.findLast((text) => ERROR_LINE.test(text)) : undefined) ??
    lines.findLast((text) => text.trim() !== '' && !NOT_THE_CAUSE.test(text))?.trim() ??
    '';
  if (line === '') return 'It printed nothing.';
  const place = SYNTAX_ERROR.test(line) ? placeIn(lines) : undefined;
  const what = place === undefined ? line : `${line} at ${place}`;
  const when = agoMs > RECENT_MS ? `, ${durationText(agoMs)} before` : '';
  return `Last output${when}: ${shortened(what, MAX_WORDS)}${advice === undefined ? '' : `. ${advice}`}`;
}

/** The error of code that cannot be read; its own line says nothing of the place. */
const SYNTAX_ERROR = /^\w*(?:SyntaxError|IndentationError|TabError)\b/;

/** Where Node and Python say that code cannot be read: a line for the file, and below it the line of the code. */
const NODE_PLACE = /^(?:file:\/\/)?(\/.+|[A-Z]:.+):(\d+)$/i;
const PYTHON_PLACE = /^ +File "(.+)", line (\d+)$/;

/** "/plugins/a.mjs:5:25: const a = b c;", with the column where it can be told. */
function placeIn(lines: readonly string[]): string | undefined {
  const at = lines.findLastIndex((line) => NODE_PLACE.test(line) || PYTHON_PLACE.test(line));
  const [line = '', code = '', marks = ''] = lines.slice(at, at + 3);
  const node = NODE_PLACE.exec(line);
  const [, file = '', number = ''] = node ?? PYTHON_PLACE.exec(line) ?? [];
  if (at < 0 || file === '') return undefined;
  // Python shows the line without its indentation.
  const column = node !== null && /^\s*\^+\s*$/.test(marks) ? `:${marks.indexOf('^') + 1}` : '';
  return `${node === null ? file : decodeURI(file)}:${number}${column}: ${code.trim()}`;
}

function isExit(cause: unknown): cause is WorkerExit {
  return typeof cause === 'object' && cause !== null && 'output' in cause && 'retryable' in cause;
}

function detailsOf({ code, signal, output, outOfMemory }: WorkerExit): WorkerEnding {
  return { exitCode: code, signal, output, outOfMemory };
}

/**
 * Why a worker did not become ready: from the exit of its process, or from what a step of its start rejected with.
 * `details` of the former is `{ exitCode, signal, output, outOfMemory }`.
 */
export function startError(plugin: string, cause: unknown): GreenroomError {
  if (cause instanceof GreenroomError) return cause;
  if (!isExit(cause)) {
    return new GreenroomError('E_START', `The worker of "${plugin}" could not be started: ${messageOf(cause)}`, {
      plugin,
      cause,
    });
  }
  if (cause.spawnError !== undefined) return startError(plugin, cause.spawnError);
  return new GreenroomError(
    'E_START',
    [`The worker of "${plugin}" ${describeExit(cause)} before it was ready. ${lastLine(cause)}`, cause.advice ?? []]
      .flat()
      .join('. '),
    {
      plugin,
      details: detailsOf(cause),
    },
  );
}

/** A worker that had been ready is gone. `details` is `{ exitCode, signal, output, outOfMemory }`. */
export function crashError(plugin: string, exit: WorkerExit): GreenroomError {
  return new GreenroomError('E_CRASHED', `The worker of "${plugin}" ${describeExit(exit)}. ${lastLine(exit)}`, {
    plugin,
    details: detailsOf(exit),
  });
}

/** A worker did not become ready in time; `step` is what it was doing. */
export function deadlineError(plugin: string, step: string, startMs: number, output: string): GreenroomError {
  return new GreenroomError(
    'E_START_TIMEOUT',
    `The worker of "${plugin}" was still ${step} after ${startMs} ms and was killed. Raise start_timeout_ms in its manifest if it needs longer.`,
    { plugin, details: { output } },
  );
}

/** The package of a worker was not installed in time. */
export function installDeadlineError(plugin: string, installMs: number): GreenroomError {
  return new GreenroomError(
    'E_START_TIMEOUT',
    `What "${plugin}" needs was still being installed after ${installMs} ms, and its installation was killed. See what it printed: greenroom logs ${plugin}. Raise install_timeout_ms in its manifest if it needs longer.`,
    { plugin, details: { output: '' } },
  );
}
