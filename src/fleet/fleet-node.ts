import { hostname } from 'node:os';
import { join } from 'node:path';
import { packageVersion } from '../files/package-version.ts';
import type { LinkHealth } from '../jobs/redis/link-health.ts';
import type { RedisJobStore } from '../jobs/redis/redis-job-store.ts';
import type { RedisLink } from '../jobs/redis/redis-link.ts';
import type { JobRunner } from '../jobs/runner/job-runner.ts';
import type { Supervisor } from '../runtime/supervisor.ts';
import { nearestName } from '../text/nearest-name.ts';
import { quoted } from '../text/shown.ts';
import { type Announcement, readAnnouncement } from './announcement.ts';
import type { FleetBoard } from './fleet-board.ts';
import type { FleetOptions } from './fleet-options.ts';
import { FleetSharing } from './fleet-sharing.ts';
import type { ToldNode } from './fleet-status.ts';
import { LoadTimes } from './load-times.ts';
import { Membership } from './membership.ts';
import { type Moved, moveJobs } from './move-jobs.ts';
import type { SharingPorts } from './sharing-ports.ts';

/** How often what has changed here is told, at most, and how often everything is looked at again, in milliseconds. */
const TELL_MS = 100;
const LOOK_MS = 10_000;

/** What a node is made of. */
export interface FleetNodeParts {
  readonly supervisor: Supervisor;
  readonly options: FleetOptions & { readonly name: string };
  readonly link: RedisLink;
  readonly board: FleetBoard;
  /** Its identifier, another at each start. */
  readonly id: string;
}

/** This program as a part of a fleet: what it tells the others, and which jobs are for it. */
export class FleetNode {
  readonly id: string;
  readonly sharing: FleetSharing;
  readonly #parts: FleetNodeParts;
  readonly #loads: LoadTimes;
  readonly #has: Membership;
  readonly #warm: Membership;
  readonly #since = Date.now();
  /** The plugins that can never have their memory here. */
  readonly #neverFit = new Set<string>();
  #store!: RedisJobStore;
  #runner!: JobRunner;
  #lost = 0;
  #isClosed = false;
  #moving: Promise<Moved> | undefined;
  #tellTimer: unknown;
  #lookTimer: unknown;
  readonly #stops: (() => void)[] = [];

