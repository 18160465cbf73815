import { execFile } from 'node:child_process';
import { heedStreams } from '../process/start-process.ts';

/** How long a check may take, in milliseconds. One that takes longer is given up, and the code is taken to be sound. */
const CHECK_MS = 10_000;

/** A check prints no more than this, in bytes. */
const MAX_OUTPUT = 1024 * 1024;

/** The program that checks, as its plugin's worker would be started. */
export interface CheckProgram {
  readonly file: string;
  /** The whole environment. */
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/** What a check has printed; undefined where it could not be run, or was given up. */
export interface CheckOutput {
  readonly ok: boolean;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a check to its end. Never rejects: aborted, it resolves to undefined. */
export function runCheck(
  { file, env, cwd }: CheckProgram,
  args: readonly string[],
  signal: AbortSignal,
): Promise<CheckOutput | undefined> {
  return new Promise((resolve) => {
    const options = { env, cwd, signal, timeout: CHECK_MS, maxBuffer: MAX_OUTPUT, windowsHide: true };
    const child = execFile(file, args, options, (error, stdout, stderr) => {
      const hasEnded = error === null || typeof error.code === 'number';
      resolve(hasEnded ? { ok: error === null, stdout, stderr } : undefined);
    });
    heedStreams(child);
  });
}
