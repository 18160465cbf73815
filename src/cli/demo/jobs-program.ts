import { type ChildProcess, type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import { once } from 'node:events';
import { basename } from 'node:path';
import { createInterface } from 'node:readline';
import { text } from 'node:stream/consumers';
import { onAbort } from '../../events/abort-watch.ts';
import type { Stage } from './stage.ts';
import { INDEX } from './workshop.ts';

/** A line of `examples/index-jobs.mjs`; `done` counts the jobs that are done by then. */
type Line =
  | { readonly type: 'opened'; readonly jobs: number; readonly done: number }
  | { readonly type: 'done'; readonly job: number; readonly done: number }
  | ({ readonly type: 'closed' } & Library);

/** What is in the library once all jobs are done. */
export interface Library {
  readonly files: number;
  /** Files that the last attempts of the jobs indexed. */
  readonly indexed: number;
  /** Files that they found in the index as they are, because an attempt that was cut off had put them there. */
  readonly unchanged: number;
}

/** What a run of the program has come to. */
export interface JobsRun {
  readonly jobs: number;
  /** How many of them were done when the program opened them. */
  readonly doneBefore: number;
  /** The numbers of the jobs that it told the end of. */
  readonly ended: ReadonlySet<number>;
  /** Undefined where the program was killed before. */
  readonly library: Library | undefined;
  /** From the kill until the program and all that it had started were gone, in milliseconds; undefined without a kill. */
  readonly killMs: number | undefined;
}

/** Settings of {@link runJobsProgram}. */
export interface JobsProgramOptions {
  /** Where it keeps its jobs and its index. */
  readonly folder: string;
  readonly files: readonly string[];
  /** Whether it is to be killed now; asked after each of its lines. */
  readonly killAt?: ((jobs: number, done: number) => boolean) | undefined;
}

/**
 * Runs the example program that indexes files as jobs, and shows what it does. Resolves once it has ended, or was killed
 * with everything that it had started. Rejects where it fails, and with the reason of the stage's signal, which kills it.
 */
export async function runJobsProgram(stage: Stage, { folder, files, killAt }: JobsProgramOptions): Promise<JobsRun> {
  stage.signal.throwIfAborted();
  const program = startProgram(stage.workshop.jobsProgram, folder, files);
  const exited = once(program, 'close') as Promise<[number | null]>;
  const errors = text(program.stderr);
  let killing: Promise<number> | undefined;
  const kill = (): void => {
    killing ??= killAndTime(stage, program);
    // It is awaited below.
    killing.catch(() => {});
  };
  const offAbort = onAbort(stage.signal, kill);
  // A demo that ends at once takes it along, before the folder that it writes to is removed.
  const killAtExit = (): void => void program.kill('SIGKILL');
  process.prependOnceListener('exit', killAtExit);
  const ended = new Set<number>();
  let [jobs, doneBefore] = [0, 0];
  let library: Library | undefined;
  try {
    for await (const line of createInterface({ input: program.stdout })) {
      const said = JSON.parse(line) as Line;
      if (said.type === 'closed') {
        library = said;
        continue;
      }
      const { done } = said;
      if (said.type === 'opened') {
        [jobs, doneBefore] = [said.jobs, done];
        stage.emit({ type: 'program', did: 'start', pid: program.pid, jobs, done });
      } else ended.add(said.job);
      stage.emit({
        type: 'progress',
        plugin: INDEX,
        progress: done / jobs,
        message: `${done} of ${jobs} jobs are done`,
      });
      if (killing !== undefined || killAt?.(jobs, done) !== true) continue;
      stage.emit({ type: 'program', did: 'kill', pid: program.pid, jobs, done });
      kill();
    }
    const [status] = await exited;
    const killMs = await killing;
    stage.signal.throwIfAborted();
    if (killMs === undefined && status !== 0)
      throw new Error(`${basename(stage.workshop.jobsProgram)} ended with status ${status}: ${(await errors).trim()}`);
    return { jobs, doneBefore, ended, library, killMs };
  } finally {
    offAbort();
    process.off('exit', killAtExit);
    program.kill('SIGKILL');
  }
}

/** The program gets the paths on its standard input, and none of the user's settings. */
function startProgram(path: string, folder: string, files: readonly string[]): ChildProcessWithoutNullStreams {
  const env = Object.fromEntries(Object.entries(process.env).filter(([name]) => !name.startsWith('GREENROOM_')));
  const program = spawn(process.execPath, [path, folder], { env, stdio: 'pipe' });
  // One that was killed reads no more.
  program.stdin.on('error', () => {});
  program.stdin.end(files.filter((file) => !file.includes('\n')).join('\n'));
  return program;
}

async function killAndTime(stage: Stage, program: ChildProcess): Promise<number> {
  const killedAt = stage.now();
  await stage.kill(program);
  return stage.now() - killedAt;
}
