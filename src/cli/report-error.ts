import { type ErrorCode, GreenroomError, messageOf } from '../errors.ts';
import { oneLine } from '../text/printable.ts';
import { inCliWords } from './cli-words.ts';
import { STATUS_OF_CODE } from './exit-status.ts';
import type { Terminal } from './terminal/terminal.ts';
import { UsageError } from './usage-error.ts';

/** What to do next, on the command line, where the message does not say it or says it for programs. */
const HINTS: Partial<Readonly<Record<ErrorCode, (plugin: string, message: string) => string | undefined>>> = {
  E_REMOTE: (plugin, message) =>
    message.includes('ModuleNotFoundError: No module named')
      ? `Add the package that has this module to the plugin's requirements. If it is there: greenroom env repair ${plugin}`
      : undefined,
  E_INPUT: () => 'The tools of all plugins: greenroom list --tools',
  E_TIMEOUT: () => 'Allow more time with --timeout SECONDS.',
  E_UNSUPPORTED: (plugin, message) => {
    if (message.includes('HTTP server'))
      return `Its requests go through a daemon: greenroom serve --listen 127.0.0.1:8484, then /upstream/${plugin}/`;
    return message.includes('stream') ? 'Run it without --stream.' : undefined;
  },
  E_START: (plugin) => `Full output: greenroom logs ${plugin}`,
  E_START_TIMEOUT: (plugin) => `Full output: greenroom logs ${plugin}`,
  E_CRASHED: (plugin) => `Full output: greenroom logs ${plugin}`,
  E_HUNG: (plugin) => `Full output: greenroom logs ${plugin}`,
  E_DATA_DIR: () => 'Choose another folder with --data-dir, or run: greenroom doctor',
};

/** How many of the last lines of a worker that ended are shown, unless a traceback or stack among them is longer. */
const SHOWN_OUTPUT_LINES = 12;

/** Where a traceback of Python or a report of Node begins: the latter with the place, or with the error itself. */
const REPORT_BEGINS =
  /^(?:Traceback \(most recent call last\):$|(?:file:\/\/)?\/.*:\d+$|(?:\w+\.)*\w*(?:Error|Exception)\b)/;

/** The lines between a beginning and another that belongs to it: marks below the code, and what joins tracebacks. */
const BETWEEN = /^(?:\s|$|During handling of the above exception|The above exception was the direct cause)/;

/** Tells what went wrong, on standard error for people and as JSON on standard output for programs; gives the exit status. */
export async function reportError(error: unknown, terminal: Terminal): Promise<number> {
  if (terminal.json) await terminal.printJson({ error: plainError(error) });
  if (error instanceof UsageError) {
    tell(terminal, error.message, error.hint);
    return 2;
  }
  if (!(error instanceof GreenroomError)) {
    tell(terminal, messageOf(error), undefined, error instanceof Error ? error.stack : undefined);
    return 1;
  }
  const { code, plugin = '', remote } = error;
  // That of a refused config is the worker's own.
  const stack = code === 'E_CONFIG' ? undefined : remote?.stack;
  // What a plugin says itself is not ours to put in other words.
  const message = code === 'E_REMOTE' ? error.message : inCliWords(error.message);
  tell(terminal, message, HINTS[code]?.(plugin, error.message), stack ?? lastOutput(error));
  return STATUS_OF_CODE[code];
}

/** Tells that standard output could not be written, for which programs have nothing but standard error either. */
export function reportLostOutput(error: Error, terminal: Terminal): void {
  terminal.alert(`${terminal.err.red('error:')} Standard output cannot be written: ${error.message}.`);
}

/** An error as plain data: `{ code, message, plugin, remote }`. */
function plainError(error: unknown): Record<string, unknown> {
  if (error instanceof GreenroomError) {
    const { code, message, plugin, remote } = error;
    return { code, message, plugin, remote };
  }
  return { code: error instanceof UsageError ? 'E_USAGE' : 'E_INTERNAL', message: messageOf(error) };
}

function tell(terminal: Terminal, message: string, hint: string | undefined, more?: string): void {
  const { err } = terminal;
  terminal.note(`${err.red('error:')} ${lines(message)}`);
  if (hint !== undefined) terminal.note(`${err.cyan('hint:')}  ${lines(hint)}`);
  // A stack of one line, or an output of one, says what the message has said already.
  const rest = more?.replace(/^\s*\n/, '').trimEnd() ?? '';
  if (rest !== '' && !message.includes(rest.replace(/^\w+: /, ''))) terminal.note(err.dim(rest));
}

/** A message may have several lines, and nothing else that steers a terminal. */
function lines(message: string): string {
  return message.split('\n').map(oneLine).join('\n');
}

function lastOutput({ details }: GreenroomError): string | undefined {
  if (details === undefined || !('output' in details)) return undefined;
  const output = details.output.trimEnd().split('\n');
  const last = Math.max(0, output.length - SHOWN_OUTPUT_LINES);
  const begin = beginOfReport(output, last);
  return output.slice(begin ?? last).join('\n');
}

/** Where the report begins that `last` is in the middle of: one without its beginning says little. */
function beginOfReport(lines: readonly string[], last: number): number | undefined {
  let begin: number | undefined;
  for (let at = last; at >= 0; at -= 1) {
    const line = lines[at] ?? '';
    if (REPORT_BEGINS.test(line)) begin = at;
    else if (!BETWEEN.test(line)) break;
  }
  return begin;
}
