import { type ChildProcess, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { text } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect } from 'vitest';
import { eventually } from '../eventually.ts';
import { fixtureManifest } from '../fixtures/plugins.ts';

export const BIN = fileURLToPath(new URL('../../bin/greenroom.js', import.meta.url));
const TERMINAL = fileURLToPath(new URL('../fixtures/cli/terminal.py', import.meta.url));

/** How a command line ended, and what it printed. */
export interface Ended {
  readonly status: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly stdout: string;
  readonly stderr: string;
}

/** A command line that runs. */
export interface Running {
  readonly child: ChildProcess;
  readonly ended: Promise<Ended>;
}

/** The working directory of the command lines of a test; it is gone after it. */
export let folder = '';
const started: ChildProcess[] = [];

beforeEach(() => {
  // Short, so that socket paths fit.
  folder = mkdtempSync(join(tmpdir(), 'gr-'));
  mkdirSync(join(folder, 'run'), { mode: 0o700 });
});

afterEach(async () => {
  for (const child of started.splice(0)) child.kill('SIGKILL');
  // Whatever a command line has started bears the test's folder in its environment.
  await eventually(() => expect(processesOf(folder)).toEqual([]), { interval: 20 });
  // The folder of daemons' sockets stays for the next one.
  const sockets = `greenroom-${process.getuid?.()}`;
  // The guard of one that was killed removes the others, and has nothing of the folder in its own environment.
  const left = (): string[] => readdirSync(join(folder, 'run')).filter((name) => name !== sockets);
  await eventually(() => expect(left()).toEqual([]), { interval: 20 });
  rmSync(folder, { recursive: true, force: true });
});

interface StartOptions {
  readonly input?: string | undefined;
  readonly env?: Readonly<Record<string, string>> | undefined;
  /** Run it on a terminal: everything that is printed is in `stdout`. */
  readonly terminal?: boolean | undefined;
  /** A line for the shell to run it in, in which it is `"$@"`. */
  readonly shell?: string | undefined;
}

/** Starts `greenroom` with these arguments in the test's folder. */
export function start(args: readonly string[], { input, env, terminal = false, shell }: StartOptions = {}): Running {
  const own = [process.execPath, BIN, ...args];
  const line = shell === undefined ? own : ['sh', '-c', shell, 'sh', ...own];
  const [file = '', ...rest] = terminal ? ['python3', TERMINAL, ...line] : line;
  const child = spawn(file, rest, {
    cwd: folder,
    env: {
      PATH: process.env['PATH'],
      HOME: folder,
      TERM: 'xterm-256color',
      GREENROOM_HOME: join(folder, 'home'),
      XDG_RUNTIME_DIR: join(folder, 'run'),
      ...env,
    },
  });
  started.push(child);
  // A command line that ends at once does not read its input.
  child.stdin.on('error', () => {});
  if (!terminal) child.stdin.end(input ?? '');
  const exit = new Promise<Pick<Ended, 'status' | 'signal'>>((resolve) => {
    child.once('exit', (status, signal) => resolve({ status, signal }));
  });
  const output = Promise.all([text(child.stdout), text(child.stderr)]);
  const ended = Promise.all([exit, output]).then(([how, [stdout, stderr]]) => ({ ...how, stdout, stderr }));
  return { child, ended };
}

/** Runs `greenroom` to its end. */
export function greenroom(...args: readonly string[]): Promise<Ended> {
  return start(args).ended;
}

/** Resolves once standard error, or the terminal, has shown this. */
export function shown(child: ChildProcess, words: string, from: 'stdout' | 'stderr' = 'stderr'): Promise<void> {
  return new Promise((resolve) => {
    let seen = '';
    child[from]?.on('data', (data: Buffer) => {
      seen += data.toString();
      if (seen.includes(words)) resolve();
    });
  });
}

/** Writes a file below the test's folder and gives its path. */
export function write(path: string, content: unknown): string {
  const file = join(folder, path);
  mkdirSync(dirname(file), { recursive: true });
  writeFileSync(file, typeof content === 'string' ? content : JSON.stringify(content));
  return file;
}

/** Writes the manifest of a fixture plugin into the first search path. */
export function usePlugin(fixture: string, more: Readonly<Record<string, unknown>> = {}): string {
  return write(`.greenroom/plugins/${fixture}.json`, { ...fixtureManifest(fixture), ...more });
}

/** The processes that were started with something in their environment. */
export function processesOf(what: string): string[] {
  return readdirSync('/proc').filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, 'utf8').includes(what);
    } catch {
      return false;
    }
  });
}
