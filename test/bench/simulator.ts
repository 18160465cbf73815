import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { Policy } from '../../src/scheduler/policies/policy.ts';

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

/** What is counted of a replay; times in milliseconds. */
export interface Outcome {
  readonly loads: number;
  readonly loadMs: number;
  readonly hindsightMs: number;
  readonly evictions: number;
  readonly served: number;
  readonly refused: Readonly<Record<string, number>>;
  readonly peakMb: number;
}

/** A replay as `--json` prints it. */
export interface Result extends Outcome {
  readonly trace: string;
  readonly policy: string;
  readonly order: string;
}

/** A trace as the modules of the simulator hold it. */
export interface Trace {
  readonly capacityMb: number;
  readonly plugins: readonly { readonly mb: number; readonly loadMs: number }[];
  readonly calls: readonly object[];
}

/** The modules of the simulator, which are JavaScript. */
interface Modules {
  makeTrace(options: { kind: string; seed: number; plugins: number; calls: number; sizes: string }): Trace;
  replay(trace: Trace, options: { policy: Policy; capacityMb?: number }): Outcome;
  linesOf(trace: Trace): Iterable<string>;
  /** Rejects with what the user is told. */
  readTrace(file: string): Promise<Trace>;
  tableLines(results: readonly Result[]): readonly string[];
  leastLoadMs(plugins: Trace['plugins'], services: readonly number[], capacityMb: number): number;
}

/** Loads the modules of the simulator. */
export async function loadSimulator(): Promise<Modules> {
  const names = ['make', 'trace', 'replay', 'hindsight', 'report'];
  const modules = await Promise.all(
    names.map((name) => import(new URL(`../../bench/simulate/${name}.mjs`, import.meta.url).href) as Promise<object>),
  );
  return Object.assign({}, ...modules) as Modules;
}
