import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';

/** The repository. */
export const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const PROGRAM = fileURLToPath(new URL('../../bench/simulate/simulate.mjs', import.meta.url));

interface Ended {
  readonly status: unknown;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs the simulator as a user does. */
export function simulate(args: readonly string[], input = ''): Promise<Ended> {
  return new Promise((resolve) => {
    const options = { cwd: ROOT, maxBuffer: 2 ** 24 };
    const child = execFile(process.execPath, [PROGRAM, ...args], options, (error, stdout, stderr) => {
      resolve({ status: error === null ? 0 : error.code, stdout, stderr });
    });
    // A program that has ended without reading is no failure.
    child.stdin?.on('error', () => {});
    child.stdin?.end(input);
  });
}
