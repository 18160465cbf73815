import { once } from 'node:events';
import type { Socket } from 'node:net';
import { onAbort } from '../events/abort-watch.ts';
import { gatedCommand } from '../orphans/gated-command.ts';
import type { WorkerTree } from '../orphans/worker-trees.ts';
import type { InstallProgram } from '../packages/package-installs.ts';
import { ProcessOutput } from '../process/process-output.ts';
import { startProcess } from '../process/start-process.ts';

/** How many of its lines are kept. */
const MAX_LINES = 200;

/** Where it runs, and who is told of it. */
export interface InstallOptions {
  readonly cwd: string;
  readonly env: Readonly<Record<string, string>>;
  /** The tree that it is in; of it nothing is left when the installation has ended. */
  readonly tree: WorkerTree;
  /** Kills it. */
  readonly signal: AbortSignal;
  onLine(stream: 'stdout' | 'stderr', line: string): void;
}

/** How the program ended that was to install a package. */
export interface InstallEnd {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  /** The last lines of standard output, and of standard error. */
  readonly stdout: readonly string[];
  readonly stderr: readonly string[];
}

/**
 * Runs a program that installs a package, in a process group of its own, and resolves when nothing of it is left. Rejects
 * with the system's error where there is no process.
 */
export async function installPackage(
  { file, args, env: added }: InstallProgram,
  { cwd, env, tree, signal, onLine }: InstallOptions,
): Promise<InstallEnd> {
  signal.throwIfAborted();
  const [program, words, gated] = gatedCommand(file, args);
  const { child, pid } = await startProcess(program, words, { cwd, env: { ...env, ...added, ...tree.mark } }).catch(
    async (error: unknown) => {
      await tree.discard();
      throw error;
    },
  );
  tree.started(pid);
  child.unref();
  for (const pipe of child.stdio) (pipe as Socket | null)?.unref();
  const lines = { stdout: [] as string[], stderr: [] as string[] };
  const take =
    (stream: 'stdout' | 'stderr') =>
    (line: string): void => {
      lines[stream].push(line);
      if (lines[stream].length > MAX_LINES) lines[stream].shift();
      onLine(stream, line);
    };
  const printed = new ProcessOutput([
    [child.stdout, take('stdout')],
    [child.stderr, take('stderr')],
  ]);
  child.stdin?.on('error', () => {});
  const exit = once(child, 'exit') as Promise<[number | null, NodeJS.Signals | null]>;
  const kill = (): void => tree.signal('SIGKILL');
  const stop = onAbort(signal, kill);
  if (signal.aborted) kill();
  await tree.protect();
  // Whatever asks on standard input is told that nobody answers.
  child.stdin?.end(gated ? '\n' : '');
  const [code, endedBy] = await exit;
  stop();
  tree.exited();
  await printed.rest();
  await tree.gone();
  for (const pipe of child.stdio) pipe?.destroy();
  return { code, signal: endedBy, ...lines };
}
