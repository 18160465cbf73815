import { once } from 'node:events';
import { messageOf } from '../errors.ts';
import { signalGroup } from './process-group.ts';
import { startTimeOf } from './process-identity.ts';
import { findProgram } from './program-path.ts';
import { startProcess } from './start-process.ts';

/** How long it may take, in milliseconds: what waits for it is an eviction, or the end of the host program. */
const LIMIT_MS = 10_000;

/** Where the command runs, with which variables, and who is told of a failure. */
export interface StopCommandOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  note(message: string): void;
}

/** The command that ends what a worker leaves behind, such as a container. It runs once for each start. */
export class StopCommand {
  readonly #command: readonly string[];
  readonly #options: StopCommandOptions;
  #running: Promise<void> | undefined;

  constructor(command: readonly string[], options: StopCommandOptions) {
    this.#command = command;
    this.#options = options;
  }

  /** Resolves when the command has ended, or was killed for taking more than 10 s. A failure is noted; never rejects. */
  run(): Promise<void> {
    this.#running ??= this.#run().catch((error: unknown) => {
      this.#options.note(`stop_command failed: ${messageOf(error)}`);
    });
    return this.#running;
  }

  async #run(): Promise<void> {
    const { cwd, env, note } = this.#options;
    const [file = '', ...args] = this.#command;
    const { child, pid } = await startProcess(findProgram(file, cwd, env['PATH']) ?? file, args, { cwd, env });
    const group = { pgid: pid, startTime: startTimeOf(pid), leaderExited: false };
    const exit = once(child, 'exit') as Promise<[number | null, string | null]>;
    child.stdin?.end();
    let last = '';
    for (const pipe of [child.stdout, child.stderr]) {
      pipe?.on('data', (chunk: Buffer) => {
        last = chunk.toString('utf8');
      });
    }
    const timer = setTimeout(() => signalGroup(group, 'SIGKILL'), LIMIT_MS);
    const [code, signal] = await exit;
    clearTimeout(timer);
    for (const pipe of child.stdio) pipe?.destroy();
    if (code === 0) return;
    const how = signal === null ? `status ${code}` : `${signal}, as it took more than ${LIMIT_MS / 1_000} s`;
    note(`stop_command ended with ${how}: ${last.trim()}`);
  }
}
