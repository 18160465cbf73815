import { mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import { type Client, createClient } from '../../src/client/client.ts';
import type { ClientTarget } from '../../src/client/daemon-target.ts';
import { type Daemon, type DaemonOptions, startDaemon } from '../../src/daemon/daemon.ts';
import { packageVersion } from '../../src/files/package-version.ts';
import { openSupervisorLog } from '../../src/logs/supervisor-log.ts';
import { FIXTURES } from '../fixtures/plugins.ts';

/** A daemon with a data directory of its own, for each test of a file. */
export interface Bench {
  readonly folder: string;
  readonly dataDir: string;
  /** Starts a daemon, which ends with the test. */
  start(options?: Partial<DaemonOptions>): Promise<Daemon>;
  /** A client, which is closed with the test; of the data directory unless said otherwise. */
  client(target?: ClientTarget): Client;
}

/** Gives each test of a file a daemon's folder. */
export function useDaemons(plugins = join(FIXTURES, 'workbench')): Bench {
  let folder = '';
  let daemons: Daemon[] = [];
  let clients: Client[] = [];
  const before = process.env['XDG_RUNTIME_DIR'];
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'gr-'));
    mkdirSync(join(folder, 'run'), { mode: 0o700 });
    process.env['XDG_RUNTIME_DIR'] = join(folder, 'run');
  });
  afterEach(async () => {
    await Promise.all(clients.map((client) => client.close()));
    await Promise.all(daemons.map((daemon) => daemon.stop()));
    [daemons, clients] = [[], []];
    if (before === undefined) delete process.env['XDG_RUNTIME_DIR'];
    else process.env['XDG_RUNTIME_DIR'] = before;
    rmSync(folder, { recursive: true, force: true });
  });
  return {
    get folder() {
      return folder;
    },
    get dataDir() {
      return join(folder, 'data');
    },
    async start({ settings, ...options } = {}) {
      const daemon = await startDaemon({
        settings: { dataDir: join(folder, 'data'), searchPaths: [plugins], watch: false, ...settings },
        version: packageVersion(),
        log: openSupervisorLog('silent'),
        ...options,
      });
      daemons.push(daemon);
      return daemon;
    },
    client(target = { dataDir: join(folder, 'data') }) {
      const client = createClient(target);
      clients.push(client);
      return client;
    },
  };
}
