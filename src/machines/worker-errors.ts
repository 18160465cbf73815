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

/** A cause as Node and Python print it: the class of the error, perhaps dotted, and its message. */
const ERROR_LINE = /^\[?(?:Uncaught )?(?:\w+\.)*\w*(?:Error|Exception|Rejection|Interrupt|Exit)\b.*$/;

/**
 * What a dying worker said of its cause: the exception of a traceback or stack, else the last line that says anything.
 * Colours and other controls are left out. Of what was printed long before, it says so: that may be of another call.
 */
function lastLine({ output, lastWords = { text: output, agoMs: 0 } }: WorkerExit): string {
  const { text: words, agoMs } = lastWords;
  const lines = stripVTControlCharacters(words)
    .replace(/[^\P{Cc}\n\t]/gu, '')
    .trimEnd()
    .split('\n');
  const hasStack = lines.some((text) => /^ {4,}at /.test(text));
  const line =
    (hasStack ? lines.findLast((text) => ERROR_LINE.test(text)) : undefined) ??
    lines.findLast((text) => text.trim() !== '' && !NOT_THE_CAUSE.test(text))?.trim() ??
    '';
  if (line === '') return 'It printed nothing.';
  const when = agoMs > RECENT_MS ? `, ${durationText(agoMs)} before` : '';
  return `Last output${when}: ${shortened(line, MAX_WORDS)}`;
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
