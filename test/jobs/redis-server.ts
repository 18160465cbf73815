import { execFile, spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';

/** Whether this machine has a Redis that tests can start; those that need one say with this that they are skipped. */
export const hasRedis = spawnSync('redis-server', ['--version']).status === 0;

/** What a Redis is started with. */
export interface RedisServerOptions {
  /** When its log is written to the disk: `always` outlasts everything that is answered; undefined: there is no log. */
  readonly appendfsync?: 'always' | 'everysec' | undefined;
  /** Any other of its options. */
  readonly args?: readonly string[] | undefined;
}

/** A Redis of a test, at a socket in a folder of its own. It is no child of the test's process, which must end with none. */
export class RedisServer {
  readonly folder = mkdtempSync(join(tmpdir(), 'gr-redis-'));
  readonly socket = join(this.folder, 'redis.sock');
  readonly #options: RedisServerOptions;
  #pid: number | undefined;

  private constructor(options: RedisServerOptions) {
    this.#options = options;
  }

  /** Resolves once it answers. */
  static async start(options: RedisServerOptions = {}): Promise<RedisServer> {
    const server = new RedisServer(options);
    await server.begin();
    return server;
  }

  get url(): string {
    return `unix://${this.socket}`;
  }

  /** Starts it, again after {@link kill}; resolves once it answers. */
  async begin(): Promise<void> {
    const { appendfsync, args = [] } = this.#options;
    const log = appendfsync === undefined ? ['no'] : ['yes', '--appendfsync', appendfsync];
    const pidFile = join(this.folder, 'redis.pid');
    await promisify(execFile)('redis-server', [
      ...['--port', '0', '--unixsocket', this.socket, '--dir', this.folder, '--save', '', '--appendonly', ...log],
      ...['--daemonize', 'yes', '--pidfile', pidFile, '--logfile', join(this.folder, 'log'), ...args],
    ]);
    for (let tries = 0; !(await this.#answers()); tries += 1) {
      if (tries === 1_000) throw new Error(readFileSync(join(this.folder, 'log'), 'utf8'));
      await pause();
    }
    this.#pid = Number(readFileSync(pidFile, 'utf8'));
  }

  /** Ends it as a crash does. */
  async kill(): Promise<void> {
    if (this.#pid === undefined) return;
    process.kill(this.#pid, 'SIGKILL');
    this.#pid = undefined;
    // What is not a child cannot be waited for.
    while (await this.#answers()) await pause();
  }

  /** Has it hang until {@link thaw}: its connections stand, and nothing is answered. */
  freeze(): void {
    if (this.#pid !== undefined) process.kill(this.#pid, 'SIGSTOP');
  }

  thaw(): void {
    if (this.#pid !== undefined) process.kill(this.#pid, 'SIGCONT');
  }

  /** Ends it, and removes what it stored. */
  async remove(): Promise<void> {
    await this.kill();
    rmSync(this.folder, { recursive: true, force: true });
  }

  #answers(): Promise<boolean> {
    return new Promise((resolve) => {
      const socket = connect(this.socket, () => socket.write('PING\r\n'));
      socket.once('data', (data) => {
        socket.destroy();
        // While it reads its log it says so, and with a password it asks for that.
        resolve(!data.toString().startsWith('-LOADING'));
      });
      socket.once('error', () => resolve(false));
    });
  }
}

function pause(): Promise<void> {
  return new Promise((resolve) => void setTimeout(resolve, 10));
}
