import { request } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import type { Logger } from 'pino';
import { apiFront } from '../api/api-front.ts';
import { GreenroomError, messageOf } from '../errors.ts';
import type { FleetNode } from '../fleet/fleet-node.ts';
import type { FleetOptions } from '../fleet/fleet-options.ts';
import { inspectorFront } from '../inspector/server/front.ts';
import { type McpFront, mcpFront } from '../mcp-front/mcp-front.ts';
import { createMetrics } from '../metrics/metrics.ts';
import { modelFront } from '../models/model-front.ts';
import { createSupervisor, type Supervisor } from '../runtime/supervisor.ts';
import { HttpServer } from '../server/http-server.ts';
import { Tickets } from '../server/tickets.ts';
import { type ResolvedSettings, resolveSettings } from '../settings/resolve.ts';
import type { SupervisorSettings } from '../settings/schema.ts';
import type { InspectSettings } from '../settings/values.ts';
import { systemCodeOf } from '../system-error.ts';
import { systemClock } from '../time/clock.ts';
import { traceCallsIfRegistered } from '../traces/trace-calls.ts';
import { DaemonJobs } from './daemon-jobs.ts';
import { claimDataDir, type DataDirClaim } from './daemon-lock.ts';
import { daemonSocketPath, listenOnSocket } from './daemon-socket.ts';
import { watchIdleEnd } from './idle-end.ts';
import { addressText, isLoopback, type TcpAddress } from './listen-address.ts';
import { statusFront } from './status-front.ts';
import { connectSystemd, type Systemd } from './systemd.ts';
import { watchedToken } from './watched-token.ts';

/** How a daemon is started. */
export interface DaemonOptions {
  readonly settings: SupervisorSettings;
  /** The version of Greenroom. */
  readonly version: string;
  /** Where to listen on TCP; undefined: on the socket alone. */
  readonly listen?: TcpAddress | undefined;
  /** Further values of `Host` that are answered on TCP, for a proxy in front. */
  readonly allowHosts?: readonly string[] | undefined;
  /** The origins of pages of other sites that are answered on TCP. */
  readonly allowOrigins?: readonly string[] | undefined;
  /** Serves the inspector on TCP, below `/inspector/`. */
  readonly inspect?: Pick<InspectSettings, 'control' | 'payloads'> | undefined;
  /** Serves the inspector at an address of its own, without the daemon's token: for `greenroom dev`. */
  readonly ownInspector?: InspectSettings | undefined;
  /** The fleet with which it shares its jobs; undefined: they are its own, in the data directory. */
  readonly fleet?: FleetOptions | undefined;
  readonly log: Logger;
  /** Ends by itself once no client was connected and no plugin has worked for so long, in milliseconds; by default never. */
  readonly idleEndMs?: number | undefined;
  /** Ends the wait for a data directory whose owner cannot be seen. */
  readonly signal?: AbortSignal | undefined;
}

/** A supervisor for every program on the machine. */
export interface Daemon {
  readonly supervisor: Supervisor;
  /** The path of its socket. */
  readonly socket: string;
  /** `http://127.0.0.1:8484`, where it listens on TCP. */
  readonly url: string | undefined;
  /** The address of the inspector, with the token, where it is served. */
  readonly inspectorUrl: string | undefined;
  /** Aborted when it has to end: a client asked for it, or its data directory has gone to another daemon. */
  readonly asked: AbortSignal;
  /** The node of the fleet; undefined: it is in none, or could not join it yet. */
  readonly node: FleetNode | undefined;
  /** Reads the manifests again, and says which settings have changed that a running daemon cannot take. */
  reload(): Promise<void>;
  /** Lets calls end, ends every worker, and then gives up sockets and data directory. Idempotent. */
  stop(): Promise<void>;
}

/** How long the last answers may take once no worker is left, in milliseconds. */
const LAST_ANSWERS_MS = 2_000;

/**
 * Starts a daemon; resolves when it takes requests. Rejects with `E_DATA_DIR` where another one owns the data directory,
 * and with `E_OPTIONS` for settings that are not valid and an address that cannot be listened on.
 */
