import { isatty } from 'node:tty';
import { type Logger, pino } from 'pino';
import { messageOf } from '../errors.ts';
import { printable } from '../text/printable.ts';
import { readableLine } from './readable-line.ts';

/** What of a pino logger the supervisor uses. */
export type SupervisorLog = Pick<Logger, 'info' | 'warn' | 'error' | 'fatal'>;

/** What may wait in memory for a standard error that takes no lines; beyond it lines are lost. */
const MAX_WAITING_BYTES = 1024 * 1024;

/**
 * The supervisor's own log on standard error: NDJSON, and on a terminal lines for people, which it may have whatever
 * plugins say in them. Lines that
 * cannot be written, as on a full disk, are lost. A pipe that is not read holds up the program only while the program
 * has not used `process.stderr`, by which a pipe refuses instead.
 */
export function openSupervisorLog(level: string): Logger {
  const file = pino.destination({
    dest: 2,
    sync: true,
    minLength: 1,
    maxLength: MAX_WAITING_BYTES,
    // Else the whole program would sleep until the reader goes on.
    retryEAGAIN: () => false,
  });
  file.on('error', () => {});
  // A full one refuses lines before it tries to write again.
  file.on('drop', () => file.flush());
  const shown = isatty(2) ? (line: string) => printable(readableLine(line)) : printable;
  return pino({ name: 'greenroom', level }, { write: (line) => void file.write(shown(line)) });
}

/**
 * A logger whose errors do not reach the runtime, as the loss of a line is no reason to lose a worker. Of the first,
 * Node's warnings tell.
 */
export function guardedLog(logger: SupervisorLog): SupervisorLog {
  let isKnown = false;
  const tell = (error: unknown, line: string): void => {
    if (isKnown) return;
    isKnown = true;
    const why = error instanceof Error ? messageOf(error) : `a thrown ${typeof error}`;
    const message = `The logger of the supervisor failed: ${why}. The supervisor keeps running; log lines such as this one are lost: ${line}`;
    process.emitWarning(message, 'GreenroomWarning');
  };
  const guarded =
    (level: keyof SupervisorLog) =>
    (...line: [details: object, message: string] | [message: string]): void => {
      try {
        // By the name, as a logger may be an object of a class.
        logger[level](...(line as [object, string]));
      } catch (error) {
        tell(error, line.length === 1 ? line[0] : line[1]);
      }
    };
  return {
    info: guarded('info'),
    warn: guarded('warn'),
    error: guarded('error'),
    fatal: guarded('fatal'),
  } as SupervisorLog;
}
