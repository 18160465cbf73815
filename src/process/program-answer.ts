import { execFile } from 'node:child_process';
import { heedStreams } from './start-process.ts';

/** How long a program may take to answer, in milliseconds. */
const DEADLINE_MS = 20_000;

/** How a program is asked. */
export interface AskOptions {
  readonly cwd?: string;
  /** The whole environment; undefined: that of this program. */
  readonly env?: Readonly<Record<string, string>>;
  /** Ends it. */
  readonly signal?: AbortSignal;
}

/**
 * What a program that says something and ends at once has printed to standard output. Undefined where it cannot be run,
 * fails, or takes too long. Rejects with the reason of the signal.
 */
export function programAnswer(
  program: string,
  args: readonly string[],
  { cwd, env, signal }: AskOptions = {},
): Promise<string | undefined> {
  return new Promise((resolve, reject) => {
    const child = execFile(
      program,
      args,
      { cwd, env, signal, timeout: DEADLINE_MS, killSignal: 'SIGKILL', windowsHide: true },
      (error, stdout) => {
        if (signal?.aborted === true) reject(signal.reason as Error);
        else resolve(error === null ? stdout : undefined);
      },
    );
    heedStreams(child);
    child.stdin?.end();
  });
}