  constructor(parts: FleetNodeParts) {
    const { supervisor, options, board, id } = parts;
    const { clock, onError } = supervisor.jobPort;
    this.id = id;
    this.#parts = parts;
    this.#loads = new LoadTimes(supervisor, clock);
    const tellOf =
      (add: (names: readonly string[]) => Promise<void>, drop: (names: readonly string[]) => Promise<void>) =>
      async (added: readonly string[], removed: readonly string[]) => {
        await Promise.all([add(added), drop(removed)]);
      };
    this.#has = new Membership(
      tellOf(
        (names) => board.have(names),
        (names) => board.drop(names),
      ),
      onError,
    );
    this.#warm = new Membership(
      tellOf(
        (names) => board.warm(names),
        (names) => board.cold(names),
      ),
      onError,
    );
    this.sharing = new FleetSharing(
      { localityWaitMs: options.localityWaitMs, ageBoundMs: supervisor.jobPort.maxWaitMs },
      this.#ports(),
    );
  }

  #ports(): SharingPorts {
    const { supervisor, board } = this.#parts;
    const { clock, standingOf, onError } = supervisor.jobPort;
    return {
      clock,
      standingOf,
      onError,
      random: Math.random,
      atWork: () => this.#runner.atWork,
      loadMsOf: (plugin) => this.#loads.of(plugin),
      heads: async (plugins) => new Map((await this.#store.heads(plugins)).map((head) => [head.plugin, head])),
      elsewhere: (plugins) => board.elsewhere(plugins),
      claim: async (plugin, seen) => {
        const isOurs = await board.claim(plugin, seen);
        if (isOurs) this.#warm.note(plugin, true);
        return isOurs;
      },
      unclaim: () => this.#tellSoon(),
      rankOf: (plugin) => board.rank(plugin),
      wake: (plugin) => this.#runner.wake([plugin]),
      look: () => this.#runner.look(),
      giveBack: (plugin) => this.#runner.giveBack(plugin),
    };
  }

  /** Begins to tell the others, and to take jobs. */
  async start(store: RedisJobStore, runner: JobRunner, waiting: readonly string[]): Promise<void> {
    this.#store = store;
    this.#runner = runner;
    const { supervisor, link, board } = this.#parts;
    const { onError } = supervisor.jobPort;
    this.#stops.push(
      supervisor.onChange(() => this.#tellSoon()),
      store.onNodeGone((node) => void board.gone(node).catch(onError)),
      link.onHealth(({ state }) => {
        if (state === 'connected') void this.#tellAgain();
      }),
    );
    this.#tell();
    await this.#has.settled();
    this.#scheduleLook();
    for (const plugin of waiting) this.hear(plugin);
  }

  /** Jobs of a plugin may be ready. */
  hear(plugin: string): void {
    if (this.#isClosed || this.#parts.supervisor.jobPort.standingOf(plugin).state === 'unable') return;
    this.sharing.hinted(plugin);
    this.#runner.wake([plugin]);
  }

  /** The end of a job was refused, as another node has taken the job over. */
  readonly noteLost = (id: string): void => {
    this.#lost += 1;
    const { supervisor, options } = this.#parts;
    supervisor.jobPort.warn(
      { job: id, node: options.name },
      'The job was taken over by another node while it ran here, and its end here does not count. What it did may have been done twice.',
    );
  };

  /** Of how many jobs the end was refused here. */
  get lost(): number {
    return this.#lost;
  }

  /** Whether it has jobs. */
  get isAtWork(): boolean {
    return this.#runner.inHand > 0;
  }

  /** How this node stands with its Redis. */
  get health(): LinkHealth {
    return this.#parts.link.health;
  }

  /** Where the Redis is, without credentials. */
  get address(): string {
    return this.#parts.link.address;
  }

  get prefix(): string {
    return this.#parts.link.prefix;
  }

  get name(): string {
    return this.#parts.options.name;
  }

  /** The living nodes with what they announced, by name. Rejects with `E_JOB_STORE`. */
  async nodes(): Promise<readonly ToldNode[]> {
    const nodes = await this.#store.nodes();
    const plugins = await this.#parts.board.pluginsOf(nodes.map(({ node }) => node));
    return nodes
      .map(({ node, text, beatAgoMs }, index) => ({
        ...readAnnouncement(text),
        ...{ node, beatAgoMs, plugins: [...(plugins[index] ?? [])].toSorted() },
      }))
      .toSorted((a, b) => ((a.name ?? a.node) < (b.name ?? b.node) ? -1 : 1));
  }

  /** The job of each plugin that would be given next. */
  heads(plugins: readonly string[]): ReturnType<RedisJobStore['heads']> {
    return this.#store.heads(plugins);
  }

  /** Why jobs of a plugin wait that cannot be run here; undefined: another node can run them. */
  async whyElsewhere(plugin: string, here: string): Promise<string | undefined> {
    const { board, supervisor } = this.#parts;
    try {
      if (!this.#isHere(plugin)) return await this.whyNobody(plugin);
      return (await board.had([plugin])).has(plugin) ? undefined : here;
    } catch (error) {
      supervisor.jobPort.onError(error);
      return here;
    }
  }

  /** That neither this node nor another one has a plugin, in a sentence; undefined: one has. Rejects with `E_JOB_STORE`. */
  async whyNobody(plugin: string): Promise<string | undefined> {
    const { board } = this.#parts;
    if (this.#isHere(plugin) || (await board.had([plugin])).has(plugin)) return undefined;
    const near = nearestName(plugin, await board.names());
    const hint = near === undefined ? 'greenroom fleet lists the plugins of all nodes.' : `Did you mean "${near}"?`;
    return `No node of the fleet has a plugin ${quoted(plugin)}. ${hint}`;
  }

  #isHere(plugin: string): boolean {
    return [...this.#parts.supervisor.jobPort.names()].includes(plugin);
  }

  /** Takes the jobs in the data directory that have not ended into the fleet. As {@link moveJobs}. */
  moveJobs(): Promise<Moved> {
    const { dataDir, onListenerError } = this.#parts.supervisor.jobPort;
    this.#moving ??= moveJobs(join(dataDir, 'jobs'), this.#store, onListenerError).finally(
      () => (this.#moving = undefined),
    );
    return this.#moving;
  }

  /** Takes nothing more, and has the others know that this node has nothing any more. */
  close(): void {
    this.#isClosed = true;
    const { clock } = this.#parts.supervisor.jobPort;
    clock.clearTimeout(this.#tellTimer);
    clock.clearTimeout(this.#lookTimer);
    for (const stop of this.#stops) stop();
    this.sharing.close();
    this.#loads.close();
    this.#has.set(new Set());
    this.#warm.set(new Set());
  }

  /** Resolves when the others know. */
  async left(): Promise<void> {
    await Promise.all([this.#has.settled(), this.#warm.settled()]);
  }

  #tellSoon(): void {
    const { clock } = this.#parts.supervisor.jobPort;
    if (this.#isClosed) return;
    this.#tellTimer ??= clock.setTimeout(() => {
      this.#tellTimer = undefined;
      this.#tell();
    }, TELL_MS);
  }

  #tell(): void {
    if (this.#isClosed) return;
    const { names, standingOf } = this.#parts.supervisor.jobPort;
    const has = new Set<string>();
    const warm = new Set(this.sharing.claimed);
    for (const plugin of names()) {
      const { state } = standingOf(plugin);
      if (state === 'unable' || this.#neverFit.has(plugin)) continue;
      has.add(plugin);
      if (state === 'warm' || state === 'loading') warm.add(plugin);
    }
    this.#has.set(has);
    this.#warm.set(warm);
    this.#store.announce(JSON.stringify(this.#announcement()));
  }

  #announcement(): Announcement {
    const { supervisor, options } = this.#parts;
    const { scheduling } = supervisor.status();
    const { makesWayFor } = this.sharing;
    return {
      ...{ name: options.name, version: packageVersion(), host: hostname(), pid: process.pid, since: this.#since },
      capacity: finite(scheduling.capacity),
      reserved: finite(scheduling.reserved),
      residents: supervisor
        .plugins({ loaded: true })
        .map(({ name, state, inFlight, waiting }) => ({ plugin: name, state, calls: inFlight + waiting })),
      ...(makesWayFor !== undefined && { makesWayFor }),
      lost: this.#lost,
    };
  }

  /** The others may have taken this node for dead. */
  async #tellAgain(): Promise<void> {
    try {
      if (this.#isClosed || (await this.#parts.board.isKnown())) return;
      this.#has.forget();
      this.#warm.forget();
    } catch (error) {
      this.#parts.supervisor.jobPort.onError(error);
    }
  }

  #scheduleLook(): void {
    const { clock } = this.#parts.supervisor.jobPort;
    // Not all nodes at the same moment.
    const afterMs = LOOK_MS * (0.75 + Math.random() / 2);
    this.#lookTimer = clock.setTimeout(() => {
      this.#findMisfits();
      this.#tell();
      void this.#tellAgain();
      this.#scheduleLook();
    }, afterMs);
  }

  /** Finds the plugins that can never have their memory here, which is asked of cold ones only. */
  #findMisfits(): void {
    const { names, standingOf } = this.#parts.supervisor.jobPort;
    this.#neverFit.clear();
    for (const plugin of names()) {
      const standing = standingOf(plugin);
      if (standing.state === 'cold' && standing.prospect().outcome === 'never') this.#neverFit.add(plugin);
    }
  }
}

/** The amounts that are limited, as JSON has no infinity. */
function finite(amounts: Readonly<Record<string, unknown>> | object): Announcement['capacity'] {
  return Object.fromEntries(
    Object.entries(amounts).filter(([, amount]) => typeof amount === 'number' && Number.isFinite(amount)),
  );
}