export async function startDaemon(options: DaemonOptions): Promise<Daemon> {
  const { version, listen, log, signal } = options;
  const settings = resolveSettings(options.settings);
  const { dataDir, searchPaths, mcpConfigs } = settings;
  const facts = { socket: daemonSocketPath(dataDir), tcp: null, version, searchPaths, mcpConfigs, listening: false };
  const claim = await claimDataDir(dataDir, facts, { signal });
  const parts = new DaemonParts(options, claim, settings);
  try {
    await parts.open();
  } catch (error) {
    await parts.close();
    if (error instanceof GreenroomError || listen === undefined || systemCodeOf(error) === undefined) throw error;
    const why = systemCodeOf(error) === 'EADDRINUSE' ? 'the port is already in use' : messageOf(error);
    throw new GreenroomError(
      'E_OPTIONS',
      `Cannot listen on ${addressText(listen)}: ${why}. Choose another with --listen.`,
      {
        cause: error,
      },
    );
  }
  log.info({ socket: parts.socket, url: parts.url }, 'The daemon takes requests.');
  return parts;
}

class DaemonParts implements Daemon {
  readonly #options: DaemonOptions;
  readonly #claim: DataDirClaim;
  readonly #asked = new AbortController();
  readonly #servers: HttpServer[] = [];
  readonly #closers: (() => Promise<void> | void)[] = [];
  readonly #systemd: Systemd;
  readonly #startedAt = Date.now();
  /** As the daemon began with them. */
  readonly #settings: ResolvedSettings;
  #supervisor: Supervisor | undefined;
  #jobs: DaemonJobs | undefined;
  #mcp: McpFront | undefined;
  #isStopping = false;
  #stopped: Promise<void> | undefined;
  url: string | undefined;
  inspectorUrl: string | undefined;

  constructor(options: DaemonOptions, claim: DataDirClaim, settings: ResolvedSettings) {
    this.#options = options;
    this.#claim = claim;
    this.#settings = settings;
    const isReady = (signal: AbortSignal): Promise<boolean> => asksReady(claim.record.socket, signal);
    this.#systemd = connectSystemd({ env: process.env, isReady, clock: systemClock, log: options.log });
  }

