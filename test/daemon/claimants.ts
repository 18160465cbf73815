import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach } from 'vitest';

const CLAIMANT = fileURLToPath(new URL('../fixtures/daemon/claimant.mjs', import.meta.url));

/** What a claimant says. */
export type Report = Partial<{
  ready: number;
  claimed: number;
  socket: string;
  refused: string;
  message: string;
}>;

/** A process that claims a data directory when it is told to. */
export interface Claimant {
  readonly pid: number;
  claim(): void;
  next(): Promise<Report>;
  /** Ends it, and waits for that. */
  end(signal?: NodeJS.Signals): Promise<void>;
}

/** A data directory, a runtime folder for its sockets, and claimants that are gone after each test. */
export function useDataDir() {
  let folder = '';
  const started: Claimant[] = [];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gr-'));
  });
  afterEach(async () => {
    await Promise.all(started.splice(0).map((claimant) => claimant.end('SIGKILL')));
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    get dataDir() {
      return join(folder, 'data');
    },
    get runtime() {
      return folder;
    },
    /** Starts a claimant and waits until it is ready to claim. `under`: a program that is to start it. */
    async start({ beatMs = 5_000, under = [] as readonly string[] } = {}): Promise<Claimant> {
      const command = [...under, process.execPath, CLAIMANT, join(folder, 'data'), String(beatMs)];
      const child = spawn(command[0] ?? '', command.slice(1), {
        stdio: ['pipe', 'pipe', 'inherit'],
        env: { ...process.env, XDG_RUNTIME_DIR: folder },
      });
      const ended = once(child, 'close');
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
      const next = async (): Promise<Report> => JSON.parse(String((await lines.next()).value)) as Report;
      const claimant: Claimant = {
        pid: child.pid ?? 0,
        claim: () => void child.stdin.write('claim\n'),
        next,
        async end(signal) {
          if (signal === undefined) child.stdin.end();
          else child.kill(signal);
          await ended;
        },
      };
      started.push(claimant);
      await next();
      return claimant;
    },
  };
}