  get supervisor(): Supervisor {
    if (this.#supervisor === undefined) throw new Error('The daemon has no supervisor yet.');
    return this.#supervisor;
  }

  get socket(): string {
    return this.#claim.record.socket;
  }

  get asked(): AbortSignal {
    return AbortSignal.any([this.#asked.signal, this.#claim.lost]);
  }

  get node(): FleetNode | undefined {
    return this.#jobs?.node;
  }

  async open(): Promise<void> {
    const { settings, version, listen, inspect, log } = this.#options;
    const supervisor = await createSupervisor({
      ...settings,
      inspect: this.#options.ownInspector ?? false,
      handleSignals: false,
      unref: false,
      logger: log,
    });
    this.#supervisor = supervisor;
    const jobs = new DaemonJobs(supervisor, log, (opened) => mcp.noteJobs(opened), this.#options.fleet);
    this.#jobs = jobs;
    const tickets = new Tickets();
    const onError = (error: unknown): void => log.error({ err: error }, 'A request could not be answered.');
    const api = apiFront(supervisor, {
      version,
      tickets,
      jobs: () => jobs.open(),
      fleet: () => jobs.node,
      daemon: () => this.#facts(),
      stop: () => this.#asked.abort('stop'),
      onError,
    });
    this.#closers.push(() => api.close());
    const metrics = createMetrics(supervisor, () => jobs.node);
    this.#closers.push(() => metrics.close());
    const traces = await traceCallsIfRegistered(supervisor);
    this.#closers.push(() => traces?.close());
    const mcp = mcpFront(supervisor, {
      version,
      log,
      serverOf: ({ name }) => supervisor.mcpPlugin(name),
      jobs: () => jobs.open(),
    });
    this.#mcp = mcp;
    this.#closers.push(supervisor.onNotice((notice) => mcp.noteNotice(notice)));
    this.#closers.push(() => mcp.close());
    const shared = [api, mcp, statusFront({ version, metrics, onError, notReady: () => this.#notReady() })];
    const listenOn = (server: Parameters<typeof listenOnSocket>[0]): Promise<void> =>
      listenOnSocket(server, this.#claim);
    this.#servers.push(
      await HttpServer.listen({
        // Only this user can open the socket, which is the key.
        fronts: [...shared, modelFront(supervisor, { onError })],
        address: { socket: listenOn },
      }),
    );
    if (listen !== undefined) {
      const onTokenError = (error: unknown): void => log.error({ err: error }, 'The token of TCP cannot be read.');
      const token = watchedToken(this.#settings.dataDir, onTokenError);
      const { apiKeys } = this.#settings;
      const keys = (): readonly string[] => apiKeys ?? [token()];
      const fronts = [...shared, modelFront(supervisor, { keys, onError })];
      if (inspect !== undefined) {
        const recorded = await supervisor.recordInspector(inspect, log);
        this.#closers.push(() => recorded.close());
        fronts.push(inspectorFront(recorded.api, '/inspector'));
      }
      const { allowHosts, allowOrigins } = this.#options;
      const server = await HttpServer.listen({ fronts, address: listen, token, tickets, allowHosts, allowOrigins });
      this.#servers.push(server);
      const address = addressText({ host: listen.host, port: server.port });
      this.url = `http://${address}`;
      const page = isLoopback(listen) ? this.url : `http://127.0.0.1:${server.port}`;
      if (inspect !== undefined) this.inspectorUrl = `${page}/inspector/#token=${token()}`;
      this.#claim.update({ tcp: address });
    }
    this.#claim.update({ listening: true });
    await this.#beginJobs(jobs);
    this.#watchIdle();
    void this.#systemd.ready();
  }

  /** A fleet is joined with the start, so that it is known whether that worked; jobs on the disk are not waited for. */
  async #beginJobs(jobs: DaemonJobs): Promise<void> {
    const begun = jobs.begin();
    if (this.#options.fleet !== undefined) await begun;
  }

  #watchIdle(): void {
    const { idleEndMs: limitMs, log } = this.#options;
    if (limitMs === undefined) return;
    const isNeeded = (): boolean =>
      this.#servers.some(({ connections }) => connections > 0) ||
      this.supervisor.plugins().some(({ state }) => state === 'busy' || state === 'spawning');
    const onIdle = (): void => {
      log.info(`Nobody has used the daemon for ${Math.round(limitMs / 1_000)} s, and it ends.`);
      this.#asked.abort('idle');
    };
    const hasWork = async (): Promise<boolean> => (await this.#jobs?.haveWork()) ?? false;
    this.#closers.push(watchIdleEnd({ isNeeded, hasWork, limitMs, onIdle }));
  }

  async reload(): Promise<void> {
    await this.#systemd.reloading();
    try {
      if (!isDeepStrictEqual(resolveSettings(this.#options.settings), this.#settings))
        this.#options.log.warn(
          'The settings have changed. A running daemon keeps those it began with: run "greenroom serve --replace" to have it begin again.',
        );
      await this.supervisor.discover();
    } finally {
      await this.#systemd.ready();
    }
  }

  stop(): Promise<void> {
    this.#stopped ??= this.close();
    return this.#stopped;
  }

  async close(): Promise<void> {
    this.#isStopping = true;
    void this.#systemd.stopping();
    this.#mcp?.drain();
    try {
      // Clients are answered until the last call has ended; new ones are refused.
      // The jobs that run when its patience is over were interrupted, and run again.
      await Promise.all([this.#supervisor?.stop(), this.#jobs?.close()]);
    } finally {
      for (const close of this.#closers) {
        // Whatever fails, the sockets and the data directory are given up.
        await Promise.resolve()
          .then(close)
          .catch((error: unknown) => this.#options.log.error({ err: error }, 'A part of the daemon did not end.'));
      }
      await Promise.all(this.#servers.map((server) => server.close(LAST_ANSWERS_MS)));
      this.#claim.release();
      await this.#systemd.close();
    }
  }

  #notReady(): string | undefined {
    if (this.#isStopping) return 'The daemon is stopping.';
    const { state } = this.supervisor.snapshot();
    return state === 'running' ? undefined : `The supervisor is ${state}.`;
  }

  #facts(): object {
    const { version } = this.#options;
    const addresses = [this.socket, ...(this.url === undefined ? [] : [this.url])];
    return { version, pid: process.pid, since: this.#startedAt, addresses, inspector: this.inspectorUrl };
  }
}

/** Asks a daemon whether it takes work, by the way that work takes. Never rejects. */
function asksReady(socketPath: string, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const asked = request({ socketPath, path: '/readyz', agent: false, signal }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    });
    asked.on('error', () => resolve(false));
    asked.end();
  });
}
